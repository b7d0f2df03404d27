#include "storage/journal_leaf.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "storage/digest.hpp"
#include "storage/merkle_tree.hpp"
#include "tests/storage/store_fixture.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using messages::journal_entry;
using messages::protected_field;
using messages::protected_text;
using nlohmann::json;

constexpr std::size_t limit = std::size_t{32} << 10;

std::string golden(const std::string& name) {
  std::ifstream file{std::string{PENSTOCK_SOURCE_DIR} + "/tests/golden/" + name};
  BOOST_REQUIRE_MESSAGE(file.good(), name);
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

messages::result<composed_leaf> compose(const journal_entry& entry) {
  test::steady_site site;
  const auto options = site.options();
  const leaf_stamp stamp{42, options.clock.utc_us(), options.clock.boottime_ns(), options.clock.boot_id};
  return compose_leaf(entry, stamp, limit, options.random);
}

journal_entry full_entry() {
  auto entry = test::entry_of("request_completed");
  entry.pacs = "gh-rad";
  entry.request = "alz-brain-17";
  entry.details = R"({"received": 120, "expected": 120, "note": "Grüße", "by_series": {"b": 2, "a": [1, -1]}})";
  entry.identifiers = {{"PatientID", protected_text{"4711"}}, {"AccessionNumber", protected_text{"A-0815"}}};
  return entry;
}

journal_entry entry_with_details(std::string details) {
  auto entry = test::entry_of("noted");
  entry.details = std::move(details);
  return entry;
}

BOOST_AUTO_TEST_SUITE(journal_leaf)

BOOST_AUTO_TEST_CASE(writes_version_1_byte_for_byte) {
  const auto leaf = test::value_of(compose(full_entry()));
  BOOST_TEST(leaf.text == golden("journal_leaf_v1.json"));
  BOOST_TEST(leaf.side_car == golden("journal_side_car_v1.json"));
  BOOST_TEST(to_hex(hash_of_leaf(leaf.text)) == golden("journal_leaf_v1.hash"));
}

BOOST_AUTO_TEST_CASE(keeps_identifiers_out_of_the_hashed_text) {
  const auto leaf = test::value_of(compose(full_entry()));
  BOOST_TEST(leaf.text.find("4711") == std::string::npos);
  BOOST_TEST(leaf.text.find("A-0815") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(commits_to_identifiers_with_the_salt_beside) {
  const auto leaf = test::value_of(compose(full_entry()));
  const auto held = json::parse(leaf.side_car)["PatientID"];
  const auto salt = from_hex(held["salt"].get<std::string>(), salt_bytes).value();
  BOOST_TEST(json::parse(leaf.text)["commitments"]["PatientID"] == to_hex(hmac_sha256(salt, "4711")));
  test::require_ok(check_side_car(leaf.text, leaf.side_car));
}

BOOST_AUTO_TEST_CASE(gives_equal_identifiers_unequal_commitments) {
  auto entry = test::entry_of("noted");
  entry.identifiers = {{"first", protected_text{"4711"}}, {"second", protected_text{"4711"}}};
  const auto commitments = json::parse(test::value_of(compose(entry)).text)["commitments"];
  BOOST_TEST(commitments["first"] != commitments["second"]);
}

BOOST_AUTO_TEST_CASE(refuses_an_identifier_that_was_changed) {
  const auto leaf = test::value_of(compose(full_entry()));
  auto changed = json::parse(leaf.side_car);
  changed["PatientID"]["value"] = "4712";
  BOOST_TEST((check_side_car(leaf.text, changed.dump()).error().code == errc::corrupt));
  auto added = json::parse(leaf.side_car);
  added["PatientName"] = added["PatientID"];
  BOOST_TEST((check_side_car(leaf.text, added.dump()).error().code == errc::corrupt));
  BOOST_TEST((check_side_car(leaf.text, "[]x").error().code == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(accepts_an_identifier_that_was_erased) {
  const auto leaf = test::value_of(compose(full_entry()));
  auto erased = json::parse(leaf.side_car);
  erased.erase("PatientID");
  test::require_ok(check_side_car(leaf.text, erased.dump()));
}

BOOST_AUTO_TEST_CASE(commits_to_text_that_is_not_utf_8_as_it_is_kept) {
  auto entry = test::entry_of("noted");
  entry.identifiers = {{"PatientName", protected_text{"M\xfcller"}}};
  const auto leaf = test::value_of(compose(entry));
  BOOST_TEST(json::parse(leaf.side_car)["PatientName"]["value"] == "M\xef\xbf\xbdller");
  test::require_ok(check_side_car(leaf.text, leaf.side_car));
}

BOOST_AUTO_TEST_CASE(refuses_details_that_are_not_an_object_of_integers_and_text) {
  for (const auto* details : {"[1]", "1", "{", "{\"a\":1.5}", "{\"a\":[{\"b\":1e3}]}", "{\"a\":99999999999999999999}"})
    BOOST_TEST((compose(entry_with_details(details)).error().code == errc::bad_request), details);
  const std::string deep = "{\"a\":" + std::string(9000, '[') + std::string(9000, ']') + "}";
  BOOST_TEST((compose(entry_with_details(deep)).error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(refuses_an_entry_without_kind_or_with_an_identifier_twice) {
  BOOST_TEST((compose(test::entry_of("")).error().code == errc::bad_request));
  auto twice = test::entry_of("noted");
  twice.identifiers = {{"PatientID", protected_text{"1"}}, {"PatientID", protected_text{"2"}}};
  BOOST_TEST((compose(twice).error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(refuses_a_leaf_over_its_limit_and_accepts_one_at_it) {
  const auto with_note = [](std::size_t bytes) {
    return entry_with_details("{\"n\":\"" + std::string(bytes, 'x') + "\"}");
  };
  const auto rest = test::value_of(compose(with_note(0))).text.size();
  BOOST_TEST(test::value_of(compose(with_note(limit - rest))).text.size() == limit);
  BOOST_TEST((compose(with_note(limit - rest + 1)).error().code == errc::too_large));
  BOOST_TEST((compose(with_note(limit + 1)).error().code == errc::too_large));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::storage
