#include "storage/character_sets.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(character_sets)

using penstock::storage::to_utf8;

namespace {

struct example {
  std::string_view set;
  std::string_view raw;
  std::string_view expected;
};

}  // namespace

BOOST_AUTO_TEST_CASE(reads_the_examples_of_the_standard) {
  // PS3.5 annexes H, I and J, and one for each single-byte set.
  const example examples[] = {
      {"", "Doe^Jane", "Doe^Jane"},
      {"ISO_IR 100", "Buc^J\xe9r\xf4me", "Buc^Jérôme"},
      {"ISO_IR 101", "Wa\xb3\xeasa", "Wałęsa"},
      {"ISO_IR 109", "\xa6", "Ĥ"},
      {"ISO_IR 110", "\xb6", "ļ"},
      {"ISO_IR 126", "\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"},
      {"ISO_IR 127", "\xe2\xc8\xc7\xe6\xea", "قباني"},
      {"ISO_IR 138", "\xf9\xf8\xe5\xef", "שרון"},
      {"ISO_IR 144", "\xbb\xee\xda", "Люк"},
      {"ISO_IR 148",
       "\xc7"
       "avu\xfeo\xf0lu",
       "Çavuşoğlu"},
      {"ISO_IR 166", "\xb9\xd2", "นา"},
      {"ISO_IR 192", "Wang^XiaoDong=王^小东", "Wang^XiaoDong=王^小东"},
      {"GB18030", "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab", "Wang^XiaoDong=王^小东"},
      {"GBK", "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab", "Wang^XiaoDong=王^小东"},
      {"\\ISO 2022 IR 87", "Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B=\033$B$d$^$@\033(B^\033$B$?$m$&\033(B",
       "Yamada^Tarou=山田^太郎=やまだ^たろう"},
      {"ISO 2022 IR 13\\ISO 2022 IR 87",
       "\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\033$B;3ED\033(J^\033$BB@O:\033(J=\033$B$d$^$@\033(J^\033$B$?$m$&\033(J",
       "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"},
      {"\\ISO 2022 IR 159", "\033$(D0!\033(B", "丂"},
      {"\\ISO 2022 IR 149",
       "Hong^Gildong=\033$)C\xfb\xf3^\033$)C\xd1\xce\xd4\xd7=\033$)C\xc8\xab^\033$)C\xb1\xe6\xb5\xbf",
       "Hong^Gildong=洪^吉洞=홍^길동"},
      {"\\ISO 2022 IR 58", "Zhang^XiaoDong=\033$)A\xd5\xc5^\033$)A\xd0\xa1\xb6\xab", "Zhang^XiaoDong=张^小东"},
      {"ISO 2022 IR 100\\ISO 2022 IR 144", "J\xe9r\xf4me \033-L\xbb\xee\xda^\xe9", "Jérôme Люк^é"},
  };
  for (const auto& [set, raw, expected] : examples) {
    const auto converted = to_utf8(set, raw);
    BOOST_TEST(converted.text == expected);
    BOOST_TEST(converted.whole);
  }
}

BOOST_AUTO_TEST_CASE(keeps_what_is_convertible_and_says_that_it_is_not_whole) {
  const auto broken = to_utf8("ISO_IR 192",
                              "good\xff\xfe"
                              "good");
  BOOST_TEST(broken.text == "good\xef\xbf\xbdgood");
  BOOST_TEST(!broken.whole);
  const auto cut = to_utf8("\\ISO 2022 IR 149", "ok\033$)C\xfb");
  BOOST_TEST(cut.text == "ok\xef\xbf\xbd");
  BOOST_TEST(!cut.whole);
}

BOOST_AUTO_TEST_CASE(reads_an_unknown_set_as_latin_and_says_so) {
  const auto guessed = to_utf8("ISO_IR 999", "J\xe9r");
  BOOST_TEST(guessed.text == "Jér");
  BOOST_TEST(!guessed.whole);
  BOOST_TEST(to_utf8("ISO_IR 999", "plain").whole);
}

BOOST_AUTO_TEST_CASE(high_bytes_without_a_set_are_not_convertible) { BOOST_TEST(!to_utf8("", "J\xe9r").whole); }

BOOST_AUTO_TEST_CASE(survives_any_bytes_in_any_set) {
  std::string all;
  for (int round = 0; round < 3; ++round)
    for (int c = 0; c < 256; ++c) all += static_cast<char>(round == 1 ? c * 37 : c);
  for (const auto* set : {"", "ISO_IR 100", "ISO_IR 13", "ISO_IR 192", "GB18030", "GBK", "\\ISO 2022 IR 87",
                          "\\ISO 2022 IR 149", "\\ISO 2022 IR 58", "\\\\\\", "IR", "ISO"})
    BOOST_TEST(!to_utf8(set, all + "\033" + all + "\033$").text.empty());
}

BOOST_AUTO_TEST_SUITE_END()
