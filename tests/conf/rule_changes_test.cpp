#include "conf/rule_changes.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/conf/rules_fixture.hpp"

using namespace penstock::conf;
using namespace penstock::test;

namespace {

struct fixture : rules_fixture {
  [[nodiscard]] std::vector<std::string> changes_to(const std::string& text) const {
    const auto before = read(small_rules());
    const auto after = read(text);
    BOOST_REQUIRE_MESSAGE(after.ok(), text_of(after.faults));
    std::vector<std::string> lines;
    for (const auto& one : changes_between(*before.value, *after.value)) lines.push_back(one.text());
    return lines;
  }
  void check_only(const std::string& text, const std::string& line) const {
    const auto lines = changes_to(text);
    BOOST_REQUIRE(lines.size() == 1U);
    BOOST_TEST(lines[0] == line);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rule_changes, fixture)

BOOST_AUTO_TEST_CASE(sees_no_change_in_a_comment) { BOOST_TEST(changes_to(small_rules() + "# a comment\n").empty()); }

BOOST_AUTO_TEST_CASE(says_what_changed_and_how) {
  check_only(changed("2027-03-31", "2028-02-29"), "project alz changed: valid_through: 2027-03-31 -> 2028-02-29");
  check_only(changed("port = 104", "port = 11112"), "pacs gh-rad changed: port: 104 -> 11112");
  check_only(changed("version = 1", "version = 1\nrequire_training = true"),
             "rules changed: require_training: false -> true");
  check_only(changed("per_minute = 2", "per_minute = 3"), "pacs gh-rad changed: per_minute in clinic: 2 -> 3");
}

BOOST_AUTO_TEST_CASE(says_what_came_and_went) {
  const auto lines = changes_to(changed(
      "[user.amy]", "[user.zoe]\nname = \"Zoe\"\nkeys = [\"" + raj_key + "\"]\nroles = [\"auditor\"]\n[user.amy]"));
  BOOST_TEST((lines == std::vector<std::string>{"user zoe added"}));
}

BOOST_AUTO_TEST_CASE(shows_neither_keys_nor_patients) {
  check_only(changed(amy_key, raj_key), "user amy changed: keys replaced");
  const auto before = read(small_rules());
  directory.write("alz.csv", "# rows: 2\nissuer,mrn\nGH,0000001\nGHX,X3\n");
  const auto after = read(small_rules());
  const auto found = changes_between(*before.value, *after.value);
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found[0].text() == "project alz changed: 1 patients withdrawn, 1 added");
}

BOOST_AUTO_TEST_SUITE_END()
