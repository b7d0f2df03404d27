#include "actors/download_book.hpp"

#include <boost/test/unit_test.hpp>

namespace penstock::actors {
namespace {

constexpr std::int64_t hour_us = std::int64_t{3600} * 1'000'000;

messages::download_row row(const std::string& download, std::int64_t at_us, const std::string& user = "amy") {
  messages::download_row made;
  made.download = download;
  made.user = user;
  made.at_us = at_us;
  made.active_us = at_us;
  return made;
}

BOOST_AUTO_TEST_SUITE(download_book_suite)

BOOST_AUTO_TEST_CASE(counts_what_a_user_has_open_and_nothing_else) {
  download_book book;
  for (std::size_t n = 0; n < most_open_downloads - 1; ++n) book.keep(row("d-" + std::to_string(n), 0));
  auto sent = row("sent", 0);
  sent.complete = true;
  book.keep(sent);
  book.keep(row("raj's", 0, "raj"));
  BOOST_TEST(book.has_room("amy", {}, hour_us));
  book.keep(row("last", 0));
  BOOST_TEST(!book.has_room("amy", {}, hour_us));
  BOOST_TEST(book.has_room("amy", "d-0", hour_us));
  BOOST_TEST(book.has_room("raj", {}, hour_us));
  BOOST_TEST(book.has_room("amy", {}, 25 * hour_us));
}

BOOST_AUTO_TEST_CASE(a_download_lives_for_a_day_after_its_last_use) {
  auto used = row("d-1", 0);
  BOOST_TEST(!download_book::is_over(used, download_lifetime_us));
  BOOST_TEST(download_book::is_over(used, download_lifetime_us + 1));
  used.active_us = hour_us;
  BOOST_TEST(!download_book::is_over(used, download_lifetime_us + 1));
  download_book book;
  book.keep(used);
  book.keep(row("d-2", 0));
  BOOST_TEST(book.over(24 * hour_us, 9).empty());
  BOOST_TEST((book.over(24 * hour_us + 1, 9) == std::vector<std::string>{"d-2"}));
  BOOST_TEST(book.over(26 * hour_us, 1).size() == 1U);
}

BOOST_AUTO_TEST_CASE(knows_since_when_old_versions_are_needed) {
  download_book book;
  BOOST_TEST(!book.first_opened_us(0).has_value());
  book.keep(row("d-1", 1 * hour_us));
  book.keep(row("d-2", 2 * hour_us));
  BOOST_TEST(book.first_opened_us(3 * hour_us).value() == 1 * hour_us);
  BOOST_TEST(book.first_opened_us(25 * hour_us + 1).value() == 2 * hour_us);
  book.forget("d-2");
  BOOST_TEST(!book.first_opened_us(25 * hour_us + 1).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::actors
