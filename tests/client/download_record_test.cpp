#include "tools/client/download_record.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "tests/client/scratch.hpp"

using namespace penstock::client;
using namespace penstock::client::testing;
namespace storage = penstock::storage;
using nlohmann::json;
using penstock::messages::errc;

BOOST_TEST_DONT_PRINT_LOG_VALUE(penstock::messages::errc)

namespace {

/// bytes first, first + step, ...
storage::secret_bytes counted_bytes(std::size_t size, std::uint8_t first, std::uint8_t step) {
  auto made = storage::secret_bytes::of_size(size);
  std::uint8_t next = first;
  for (auto& byte : made.writable()) byte = std::exchange(next, static_cast<std::uint8_t>(next + step));
  return made;
}

/// What the golden records were written for, by tools/python/sealed_keys.py.
const storage::secret_bytes golden_data_key = counted_bytes(16, 0, 1);
const storage::secret_bytes golden_file_key = counted_bytes(32, 7, 0);
const storage::secret_bytes golden_person = counted_bytes(32, 1, 1);

/// A secret key as a user's file has it.
user_key as_user_key(const storage::secret_bytes& secret) {
  storage::x25519_public_key raw{};
  std::copy(secret.view().begin(), secret.view().end(), raw.begin());
  return {z85_of(storage::public_key_of(secret)), secret_text{z85_of(raw)}};
}

bool opens(const result<opened_key>& opened) {
  return opened.ok() && storage::equal_in_constant_time(opened->key.view(), golden_data_key.view());
}

struct record_fixture {
  scratch_directory scratch;

  json golden(int version) const {
    return json::parse(
        content_of(PENSTOCK_SOURCE_DIR "/tests/golden/download_record_v" + std::to_string(version) + ".json"));
  }
  result<download_record> load(const json& text) const {
    put_content(scratch.path() / download_record_name, text.dump());
    return load_record(scratch.path());
  }
  errc refusal(const std::function<void(json&)>& change) const {
    auto altered = golden(2);
    change(altered);
    const auto loaded = load(altered);
    return loaded ? errc::none : loaded.error().code;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(download_records, record_fixture)

BOOST_AUTO_TEST_CASE(the_golden_record_of_version_1_opens_and_becomes_version_2) {
  const auto record = load(golden(1));
  BOOST_REQUIRE(record.ok());
  BOOST_TEST(opens(open_with_passphrase(*record, "golden")));
  BOOST_REQUIRE(save_record(scratch.path(), *record).ok());
  BOOST_TEST(json::parse(content_of(scratch.path() / download_record_name)).at("version") == 2);
  BOOST_TEST(opens(open_with_passphrase(load_record(scratch.path()).value(), "golden")));
}

BOOST_AUTO_TEST_CASE(the_golden_record_of_version_2_opens_for_each_of_its_holders) {
  const auto record = load(golden(2)).value();
  BOOST_TEST(opens(open_with_passphrase(record, "golden")));
  BOOST_TEST(opens(open_with_key_file(record, golden_file_key)));
  BOOST_TEST(opens(open_with_user_key(record, as_user_key(golden_person))));
  BOOST_TEST(open_with_user_key(record, as_user_key(golden_person))->holder == 2u);
}

BOOST_AUTO_TEST_CASE(who_is_no_holder_is_told_so) {
  const auto record = load(golden(2)).value();
  BOOST_TEST(open_with_passphrase(record, "silver").error().code == errc::authentication_failed);
  BOOST_TEST(open_with_key_file(record, golden_person).error().code == errc::authentication_failed);
  BOOST_TEST(open_with_user_key(record, make_user_key().value()).error().code == errc::authentication_failed);
  BOOST_TEST(open_with_key_file(load(golden(1)).value(), golden_file_key).error().code == errc::not_found);
}

BOOST_AUTO_TEST_CASE(a_changed_bit_anywhere_in_a_holder_closes_it) {
  for (std::size_t holder = 0; holder < 3; ++holder)
    for (const auto* member : {"salt", "key_check", "wrapped", "public_key", "ephemeral"}) {
      auto altered = golden(2);
      auto& value = altered["holders"][holder][member];
      auto text = value.get<std::string>();
      if (text.empty()) continue;
      text[0] = text[0] == 'A' ? 'I' : 'A';
      value = text;
      const auto record = load(altered).value();
      BOOST_TEST(opens(open_with_passphrase(record, "golden")) == (holder != 0), member);
      BOOST_TEST(opens(open_with_key_file(record, golden_file_key)) == (holder != 1), member);
      BOOST_TEST(opens(open_with_user_key(record, as_user_key(golden_person))) == (holder != 2), member);
    }
  auto other = golden(2);
  other["download"] = "golden-2";
  BOOST_TEST(!opens(open_with_user_key(load(other).value(), as_user_key(golden_person))));
}

BOOST_AUTO_TEST_CASE(a_hostile_record_is_refused_before_any_work) {
  BOOST_TEST(refusal([](json&) {}) == errc::none);
  BOOST_TEST(refusal([](json& r) { r["version"] = 3; }) == errc::corrupt);
  BOOST_TEST(refusal([](json& r) { r["holders"].clear(); }) == errc::corrupt);
  BOOST_TEST(refusal([](json& r) { r["holders"] = "amy"; }) == errc::corrupt);
  BOOST_TEST(refusal([](json& r) { r["holders"][1]["protection"] = "magic"; }) == errc::corrupt);
  BOOST_TEST(refusal([](json& r) { r["holders"][1]["version"] = 2; }) == errc::corrupt);
  BOOST_TEST(refusal([](json& r) { r["holders"][2]["ephemeral"] = "AAAA"; }) == errc::corrupt);
  BOOST_TEST(refusal([](json& r) { r["holders"][2]["label"] = std::string(65, 'a'); }) == errc::corrupt);
  BOOST_TEST(refusal([](json& r) { r["holders"][0]["argon2id"]["memory_kib"] = 1U << 31; }) == errc::too_large);
  BOOST_TEST(refusal([](json& r) { r["holders"][0]["argon2id"]["passes"] = 17; }) == errc::too_large);
  BOOST_TEST(refusal([](json& r) {
               for (int i = 0; i < 40; ++i) r["holders"].push_back(r["holders"][1]);
             }) == errc::too_large);
  BOOST_TEST(refusal([](json& r) {
               for (int i = 0; i < 4; ++i) r["holders"].push_back(r["holders"][0]);
             }) == errc::too_large);
  BOOST_TEST(refusal([](json& r) { r["project"] = std::string(70'000, 'a'); }) == errc::too_large);
}

BOOST_AUTO_TEST_CASE(a_person_is_wrapped_for_and_nobody_else_opens_it) {
  const auto amy = make_user_key().value();
  const auto raj = make_user_key().value();
  auto record = load(golden(2)).value();
  auto holder =
      storage::wrap_for_person(golden_data_key, raw_public_key(amy.public_key).value(), record.download).value();
  record.holders = {std::move(holder)};
  BOOST_REQUIRE(save_record(scratch.path(), record).ok());
  const auto kept = load_record(scratch.path()).value();
  BOOST_TEST(opens(open_with_user_key(kept, amy)));
  BOOST_TEST(!opens(open_with_user_key(kept, raj)));
}

BOOST_AUTO_TEST_CASE(public_keys_of_low_order_are_refused_on_both_sides) {
  storage::x25519_public_key zero{};
  storage::x25519_public_key one{};
  one[0] = 1;
  for (const auto& low : {zero, one}) {
    BOOST_TEST(storage::wrap_for_person(golden_data_key, low, "d-1").error().code == errc::bad_request);
    auto altered = golden(2);
    altered["holders"][2]["ephemeral"] = storage::to_base64(low);
    const auto record = load(altered).value();
    BOOST_TEST(open_with_user_key(record, as_user_key(golden_person)).error().code == errc::authentication_failed);
  }
}

BOOST_AUTO_TEST_CASE(holders_are_added_once_and_found_by_number_fingerprint_or_label) {
  auto holders = load(golden(2)).value().holders;
  BOOST_TEST(storage::add_holder(holders, holders[1]).error().code == errc::conflict);
  BOOST_TEST(storage::add_holder(holders, holders[0]).ok());
  BOOST_TEST(storage::find_holder(holders, "2").value() == 1u);
  BOOST_TEST(storage::find_holder(holders, holders[2].fingerprint).value() == 2u);
  BOOST_TEST(storage::find_holder(holders, "laboratory").value() == 1u);
  for (const auto* name : {"", "0", "5", "nobody"})
    BOOST_TEST(storage::find_holder(holders, name).error().code == errc::not_found);
  holders[2].label = "laboratory";
  BOOST_TEST(storage::find_holder(holders, "laboratory").error().code == errc::not_found);
}

BOOST_AUTO_TEST_SUITE_END()
