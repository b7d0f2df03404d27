#include "storage/dataset_scanner.hpp"

#include <zlib.h>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(dataset_scanner)

using namespace penstock::storage;
using penstock::messages::errc;

namespace {

using bytes = std::vector<std::byte>;
constexpr std::uint32_t undefined = 0xffffffff;

/// Builds data sets element by element in one of the three encodings.
struct builder {
  bool implicit_vr = false;
  bool big_endian = false;
  bytes out{};

  builder& number(std::uint32_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      out.push_back(static_cast<std::byte>(value >> 8 * (big_endian ? size - 1 - i : i)));
    return *this;
  }
  builder& text(std::string_view value) {
    for (const char c : value) out.push_back(static_cast<std::byte>(c));
    return *this;
  }
  builder& header(std::uint32_t tag, std::string_view vr, std::uint32_t length) {
    number(tag >> 16, 2).number(tag & 0xffff, 2);
    if (implicit_vr || tag >> 16 == 0xfffe) return number(length, 4);
    text(vr);
    const bool is_long = vr == "SQ" || vr == "OB" || vr == "UN";
    return is_long ? number(0, 2).number(length, 4) : number(length, 2);
  }
  builder& add(std::uint32_t tag, std::string_view vr, std::string value) {
    if (value.size() % 2 != 0) value += vr == "UI" ? '\0' : ' ';
    return header(tag, vr, static_cast<std::uint32_t>(value.size())).text(value);
  }
  builder& size(std::uint32_t tag, std::uint32_t value) { return header(tag, "US", 2).number(value, 2); }
  builder& before_patient() {
    return add(0x00080005, "CS", "ISO_IR 100")
        .add(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.4")
        .add(0x00080018, "UI", "1.2.3.4.5")
        .add(0x00080050, "SH", "A77")
        .add(0x00080060, "CS", "MR");
  }
  builder& patient() { return add(0x00100010, "PN", "Doe^Jane").add(0x00100020, "LO", "0012345"); }
  builder& study() { return add(0x0020000d, "UI", "1.2.3").add(0x0020000e, "UI", "1.2.3.4"); }
  builder& image() { return add(0x00200013, "IS", "17").size(0x00280010, 256).size(0x00280011, 512); }
  builder& pixels() { return header(0x7fe00010, "OB", 4).text("1234"); }
  builder& whole() { return before_patient().patient().study().image().pixels(); }
};

constexpr std::string_view explicit_le = transfer_syntaxes::explicit_little_endian;

scan_state state_after(std::string_view transfer_syntax, const bytes& dataset) {
  penstock::storage::dataset_scanner scanner{transfer_syntax};
  scanner.feed(dataset);
  return scanner.end();
}

std::string fault_of(const bytes& dataset) {
  const auto scanned = scan_dataset(dataset, explicit_le, dataset.size());
  return scanned ? "" : scanned.error().context;
}

bytes deflated(const bytes& plain) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  bytes out(plain.size() + 1000);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

void check_found(const scanned_dataset& found) {
  BOOST_TEST(found.study_instance_uid.reveal() == "1.2.3");
  BOOST_TEST(found.sop_instance_uid.reveal() == "1.2.3.4.5");
  BOOST_TEST(found.patient_id.reveal() == "0012345");
  BOOST_TEST(found.patient_name.reveal() == "Doe^Jane");
  BOOST_TEST(found.accession_number.reveal() == "A77");
  BOOST_TEST(found.modality == "MR");
  BOOST_TEST(found.instance_number == "17");
  BOOST_TEST(found.rows == 256U);
  BOOST_TEST(found.columns == 512U);
}

}  // namespace

BOOST_AUTO_TEST_CASE(reads_every_encoding_in_pieces_of_any_size) {
  struct encoding {
    std::string_view transfer_syntax;
    bytes dataset;
  };
  const encoding encodings[] = {
      {explicit_le, builder{}.whole().out},
      {transfer_syntaxes::implicit_little_endian, builder{.implicit_vr = true}.whole().out},
      {transfer_syntaxes::explicit_big_endian, builder{.big_endian = true}.whole().out},
      {transfer_syntaxes::deflated_little_endian, deflated(builder{}.whole().out)},
  };
  for (const auto& [transfer_syntax, dataset] : encodings)
    for (std::size_t piece = 1; piece < 40; ++piece) {
      penstock::storage::dataset_scanner scanner{transfer_syntax};
      for (std::size_t at = 0; at < dataset.size(); at += piece)
        scanner.feed(std::span{dataset}.subspan(at, std::min(piece, dataset.size() - at)));
      BOOST_TEST((scanner.end() == scan_state::complete));
      BOOST_TEST(!scanner.cut_short());
      check_found(scanner.found());
    }
}

BOOST_AUTO_TEST_CASE(a_head_is_enough_when_the_identity_lies_in_it) {
  builder head;
  head.before_patient()
      .patient()
      .study()
      .add(0x00200011, "IS", "3")
      .header(0x00281201, "OB", 9'000'000)
      .text("palette");
  const auto scanned = scan_dataset(head.out, explicit_le, 10'000'000);
  BOOST_REQUIRE(scanned);
  BOOST_TEST(scanned->series_number == "3");
  BOOST_TEST(scanned->rows == 0U);
}

BOOST_AUTO_TEST_CASE(a_head_without_the_identity_is_refused) {
  const auto head = builder{}.before_patient().patient().out;
  BOOST_TEST((scan_dataset(head, explicit_le, 10'000'000).error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(passes_large_elements_and_nested_sequences_before_the_identity) {
  builder b;
  b.before_patient();
  b.header(0x00081140, "SQ", undefined).header(0xfffee000, "", undefined);
  b.add(0x0020000d, "UI", "9.9.9");
  b.header(0x00081150, "SQ", undefined).header(0xfffee000, "", 8).text("12345678").header(0xfffee0dd, "", 0);
  b.header(0xfffee00d, "", 0).header(0xfffee0dd, "", 0);
  b.header(0x00091001, "OB", 300'000).text(std::string(300'000, 'x'));
  // An unknown element of undefined length is a sequence in implicit VR.
  b.header(0x00091002, "UN", undefined);
  builder inner{.implicit_vr = true};
  inner.header(0xfffee000, "", undefined).add(0x00100020, "LO", "OTHER").header(0xfffee00d, "", 0);
  inner.header(0xfffee0dd, "", 0);
  b.out.insert(b.out.end(), inner.out.begin(), inner.out.end());
  b.patient().study().image().pixels();
  const auto scanned = scan_dataset(b.out, explicit_le, b.out.size());
  BOOST_REQUIRE(scanned);
  check_found(*scanned);
}

BOOST_AUTO_TEST_CASE(refuses_a_nesting_bomb) {
  builder b;
  b.before_patient();
  for (int i = 0; i < 10'000; ++i) b.header(0x00081140, "SQ", undefined).header(0xfffee000, "", undefined);
  BOOST_TEST(fault_of(b.out) == "data set: sequences are nested too deeply");
}

BOOST_AUTO_TEST_CASE(nests_as_deep_as_allowed_and_no_deeper) {
  for (const int depth : {64, 65}) {
    builder b;
    b.before_patient();
    for (int i = 0; i < depth; ++i) b.header(0x00081140, "SQ", undefined).header(0xfffee000, "", undefined);
    for (int i = 0; i < depth; ++i) b.header(0xfffee00d, "", 0).header(0xfffee0dd, "", 0);
    b.patient().study();
    BOOST_TEST((state_after(explicit_le, b.out) == scan_state::complete) == (depth == 64));
  }
}

BOOST_AUTO_TEST_CASE(a_bomb_behind_the_identity_only_ends_the_scan) {
  builder b;
  b.before_patient().patient().study();
  for (int i = 0; i < 10'000; ++i) b.header(0x00201140, "SQ", undefined).header(0xfffee000, "", undefined);
  penstock::storage::dataset_scanner scanner{explicit_le};
  BOOST_TEST((scanner.feed(b.out) == scan_state::complete));
  BOOST_TEST(scanner.cut_short());
  BOOST_TEST(scanner.found().patient_id.reveal() == "0012345");
}

BOOST_AUTO_TEST_CASE(tells_a_data_set_that_was_cut_off_from_a_whole_one) {
  const auto is_truncated = [](const bytes& dataset, bool length_known) {
    penstock::storage::dataset_scanner scanner{
        explicit_le, length_known ? std::optional<std::uint64_t>{dataset.size()} : std::nullopt};
    scanner.feed(dataset);
    BOOST_TEST((scanner.end() == scan_state::complete));
    return scanner.truncated();
  };
  const auto head = builder{}.before_patient().patient().study().image();
  auto whole = head;
  whole.pixels();
  auto encapsulated = head;
  encapsulated.header(0x7fe00010, "OB", undefined).header(0xfffee000, "", 0).header(0xfffee000, "", 4).text("1234");
  auto ended = encapsulated;
  ended.header(0xfffee0dd, "", 0);
  auto sloppy = whole;
  sloppy.header(0x7fe10010, "SQ", undefined);
  for (const bool length_known : {true, false}) {
    BOOST_TEST(!is_truncated(whole.out, length_known));
    BOOST_TEST(!is_truncated(ended.out, length_known));
    BOOST_TEST(!is_truncated(sloppy.out, length_known));
    BOOST_TEST(is_truncated(encapsulated.out, length_known));
    for (std::size_t cut = 1; cut < 15; ++cut)
      BOOST_TEST(is_truncated({whole.out.begin(), whole.out.end() - static_cast<std::ptrdiff_t>(cut)}, length_known));
  }
}

BOOST_AUTO_TEST_CASE(refuses_a_second_patient_id) {
  BOOST_TEST(fault_of(builder{}.before_patient().patient().add(0x00100020, "LO", "OTHER").study().out) ==
             "data set: elements do not ascend");
}

BOOST_AUTO_TEST_CASE(refuses_lengths_beyond_the_end) {
  builder b;
  b.before_patient().header(0x00091001, "OB", 0x7fffffff).text("short");
  BOOST_TEST(fault_of(b.out) == "data set: an element is longer than what is left");
}

BOOST_AUTO_TEST_CASE(refuses_missing_and_malformed_uids) {
  BOOST_TEST(!fault_of(builder{}.before_patient().patient().add(0x0020000e, "UI", "1.2").image().out).empty());
  const auto evil = builder{}.before_patient().patient().add(0x0020000d, "UI", "../evil").add(0x0020000e, "UI", "1");
  BOOST_TEST(fault_of(evil.out) == "data set: a UID that identifies the instance is missing or malformed");
}

BOOST_AUTO_TEST_CASE(refuses_identifying_values_over_the_limit_and_passes_other_long_text) {
  const std::string longest(penstock::storage::dataset_scanner::longest_value_bytes, 'x');
  BOOST_TEST(!fault_of(builder{}.before_patient().add(0x00100020, "LO", longest + "xx").study().out).empty());
  builder b;
  b.before_patient().add(0x00081030, "LO", longest + "xx").patient().study();
  const auto scanned = scan_dataset(b.out, explicit_le, b.out.size());
  BOOST_REQUIRE(scanned);
  BOOST_TEST(scanned->study_description.empty());
}

BOOST_AUTO_TEST_CASE(stops_inflating_a_bomb) {
  builder b;
  b.before_patient().header(0x00091001, "OB", 0x7ffffff0);
  b.out.resize(b.out.size() + penstock::storage::dataset_scanner::most_inflated_bytes + 100'000);
  penstock::storage::dataset_scanner scanner{transfer_syntaxes::deflated_little_endian};
  BOOST_TEST((scanner.feed(deflated(b.out)) == scan_state::malformed));
  BOOST_TEST(scanner.fault() == "inflates to more than allowed");
}

BOOST_AUTO_TEST_CASE(survives_every_cut_and_every_flipped_byte) {
  const auto whole = builder{}.whole().out;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto cut = whole;
    cut.resize(at);
    (void)state_after(explicit_le, cut);
    for (int bit = 0; bit < 8; ++bit) {
      auto flipped = whole;
      flipped[at] ^= static_cast<std::byte>(1 << bit);
      (void)state_after(explicit_le, flipped);
      (void)state_after(transfer_syntaxes::implicit_little_endian, flipped);
      (void)state_after(transfer_syntaxes::explicit_big_endian, flipped);
      BOOST_TEST_PASSPOINT();
    }
  }
  BOOST_TEST((state_after(explicit_le, whole) == scan_state::complete));
}

BOOST_AUTO_TEST_SUITE_END()
