#include "tools/console/keys.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <sstream>

using namespace penstock::console;

namespace {

constexpr auto requests_table = in(place::table, place::requests);
constexpr auto repository_table = in(place::table, place::repository);

}  // namespace

BOOST_AUTO_TEST_SUITE(keys)

BOOST_AUTO_TEST_CASE(means_different_things_in_different_places) {
  BOOST_TEST((action_of("r", requests_table) == action::retry_requests));
  BOOST_TEST((action_of("r", repository_table) == action::refresh));
  BOOST_TEST((action_of("Space", requests_table) == action::mark));
  BOOST_TEST(!action_of("Space", in(place::text)));
  BOOST_TEST((action_of("Escape", in(place::dialog)) == action::back));
}

BOOST_AUTO_TEST_CASE(takes_arrows_and_letters_alike) {
  for (const char* key : {"Down", "j"}) BOOST_TEST((action_of(key, requests_table) == action::down));
  for (const char* key : {"End", "G"}) BOOST_TEST((action_of(key, requests_table) == action::last));
}

BOOST_AUTO_TEST_CASE(has_no_key_twice_in_one_place) {
  for (unsigned one = 0; one < static_cast<unsigned>(place::count); ++one) {
    std::set<std::string> seen;
    for (const auto* bound : bindings_in(1U << one)) {
      std::istringstream keys{std::string{bound->keys}};
      for (std::string key; keys >> key;) BOOST_TEST(seen.insert(key).second, key << " is bound twice in " << one);
    }
  }
}

BOOST_AUTO_TEST_CASE(fills_the_footer_with_what_fits) {
  const auto line = [](int columns) {
    std::string text;
    for (const auto& part : footer_of(requests_table, columns)) text += (text.empty() ? "" : "  ") + part.text;
    return text;
  };
  BOOST_TEST(line(160).find("x cancel") == 0U);
  for (int columns = 6; columns < 160; ++columns) {
    BOOST_TEST(line(columns).size() <= static_cast<std::size_t>(columns));
    BOOST_TEST(line(columns).find("? help") != std::string::npos);
  }
  BOOST_TEST(line(5) == "");
}

BOOST_AUTO_TEST_CASE(finds_commands_by_scattered_letters) {
  BOOST_TEST(fuzzy_score("rtr", "retry").has_value());
  BOOST_TEST(!fuzzy_score("xyz", "retry").has_value());
  BOOST_TEST(*fuzzy_score("ret", "retry") > *fuzzy_score("ret", "other entry"));
  const auto found = search_bindings(requests_table, "theme");
  BOOST_REQUIRE(!found.empty());
  BOOST_TEST((found.front()->does == action::theme));
  BOOST_TEST(search_bindings(requests_table, "").size() == bindings_in(requests_table).size());
}

BOOST_AUTO_TEST_CASE(explains_every_key_in_the_manual) {
  const auto manual = manual_of_keys();
  for (const auto& one : key_table()) BOOST_TEST(manual.find(one.help) != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
