// Both ways against tests/support/open_sealed.py, which shares no code with ours.
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/storage/sealed_support.hpp"

using namespace penstock::storage;
using namespace penstock::storage::sealed_test;

namespace {

const std::string other_implementation = "/usr/bin/python3 " PENSTOCK_SOURCE_DIR "/tests/support/open_sealed.py ";

int exit_code_of(const std::string& arguments) {
  const int status = std::system((other_implementation + arguments).c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void store(const std::filesystem::path& path, const bytes& contents) {
  std::ofstream file{path, std::ios::binary};
  file.write(reinterpret_cast<const char*>(contents.data()), std::ssize(contents));
}

bytes load(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

struct scratch_folder {
  std::filesystem::path path = scratch_path();
  scratch_folder() { std::filesystem::create_directory(path); }
  ~scratch_folder() { std::filesystem::remove_all(path); }
};

const std::string key_hex = "000102030405060708090a0b0c0d0e0f";
const std::string foreign_header = "18ffeeddccbbaa99887766554433221100a1a2a3a4a5a6a7";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sealed_interop, scratch_folder)

BOOST_AUTO_TEST_CASE(the_other_implementation_agrees_with_the_official_vectors) {
  BOOST_TEST(exit_code_of("selftest") == 0);
}

BOOST_AUTO_TEST_CASE(both_implementations_open_what_the_other_sealed) {
  auto cases = nlohmann::json::array();
  std::vector<std::pair<test_object, std::size_t>> objects;
  for (const std::uint32_t segment_bytes : {41u, 64u, 100u, 4096u, sealed_segment_bytes})
    for (const std::size_t segments : {1u, 2u, 3u})
      for (const int off : {-1, 0, 1})
        objects.emplace_back(test_object{"d-1", 5, segment_bytes},
                             segments * segment_bytes - 24 - segments * 16 + static_cast<std::size_t>(off));
  objects.emplace_back(test_object{"d-1", 5, 64}, 0);
  for (std::size_t n = 0; n < objects.size(); ++n) {
    const auto& [object, length] = objects[n];
    const auto name = "case" + std::to_string(n);
    const auto plain = plain_of(length, static_cast<std::uint32_t>(n));
    store(path / (name + ".plain"), plain);
    store(path / (name + ".sealed"), sealed_of(plain, object));
    cases.push_back({{"name", name},
                     {"key", key_hex},
                     {"associated_data", associated_data_of({object.download, object.index, length})},
                     {"segment_bytes", object.segment_bytes},
                     {"foreign_header", foreign_header}});
  }
  std::ofstream{path / "cases.json"} << cases;
  BOOST_REQUIRE_EQUAL(exit_code_of("check " + (path / "cases.json").string()), 0);

  for (std::size_t n = 0; n < objects.size(); ++n) {
    const auto& [object, length] = objects[n];
    const auto resealed = load(path / ("case" + std::to_string(n) + ".resealed"));
    BOOST_REQUIRE(opened(resealed, object).value() == plain_of(length, static_cast<std::uint32_t>(n)));
  }
}

BOOST_AUTO_TEST_CASE(the_other_implementation_refuses_what_we_refuse) {
  const auto sealed = sealed_of(plain_of(150));
  const auto arguments = [&](const std::string& associated_data) {
    return "open " + key_hex + " '" + associated_data + "' 64 " + (path / "a.sealed").string() + " > /dev/null 2>&1";
  };
  store(path / "a.sealed", sealed);
  BOOST_TEST(exit_code_of(arguments("penstock/1|d-20240229-7|3|150")) == 0);
  BOOST_TEST(exit_code_of(arguments("penstock/1|d-20240229-7|4|150")) == 2);
  store(path / "a.sealed", {sealed.begin(), sealed.begin() + 128});
  BOOST_TEST(exit_code_of(arguments("penstock/1|d-20240229-7|3|150")) == 2);
}

BOOST_AUTO_TEST_SUITE_END()
