#include "tools/penstock/decoder_child.hpp"

#include <boost/test/unit_test.hpp>
#include <span>
#include <string>
#include <vector>

using namespace penstock::commands;
using penstock::messages::errc;

BOOST_TEST_DONT_PRINT_LOG_VALUE(penstock::messages::errc)

namespace {

void add_16(std::string& to, unsigned value) {
  to += static_cast<char>(value & 0xff);
  to += static_cast<char>(value >> 8 & 0xff);
}

/// An element in explicit VR little endian.
std::string element(unsigned group, unsigned number, const std::string& vr, std::string value) {
  if (value.size() % 2 != 0) value += vr == "UI" ? '\0' : ' ';
  std::string bytes;
  add_16(bytes, group);
  add_16(bytes, number);
  bytes += vr;
  if (vr == "OW" || vr == "OB") {
    add_16(bytes, 0);
    add_16(bytes, static_cast<unsigned>(value.size()));
    add_16(bytes, 0);
  } else {
    add_16(bytes, static_cast<unsigned>(value.size()));
  }
  return bytes + value;
}

std::string number(unsigned value) {
  std::string bytes;
  add_16(bytes, value);
  return bytes;
}

/// A grey image of 2 x 2 pixels of 12 bits.
std::string grey_image(const std::vector<unsigned>& pixels) {
  std::string values;
  for (const auto pixel : pixels) add_16(values, pixel);
  return std::string(128, '\0') + "DICM" + element(2, 0, "UL", std::string{"\x1c\0\0\0", 4}) +
         element(2, 0x10, "UI", "1.2.840.10008.1.2.1") + element(0x28, 2, "US", number(1)) +
         element(0x28, 4, "CS", "MONOCHROME2") + element(0x28, 0x10, "US", number(2)) +
         element(0x28, 0x11, "US", number(2)) + element(0x28, 0x100, "US", number(16)) +
         element(0x28, 0x101, "US", number(12)) + element(0x28, 0x102, "US", number(11)) +
         element(0x28, 0x103, "US", number(0)) + element(0x7fe0, 0x10, "OW", values);
}

penstock::messages::result<decoded_image> decode(const std::string& file, const rendering& how = {}) {
  auto child = decoder_child::start();
  BOOST_REQUIRE(child.ok());
  return child->decode({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}, how);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decoder_children)

BOOST_AUTO_TEST_CASE(decodes_an_image_from_the_darkest_to_the_brightest_pixel) {
  auto image = decode(grey_image({0, 1000, 2000, 4000}));
  BOOST_REQUIRE_MESSAGE(image.ok(), (image.ok() ? "" : image.error().text()));
  BOOST_TEST(image->width == 2u);
  BOOST_TEST(image->height == 2u);
  BOOST_TEST(!image->colour);
  BOOST_TEST(image->pixels.front() == 0);
  BOOST_TEST(image->pixels.back() == 255);
}

BOOST_AUTO_TEST_CASE(obeys_the_window_it_is_given) {
  auto image = decode(grey_image({0, 1000, 2000, 4000}), {0, grey_window{500, 100}});
  BOOST_REQUIRE(image.ok());
  BOOST_TEST(image->pixels == (std::vector<std::uint8_t>{0, 255, 255, 255}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(says_what_is_no_image) {
  BOOST_TEST(decode("not a DICOM file at all").error().code == errc::corrupt);
  const auto image = grey_image({0, 1, 2, 3});
  const auto without_pixels = image.substr(0, image.size() - 20);
  BOOST_TEST(decode(without_pixels).error().code == errc::bad_request);
  BOOST_TEST(decode("").ok() == false);
}

BOOST_AUTO_TEST_CASE(survives_a_file_that_kills_the_decoder) {
  std::string nested = grey_image({0, 1, 2, 3}).substr(0, 132 + 12 + 28);
  for (int depth = 0; depth < 200'000; ++depth)
    nested += std::string{"\x40\x00\x75\xa0SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff", 20};
  auto image = decode(nested);
  BOOST_REQUIRE(!image.ok());
  BOOST_TEST(image.error().code == errc::corrupt);
}

BOOST_AUTO_TEST_CASE(writes_down_attributes_of_one_file_after_the_other) {
  auto child = decoder_child::start();
  BOOST_REQUIRE(child.ok());
  const auto bytes = [](const std::string& text) {
    return std::span{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  };
  const auto file = grey_image({0, 1, 2, 3});
  for (int i = 0; i < 2; ++i) {
    const auto found = child->attributes(bytes(file));
    BOOST_REQUIRE_MESSAGE(found.ok(), (found.ok() ? "" : found.error().text()));
    BOOST_TEST(value_of(*found, "PhotometricInterpretation") == "MONOCHROME2");
    BOOST_TEST(value_of(*found, "Rows") == "2");
    BOOST_TEST(value_of(*found, "TransferSyntaxUID") == "1.2.840.10008.1.2.1");
    const auto& pixels = found->back();
    BOOST_TEST(pixels.keyword == "PixelData");
    BOOST_TEST(pixels.value.empty());
    BOOST_TEST(pixels.bytes == 8u);
  }
  BOOST_TEST((child->attributes(bytes("nothing of the kind")).error().code == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(goes_into_sequences_and_survives_any_depth_of_them) {
  const auto head = std::string(128, '\0') + "DICM" + element(2, 0, "UL", std::string{"\x1c\0\0\0", 4}) +
                    element(2, 0x10, "UI", "1.2.840.10008.1.2.1");
  const auto sequence = std::string{"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff", 12};
  const auto item = std::string{"\xfe\xff\x00\xe0\xff\xff\xff\xff", 8};
  const auto ends = std::string{"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0", 16};
  const auto inside = element(0x40, 7, "LO", "T1");
  for (const int depth : {1, 3, 100'000}) {
    std::string file = head;
    for (int i = 0; i < depth; ++i) file += sequence + item;
    file += inside;
    for (int i = 0; i < depth; ++i) file += ends;
    auto child = decoder_child::start();
    BOOST_REQUIRE(child.ok());
    const auto found = child->attributes({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
    if (depth > 3) continue;  // the child may have died of it: that is what it is for
    BOOST_REQUIRE_MESSAGE(found.ok(), (found.ok() ? "" : found.error().text()));
    BOOST_TEST(found->back().value == "T1");
    BOOST_TEST(found->back().depth == static_cast<unsigned>(depth));
  }
}

BOOST_AUTO_TEST_CASE(believes_no_attributes_that_are_out_of_bounds) {
  const std::string good =
      "0\x1f"
      "00100010\x1fPN\x1fPatientName\x1f"
      "8\x1fISO_IR 100\x1f"
      "M\xfcller  \x1f\x1e";
  BOOST_TEST(parse_attributes(good).value().at(0).value == "M\u00fcller");
  for (const auto* bad : {"x\x1f\x1e",
                          "0\x1f"
                          "0010\x1fPN\x1f\x1f"
                          "8\x1f\x1f\x1f\x1e",
                          "65\x1f"
                          "00100010\x1fPN\x1f\x1f"
                          "8\x1f\x1f\x1f\x1e"})
    BOOST_TEST(!parse_attributes(bad).ok());
  std::string many;
  for (std::size_t i = 0; i <= most_attributes; ++i) many += good;
  BOOST_TEST(!parse_attributes(many).ok());
}

BOOST_AUTO_TEST_CASE(tells_the_window_it_used_and_draws_the_same_file_again) {
  const auto file = grey_image({0, 1000, 2000, 4000});
  auto child = decoder_child::start();
  BOOST_REQUIRE(child.ok());
  const auto whole = child->decode({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}, {});
  BOOST_REQUIRE(whole.ok() && whole->window);
  BOOST_TEST(whole->window->centre == 2000, boost::test_tools::tolerance(0.01));
  BOOST_TEST(whole->window->width == 4001, boost::test_tools::tolerance(0.01));
  BOOST_TEST(whole->frames == 1U);
  const auto narrow = child->decode_again({0, grey_window{500, 100}});
  BOOST_REQUIRE(narrow.ok());
  BOOST_TEST(narrow->pixels == (std::vector<std::uint8_t>{0, 255, 255, 255}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(runs_as_a_program_of_its_own_for_a_process_with_threads) {
  const auto file = grey_image({0, 1000, 2000, 4000});
  auto child = decoder_child::start_program(PENSTOCK_PROGRAM_DIR "/penstock");
  BOOST_REQUIRE(child.ok());
  const auto image = child->decode({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}, {});
  BOOST_REQUIRE_MESSAGE(image.ok(), (image.ok() ? "" : image.error().text()));
  BOOST_TEST(image->pixels.back() == 255);
}

BOOST_AUTO_TEST_SUITE_END()
