#include "tools/penstock/passphrase_strength.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace penstock::commands;

namespace {

std::string_view word_for(std::string_view passphrase) { return word_for_strength(passphrase_bits(passphrase)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(passphrase_strength)

BOOST_AUTO_TEST_CASE(calls_words_dates_and_runs_weak_and_sentences_strong) {
  for (const auto* weak : {"Summer2024", "elephant", "qwerty1234!", "hospital99", "aaaa1111bbbb", "MyDog1998"})
    BOOST_TEST(word_for(weak) == "weak", weak);
  for (const auto* fair : {"elephant trumpet kite", "Ht7#kq2Lx"}) BOOST_TEST(word_for(fair) == "fair", fair);
  for (const auto* strong : {"correct horse battery staple", "x7Kp9Qm2Lw4Zt8", "the old ferry sinks near Lisbon"})
    BOOST_TEST(word_for(strong) == "strong", strong);
}

BOOST_AUTO_TEST_CASE(refuses_what_is_short_or_trivial) {
  for (const auto* bad :
       {"", "short", "1234567", "aaaaaaaaaaaa", "12345678", "87654321", "abcdefgh", "qwertyuiop", "abababababab",
        "Password", "password123", "Passwort!", "xyzxyzxyzxyz", "\u00e9\u00e9\u00e9\u00e9"})
    BOOST_TEST(!check_passphrase(bad).ok(), bad);
  for (const auto* good : {"elephant", "correct horse battery staple", "\u00fcb\u00e9r\u00e4ll K\u00e4se"})
    BOOST_TEST(check_passphrase(good).ok(), good);
}

BOOST_AUTO_TEST_CASE(more_of_the_same_is_not_better) {
  BOOST_TEST(passphrase_bits("elephantelephant") > passphrase_bits("elephant"));
  BOOST_TEST(passphrase_bits(std::string(100, 'a')) < strong_passphrase_bits);
}

BOOST_AUTO_TEST_SUITE_END()
