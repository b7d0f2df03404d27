// The files that ship as examples are manuals: they load, and they name every key with its default.

#include <boost/test/unit_test.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "conf/rules.hpp"
#include "conf/settings.hpp"

using namespace penstock::conf;

namespace {

using server_settings = penstock::conf::settings;
const std::filesystem::path folder = std::filesystem::path{PENSTOCK_SOURCE_DIR} / "conf";

std::string text_of_file(const std::filesystem::path& file) {
  std::ifstream stream{file};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

/// The keys of a TOML file, each with the line it stands on.
std::vector<std::pair<std::string, std::string>> keys_of(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> keys;
  std::size_t begin = 0;
  for (auto end = text.find('\n'); end != std::string::npos; begin = end + 1, end = text.find('\n', begin)) {
    const auto line = text.substr(begin, end - begin);
    const auto equals = line.find(" = ");
    if (equals != std::string::npos && std::islower(static_cast<unsigned char>(line[0])) != 0)
      keys.emplace_back(line.substr(0, equals), line);
  }
  return keys;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(examples)

BOOST_AUTO_TEST_CASE(the_settings_file_equals_the_compiled_defaults) {
  const auto read = load_settings(folder / "penstockd.toml");
  BOOST_REQUIRE_MESSAGE(read.ok(), text_of(read.faults));
  BOOST_TEST((read.value == server_settings{}));
}

BOOST_AUTO_TEST_CASE(the_settings_file_has_every_key_that_the_reader_asks_for) {
  const auto source = text_of_file(folder / "settings.cpp");
  const auto text = text_of_file(folder / "penstockd.toml");
  const auto keys = keys_of(text);
  BOOST_TEST(keys.size() == 29U);
  for (const auto& [key, line] : keys) BOOST_TEST(source.find('"' + key + '"') != std::string::npos, key);
}

BOOST_AUTO_TEST_CASE(every_key_of_the_settings_file_is_read) {
  // A value of the wrong type is noticed, so the key is not merely tolerated.
  const auto text = text_of_file(folder / "penstockd.toml");
  for (const auto& [key, line] : keys_of(text)) {
    auto broken = text;
    broken.replace(broken.find("\n" + line) + 1, line.size(), key + " = 1979-05-27");
    BOOST_TEST(parse_settings(broken, "penstockd.toml").faults.size() == 1U, key);
  }
}

BOOST_AUTO_TEST_CASE(the_rules_file_loads) {
  const auto read = load_rules(folder / "governance.toml");
  BOOST_REQUIRE_MESSAGE(read.ok(), text_of(read.faults));
  BOOST_TEST(read.value->pacs.at("mgh-rad").windows.size() == 3U);
  BOOST_TEST(read.value->users.size() == 4U);
  BOOST_TEST(read.value->projects.at("alz-brain").patients->patients().size() == 3U);
}

BOOST_AUTO_TEST_CASE(every_key_of_the_rules_file_is_read) {
  const auto text = text_of_file(folder / "governance.toml");
  for (const auto& [key, line] : keys_of(text)) {
    if (line.back() == '[') continue;  // a list over several lines
    auto broken = text;
    broken.replace(broken.find("\n" + line) + 1, line.size(), key + " = 12:00:00");
    BOOST_TEST(!parse_rules(broken, folder / "governance.toml").ok(), key);
  }
}

BOOST_AUTO_TEST_SUITE_END()
