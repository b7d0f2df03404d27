#include "conf/tls_files.hpp"

#include <boost/test/unit_test.hpp>

#include "conf/settings.hpp"
#include "tests/conf/certificates.hpp"
#include "tests/conf/rules_fixture.hpp"

using namespace penstock::conf;
using namespace penstock::test;
namespace fs = std::filesystem;

namespace {

struct fixture : rules_fixture {
  tls_files files{directory.root() / "ca.pem", directory.root() / "own.pem", directory.root() / "own.key"};
  pem_pair own = make_certificate();

  fixture() {
    directory.write("ca.pem", make_certificate().certificate);
    directory.write("own.pem", own.certificate);
    write_key(own.key);
  }
  void write_key(const std::string& text, fs::perms mode = fs::perms::owner_read | fs::perms::owner_write) const {
    directory.write("own.key", text);
    fs::permissions(files.key, mode);
  }
  /// "<key>: <problem>", or nothing.
  [[nodiscard]] std::string fault() const {
    const auto found = check_tls_files(files);
    return found ? found->key + ": " + found->problem : "";
  }
  [[nodiscard]] bool fault_has(const std::string& key, const std::string& words) const {
    const auto text = fault();
    BOOST_TEST_MESSAGE(text);
    return text.starts_with(key + ": ") && text.find(words) != std::string::npos;
  }
  static constexpr const char* paths = R"(ca = "ca.pem", certificate = "own.pem", key = "own.key")";
  [[nodiscard]] loaded<rules_ptr> rules_with(const std::string& tls) const {
    return read(changed("port = 104\n", "port = 104\ntls = { " + tls + " }\n"));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls, fixture)

BOOST_AUTO_TEST_CASE(takes_a_certificate_with_its_key) { BOOST_TEST(fault() == ""); }

BOOST_AUTO_TEST_CASE(takes_one_that_has_expired_since_files_do_not_change_with_time) {
  own = make_certificate(-60);
  directory.write("own.pem", own.certificate);
  write_key(own.key);
  BOOST_TEST(fault() == "");
}

BOOST_AUTO_TEST_CASE(names_the_file_that_is_missing) {
  fs::remove(files.ca);
  BOOST_TEST(fault_has("ca", "ca.pem: cannot be read: No such file"));
  files.ca = files.certificate;
  fs::remove(files.key);
  BOOST_TEST(fault_has("key", "own.key: cannot be read: No such file"));
}

BOOST_AUTO_TEST_CASE(refuses_what_is_not_what_it_should_be) {
  directory.write("ca.pem", own.key);
  BOOST_TEST(fault_has("ca", "expected certificates in PEM"));
  directory.write("ca.pem", own.certificate);
  directory.write("own.pem", "no PEM");
  BOOST_TEST(fault_has("certificate", "expected a certificate in PEM"));
  directory.write("own.pem", own.certificate);
  write_key(own.certificate);
  BOOST_TEST(fault_has("key", "expected a private key in PEM"));
  write_key(make_certificate(3'600, "secret").key);
  BOOST_TEST(fault_has("key", "without a password"));
}

BOOST_AUTO_TEST_CASE(refuses_the_key_of_another_certificate) {
  write_key(make_certificate().key);
  BOOST_TEST(fault_has("key", "is not the key of the certificate"));
}

BOOST_AUTO_TEST_CASE(refuses_a_key_that_is_open_to_others) {
  write_key(own.key, fs::perms::owner_read | fs::perms::others_read);
  BOOST_TEST(fault_has("key", "open to others"));
  write_key(own.key, fs::perms::owner_read | fs::perms::group_read);
  BOOST_TEST(fault() == "");
}

BOOST_AUTO_TEST_CASE(the_rules_name_files_beside_them_and_the_name_of_a_peer) {
  const auto read_back = rules_with(paths);
  BOOST_REQUIRE_MESSAGE(read_back.ok(), text_of(read_back.faults));
  BOOST_TEST((read_back.value->pacs.at("gh-rad").tls == files));
  const auto named = rules_with(std::string{paths} + ", name = \"pacs.example\"");
  BOOST_REQUIRE_MESSAGE(named.ok(), text_of(named.faults));
  BOOST_TEST(named.value->pacs.at("gh-rad").tls->name == "pacs.example");
}

BOOST_AUTO_TEST_CASE(a_fault_points_at_the_path_in_the_rules) {
  fs::remove(files.certificate);
  const auto read_back = rules_with(paths);
  BOOST_REQUIRE(read_back.faults.size() == 1U);
  BOOST_TEST(read_back.faults[0].line == 13U);
  BOOST_TEST(read_back.faults[0].column == 38U);
  BOOST_TEST(read_back.faults[0].message.find("own.pem: cannot be read") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(all_three_files_are_needed) {
  const auto faults = rules_with(R"(ca = "ca.pem", certificate = "own.pem")").faults;
  BOOST_REQUIRE(faults.size() == 1U);
  BOOST_TEST(faults[0].message.find("key") != std::string::npos, faults[0].text());
  BOOST_TEST(rules_with(std::string{paths} + ", verify = false").faults.size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_settings_have_files_but_no_name) {
  const auto text = "version = 1\n[dicom]\ntls = { " + std::string{paths};
  const auto read_back = parse_settings(text + " }\n", file);
  BOOST_REQUIRE_MESSAGE(read_back.ok(), text_of(read_back.faults));
  BOOST_TEST((read_back.value.dicom.tls == files));
  BOOST_TEST(parse_settings(text + ", name = \"pacs.example\" }\n", file).faults.size() == 1U);
  write_key(make_certificate().key);
  const auto wrong = parse_settings(text + " }\n", file).faults;
  BOOST_REQUIRE(wrong.size() == 1U);
  BOOST_TEST((wrong[0].line == 3U && wrong[0].message.find("is not the key") != std::string::npos), wrong[0].text());
}

BOOST_AUTO_TEST_SUITE_END()
