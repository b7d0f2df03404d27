#include "conf/file_watch.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/conf/scratch.hpp"

using penstock::conf::file_watch;

namespace {

struct watched_files : penstock::test::scratch {
  std::filesystem::path rules = write("governance.toml", "version = 1\n");
  std::filesystem::path cohort = write("alz.csv", "# rules: 0\n");
  file_watch watch{{rules, cohort}};

  watched_files() { BOOST_TEST(looks(3) == 1); }

  /// How many of so many looks find a change that has settled.
  int looks(int times) {
    int found = 0;
    for (int i = 0; i < times; ++i) found += watch.has_settled_change() ? 1 : 0;
    return found;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(file_watch_, watched_files)

BOOST_AUTO_TEST_CASE(says_nothing_while_nothing_changes) { BOOST_TEST(looks(5) == 0); }

BOOST_AUTO_TEST_CASE(tells_each_change_once_when_it_has_settled) {
  write("governance.toml", "version = 1 \n");
  BOOST_TEST(!watch.has_settled_change());
  BOOST_TEST(watch.has_settled_change());
  BOOST_TEST(looks(3) == 0);
}

BOOST_AUTO_TEST_CASE(waits_while_somebody_is_writing) {
  for (int i = 1; i < 5; ++i) {
    write("alz.csv", std::string(static_cast<std::size_t>(i) * 20, '#'));
    BOOST_TEST(!watch.has_settled_change());
  }
  BOOST_TEST(watch.has_settled_change());
}

BOOST_AUTO_TEST_CASE(sees_a_file_that_is_renamed_over_with_the_same_size) {
  const auto other = write("other.toml", "version = 2\n");
  std::filesystem::last_write_time(other, std::filesystem::last_write_time(rules));
  std::filesystem::rename(other, rules);
  BOOST_TEST(looks(2) == 1);
}

BOOST_AUTO_TEST_CASE(sees_a_link_that_is_pointed_elsewhere) {
  std::filesystem::create_directory(rules.parent_path() / "v1");
  std::filesystem::create_directory(rules.parent_path() / "v2");
  write("v1/governance.toml", "version = 1\n");
  write("v2/governance.toml", "version = 1\n");
  const auto current = rules.parent_path() / "current";
  std::filesystem::create_directory_symlink("v1", current);
  file_watch linked{{current / "governance.toml"}};
  BOOST_TEST(!linked.has_settled_change());
  BOOST_TEST(linked.has_settled_change());
  std::filesystem::create_directory_symlink("v2", rules.parent_path() / "next");
  std::filesystem::rename(rules.parent_path() / "next", current);
  BOOST_TEST(!linked.has_settled_change());
  BOOST_TEST(linked.has_settled_change());
}

BOOST_AUTO_TEST_CASE(sees_a_file_go_and_come) {
  std::filesystem::remove(cohort);
  BOOST_TEST(looks(3) == 1);
  write("alz.csv", "# rules: 0\n");
  BOOST_TEST(looks(3) == 1);
}

BOOST_AUTO_TEST_CASE(counts_other_files_as_changed_once) {
  watch.watch({rules, cohort});
  BOOST_TEST(looks(3) == 0);
  watch.watch({rules});
  BOOST_TEST(looks(3) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
