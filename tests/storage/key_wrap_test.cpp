#include "storage/key_wrap.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "storage/codec.hpp"
#include "storage/key_file.hpp"
#include "tests/storage/sealed_support.hpp"

using namespace penstock::storage;
using namespace penstock::storage::sealed_test;
using penstock::messages::errc;

namespace {

constexpr argon2id_cost cheap{.memory_kib = 64, .passes = 1, .lanes = 1};
constexpr std::string_view passphrase = "correct horse battery staple";

bool same(const secret_bytes& left, const secret_bytes& right) {
  return equal_in_constant_time(left.view(), right.view());
}

secret_bytes file_key(std::uint8_t fill) {
  auto key = secret_bytes::of_size(key_file_key_bytes);
  for (auto& byte : key.writable()) byte = fill;
  return key;
}

/// `text` (base64) with one bit of its first byte flipped.
std::string flipped(std::string text) {
  text[0] = text[0] == 'A' ? 'I' : 'A';
  return text;
}

struct scratch_file {
  std::filesystem::path path = scratch_path();
  ~scratch_file() { std::filesystem::remove(path); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(key_wrap)

BOOST_AUTO_TEST_CASE(a_passphrase_gives_the_data_key_back) {
  const auto wrapped = wrap_with_passphrase(test_key(), passphrase, "d-1", cheap).value();
  BOOST_TEST(same(unwrap_with_passphrase(wrapped, passphrase, "d-1").value(), test_key()));
}

BOOST_AUTO_TEST_CASE(a_key_file_gives_the_data_key_back) {
  const auto wrapped = wrap_with_key_file(test_key(), file_key(7), "d-1").value();
  BOOST_TEST(same(unwrap_with_key_file(wrapped, file_key(7), "d-1").value(), test_key()));
}

BOOST_AUTO_TEST_CASE(the_default_cost_works_and_is_stored) {
  const auto wrapped = wrap_with_passphrase(test_key(), passphrase, "d-1").value();
  BOOST_TEST(wrapped.argon2id.memory_kib == 131072u);
  BOOST_TEST(wrapped.argon2id.passes == 3u);
  BOOST_TEST(wrapped.argon2id.lanes == 1u);
  BOOST_TEST(unwrap_with_passphrase(wrapped, passphrase, "d-1").ok());
}

BOOST_AUTO_TEST_CASE(wrong_passphrase_key_file_or_context_is_refused) {
  const auto by_passphrase = wrap_with_passphrase(test_key(), passphrase, "d-1", cheap).value();
  const auto by_file = wrap_with_key_file(test_key(), file_key(7), "d-1").value();
  const auto code = [](const auto& unwrapped) { return unwrapped.error().code; };
  BOOST_TEST((code(unwrap_with_passphrase(by_passphrase, "wrong", "d-1")) == errc::authentication_failed));
  BOOST_TEST((code(unwrap_with_passphrase(by_passphrase, passphrase, "d-2")) == errc::authentication_failed));
  BOOST_TEST((code(unwrap_with_key_file(by_file, file_key(8), "d-1")) == errc::authentication_failed));
  BOOST_TEST((code(unwrap_with_key_file(by_file, file_key(7), "d-2")) == errc::authentication_failed));
  BOOST_TEST((code(unwrap_with_key_file(by_passphrase, file_key(7), "d-1")) == errc::bad_request));
  BOOST_TEST((code(unwrap_with_passphrase(by_file, passphrase, "d-1")) == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(altered_fields_are_refused) {
  const auto good = wrap_with_passphrase(test_key(), passphrase, "d-1", cheap).value();
  const auto refuses = [](wrapped_key altered, errc code) {
    const auto unwrapped = unwrap_with_passphrase(altered, passphrase, "d-1");
    return !unwrapped && unwrapped.error().code == code;
  };
  auto altered = good;
  altered.salt = flipped(good.salt);
  BOOST_TEST(refuses(altered, errc::authentication_failed));
  altered = good;
  altered.key_check = flipped(good.key_check);
  BOOST_TEST(refuses(altered, errc::authentication_failed));
  altered = good;
  altered.wrapped = flipped(good.wrapped);
  BOOST_TEST(refuses(altered, errc::authentication_failed));
  altered = good;
  altered.argon2id.passes = 2;
  BOOST_TEST(refuses(altered, errc::authentication_failed));
  altered = good;
  altered.wrapped.resize(8);
  BOOST_TEST(refuses(altered, errc::corrupt));
  altered = good;
  altered.version = 2;
  BOOST_TEST(refuses(altered, errc::corrupt));
}

BOOST_AUTO_TEST_CASE(a_stored_cost_beyond_the_bounds_is_refused_before_any_work) {
  const auto good = wrap_with_passphrase(test_key(), passphrase, "d-1", cheap).value();
  const auto code_with = [&](const argon2id_cost& cost) {
    auto altered = good;
    altered.argon2id = cost;
    return unwrap_with_passphrase(altered, passphrase, "d-1").error().code;
  };
  BOOST_TEST((code_with({.memory_kib = max_argon2id_memory_kib + 1, .passes = 1}) == errc::too_large));
  BOOST_TEST((code_with({.memory_kib = 64, .passes = max_argon2id_passes + 1}) == errc::too_large));
  BOOST_TEST((code_with({.memory_kib = 64, .passes = 1, .lanes = max_argon2id_lanes + 1}) == errc::too_large));
  BOOST_TEST((code_with({.memory_kib = 64, .passes = 0}) == errc::bad_request));
  BOOST_TEST((code_with({.memory_kib = 7, .passes = 1}) == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(passphrases_and_keys_of_impossible_size_are_refused) {
  const std::string overlong(max_passphrase_bytes + 1, 'a');
  BOOST_TEST((wrap_with_passphrase(test_key(), "", "d", cheap).error().code == errc::bad_request));
  BOOST_TEST((wrap_with_passphrase(test_key(), overlong, "d", cheap).error().code == errc::bad_request));
  BOOST_TEST((wrap_with_passphrase(secret_bytes::of_size(15), "a", "d", cheap).error().code == errc::bad_request));
  BOOST_TEST((wrap_with_key_file(test_key(), secret_bytes::of_size(31), "d").error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(wrapping_twice_shares_nothing_that_could_be_compared) {
  const auto one = wrap_with_key_file(test_key(), file_key(7), "d-1").value();
  const auto two = wrap_with_key_file(test_key(), file_key(7), "d-1").value();
  BOOST_TEST(one.salt != two.salt);
  BOOST_TEST(one.key_check != two.key_check);
  BOOST_TEST(one.wrapped != two.wrapped);
}

BOOST_AUTO_TEST_CASE(survives_being_written_as_json) {
  const auto wrapped = wrap_with_passphrase(test_key(), passphrase, "d-1", cheap).value();
  const auto read = decode<wrapped_key>(encode(wrapped), "wrapped key").value();
  BOOST_TEST(same(unwrap_with_passphrase(read, passphrase, "d-1").value(), test_key()));
}

// A wrapped key as version 1 stored it: passphrase "golden", context "golden-1".
BOOST_AUTO_TEST_CASE(the_golden_wrapped_key_of_version_1_opens) {
  std::ifstream file{PENSTOCK_SOURCE_DIR "/tests/golden/sealed_key_v1.json"};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const auto wrapped = decode<wrapped_key>(text, "wrapped key").value();
  BOOST_TEST(same(unwrap_with_passphrase(wrapped, "golden", "golden-1").value(), test_key()));
}

BOOST_FIXTURE_TEST_CASE(a_key_file_is_made_once_for_its_owner_only, scratch_file) {
  BOOST_REQUIRE(create_key_file(path).ok());
  BOOST_TEST((create_key_file(path).error().code == errc::conflict));
  struct stat status {};
  BOOST_REQUIRE(::stat(path.c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777u) == 0600u);
  BOOST_TEST(load_key_file(path)->size() == key_file_key_bytes);
  BOOST_TEST(same(load_key_file(path).value(), load_key_file(path).value()));
}

BOOST_FIXTURE_TEST_CASE(a_key_file_that_others_may_read_or_that_is_malformed_is_refused, scratch_file) {
  BOOST_TEST((load_key_file(path).error().code == errc::not_found));
  BOOST_REQUIRE(create_key_file(path).ok());
  ::chmod(path.c_str(), 0640);
  BOOST_TEST((load_key_file(path).error().code == errc::bad_configuration));
  ::chmod(path.c_str(), 0600);
  std::ifstream in{path};
  const std::string good{std::istreambuf_iterator<char>{in}, {}};
  auto wrong_digit = good;
  wrong_digit[good.size() - 2] = 'g';
  auto later_version = good;
  later_version[13] = '2';
  for (const auto& text : {good + '\n', good.substr(0, good.size() - 1), wrong_digit, later_version, std::string{}}) {
    std::ofstream{path, std::ios::trunc} << text;
    BOOST_TEST((load_key_file(path).error().code == errc::bad_configuration));
  }
  BOOST_TEST((load_key_file("/dev/null").error().code == errc::bad_configuration));
}

BOOST_AUTO_TEST_CASE(the_check_of_a_data_key_knows_key_and_download) {
  const auto check = data_key_check(test_key(), "d-1");
  BOOST_TEST(matches_data_key_check(test_key(), "d-1", check));
  BOOST_TEST(!matches_data_key_check(test_key(1), "d-1", check));
  BOOST_TEST(!matches_data_key_check(test_key(), "d-2", check));
  BOOST_TEST(!matches_data_key_check(test_key(), "d-1", ""));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(secret_bytes_suite)

BOOST_AUTO_TEST_CASE(base64_goes_there_and_back_and_is_strict) {
  const auto key = test_key();
  BOOST_TEST(to_base64(key.view()) == "AAECAwQFBgcICQoLDA0ODw==");
  BOOST_TEST(same(from_base64("AAECAwQFBgcICQoLDA0ODw==", 16, "key").value(), key));
  for (const auto* text : {"", "AAECAwQFBgcICQoLDA0ODw",
                           "AAECAwQFBgcICQoLDA0O!w==", "AAECAwQFBgcICQoLDA0ODxA=", "AAECAwQFBgcICQoLDA0OD w="})
    BOOST_TEST((from_base64(text, 16, "key").error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(random_bytes_differ) { BOOST_TEST(!same(secret_bytes::random(16), secret_bytes::random(16))); }

BOOST_AUTO_TEST_CASE(a_moved_from_secret_is_empty) {
  auto key = test_key();
  const auto taken = std::move(key);
  BOOST_TEST(taken.size() == 16u);
  BOOST_TEST(key.empty());  // NOLINT(bugprone-use-after-move)
}

BOOST_AUTO_TEST_SUITE_END()
