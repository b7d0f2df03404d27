#include "conf/rules.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/conf/rules_fixture.hpp"

using namespace penstock::conf;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

struct fixture : rules_fixture {
  /// The one fault of small_rules() with `from` replaced by `to`.
  [[nodiscard]] fault fault_of(const std::string& from, const std::string& to) const {
    const auto read_back = read(changed(from, to));
    BOOST_REQUIRE_MESSAGE(read_back.faults.size() == 1U, "for " + to + ": " + text_of(read_back.faults));
    BOOST_TEST(!read_back.value);
    return read_back.faults[0];
  }
  void check_fault(const std::string& from, const std::string& to, std::uint32_t line, std::uint32_t column,
                   const std::string& words) const {
    const auto problem = fault_of(from, to);
    BOOST_TEST(problem.message.find(words) != std::string::npos, problem.text());
    BOOST_TEST(problem.line == line, problem.text());
    BOOST_TEST(problem.column == column, problem.text());
  }
  [[nodiscard]] window window_of(const std::string& days_and_hours) const {
    const auto read_back = read(changed("days = [\"mon-fri\"]\nhours = \"07:00-19:00\"", days_and_hours));
    BOOST_REQUIRE_MESSAGE(read_back.ok(), text_of(read_back.faults));
    return read_back.value->pacs.at("gh-rad").windows.at(0);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rules, fixture)

BOOST_AUTO_TEST_CASE(reads_a_small_file_with_its_defaults) {
  const auto read_back = read(small_rules());
  BOOST_REQUIRE_MESSAGE(read_back.ok(), text_of(read_back.faults));
  const auto& all = *read_back.value;
  const auto& peer = all.pacs.at("gh-rad");
  BOOST_TEST(peer.calling_ae == "PENSTOCK");
  BOOST_TEST((peer.retrieve == retrieve_method::move));
  BOOST_TEST(!peer.tls);
  BOOST_TEST(peer.max_studies_per_patient == 200U);
  BOOST_TEST(peer.find_per_minute == 60U);
  BOOST_TEST(peer.enumerate_per_minute == 120U);
  BOOST_TEST((peer.idle_timeout == 120s && peer.lease_quiet == 30s && peer.total_timeout == 2h));
  BOOST_TEST(peer.timezone == "Europe/Berlin");
  BOOST_TEST((peer.windows.at(0).limits == window_limits{1, 2, {}, {}, false}));
  const auto& approved = all.projects.at("alz");
  BOOST_TEST((approved.valid_through == std::chrono::year{2027} / 3 / 31));
  BOOST_TEST(approved.cache_quota_bytes == 10ULL << 30);
  BOOST_TEST(approved.weight == 1U);
  BOOST_TEST(!approved.retention);
  BOOST_TEST(approved.patients->patients().size() == 2U);
  BOOST_TEST(all.toml_text == small_rules());
  BOOST_TEST(!all.require_training);
}

BOOST_AUTO_TEST_CASE(reads_windows_over_midnight_and_over_the_week) {
  BOOST_TEST((window_of("hours = \"22:00-06:00\"") == window{"clinic", 0x7f, 1320, 360, {1, 2, {}, {}, false}}));
  BOOST_TEST((window_of("days = [\"sat-mon\", \"wed\"]") == window{"clinic", 0x65, 0, 1440, {1, 2, {}, {}, false}}));
  BOOST_TEST((window_of("hours = \"19:00-24:00\"").to_minute == 1440));
  BOOST_TEST((window_of("hours = \"19:00-00:00\"").to_minute == 1440));
}

BOOST_AUTO_TEST_CASE(reads_when_a_pacs_is_left_alone) {
  const auto untold = read(small_rules());
  BOOST_REQUIRE(untold.ok());
  BOOST_TEST((untold.value->pacs.at("gh-rad").breaker == breaker_limits{5, 3s, 5s, 300s, 60s}));
  const auto told = read(small_rules() +
                         "[pacs.gh-rad.breaker]\nfailures_in_a_row = 2\nslowest_echo = \"500 ms\"\n"
                         "first_probe = \"10 s\"\nlongest_probe = \"1 min\"\nwatch = \"30 s\"\n");
  BOOST_REQUIRE_MESSAGE(told.ok(), text_of(told.faults));
  BOOST_TEST((told.value->pacs.at("gh-rad").breaker == breaker_limits{2, 500ms, 10s, 60s, 30s}));
}

BOOST_AUTO_TEST_CASE(tells_what_is_wrong_with_a_breaker) {
  const auto lines = static_cast<std::uint32_t>(std::ranges::count(small_rules(), '\n'));
  const auto wrong =
      read(small_rules() + "[pacs.gh-rad.breaker]\nfailures_in_a_row = 0\nlongest_probe = \"1 s\"\nsulks = true\n");
  BOOST_REQUIRE(wrong.faults.size() == 3U);
  BOOST_TEST(wrong.faults[0].line == lines + 2);
  BOOST_TEST(wrong.faults[0].column == 21U);
  BOOST_TEST(wrong.faults[1].text().find("longest_probe: expected no less than first_probe") != std::string::npos);
  BOOST_TEST(wrong.faults[2].line == lines + 4);
}

BOOST_AUTO_TEST_CASE(tells_line_and_column_of_a_reference_to_nothing) {
  check_fault("institution = \"gh\"", "institution = \"mgh\"", 8, 15, "there is no \"mgh\"");
  check_fault("members = [\"amy\"]", "members = [\"amy\", \"zoe\"]", 32, 19, "members: there is no \"zoe\"");
  check_fault("pacs = [\"gh-rad\"]", "pacs = [\"gh-rad\",\n \"ch-rad\"]", 34, 2, "pacs: there is no \"ch-rad\"");
}

BOOST_AUTO_TEST_CASE(refuses_values_out_of_their_range) {
  check_fault("version = 1", "version = 3", 1, 11, "the number 1");
  check_fault("Europe/Berlin", "Europe/Atlantis", 2, 12, "timezone");
  check_fault("port = 104", "port = 70000", 12, 8, "port: expected a number from 1 to 65535");
  check_fault("[\"mon-fri\"]", "[\"mon-fry\"]", 17, 9, "days");
  check_fault("[\"mon-fri\"]", "[]", 17, 8, "at least one day");
  check_fault("07:00-19:00", "19:00-19:00", 18, 9, "hours");
  check_fault("concurrent = 1", "concurrent = -1", 19, 14, "concurrent");
  check_fault("concurrent = 1", "concurrent = 1\nabort = true", 20, 9, "only together with concurrent = 0");
  check_fault("per_minute = 2", "per_minute = 2.5", 20, 14, "per_minute");
  check_fault("per_minute = 2", "per_day = 200001", 20, 11, "from 0 to 200000");
  check_fault("\"waiver\"", "\"handshake\"", 31, 15, "legal_basis");
  check_fault("2027-03-31", "\"2027-03-31\"", 30, 17, "without quotes");
  check_fault("10 GiB", "10", 35, 15, "a size with its unit");
  check_fault("\"admin\"", "\"root\"", 25, 24, "roles");
}

BOOST_AUTO_TEST_CASE(refuses_what_is_missing_and_what_is_unknown) {
  check_fault("department = \"Radiology\"\n", "", 7, 1, "department: is missing");
  check_fault("concurrent = 1\n", "", 15, 1, "concurrent: is missing");
  check_fault("irb = ", "irp = \"x\"\nirb = ", 29, 1, "unknown key \"irp\"");
  check_fault("[institution.gh]", "[institutions.ch]\nname = \"x\"\n[institution.gh]", 4, 2,
              "unknown key \"institutions\"");
  check_fault("[user.amy]", "[user.Amy_A]\nname = \"x\"\n[user.amy]", 22, 7, "an id is 1 to 64 of");
}

BOOST_AUTO_TEST_CASE(refuses_an_approval_without_its_end_or_with_two) {
  BOOST_TEST(fault_of("valid_through = 2027-03-31\n", "").message.find("either") != std::string::npos);
  check_fault("legal_basis", "no_continuing_review = true\nlegal_basis", 30, 17, "either valid_through or");
  BOOST_TEST(read(changed("valid_through = 2027-03-31", "no_continuing_review = true")).ok());
}

BOOST_AUTO_TEST_CASE(refuses_patterns_that_are_no_expression_or_could_run_away) {
  check_fault("'^X\\d+$'", "'^X[$'", 13, 75, "regular expression");
  check_fault("'^X\\d+$'", "'^(X)\\1$'", 13, 75, "regular expression");
}

BOOST_AUTO_TEST_CASE(refuses_a_key_that_is_none_or_belongs_to_another) {
  check_fault(amy_key, std::string(39, 'a'), 24, 9, "40 characters");
  check_fault(amy_key, std::string(39, 'a') + "~", 24, 9, "40 characters");
  check_fault("[project.alz]",
              "[user.raj]\nname = \"Raj\"\nkeys = [\"" + amy_key + "\"]\nroles = [\"auditor\"]\n[project.alz]", 29, 9,
              "a key belongs to one user");
}

BOOST_AUTO_TEST_CASE(refuses_two_contracts_for_one_peer) {
  const auto text = small_rules();
  const auto begin = text.find("[pacs.gh-rad]");
  auto twin = text.substr(begin, text.find("[[pacs") - begin);
  twin.replace(twin.find("gh-rad"), 6, "gh-two");
  const auto read_back = read(text + twin);
  BOOST_REQUIRE(read_back.faults.size() == 1U);
  BOOST_TEST(read_back.faults[0].message == "ae_title: same ae_title, host and port as pacs.gh-rad");
}

BOOST_AUTO_TEST_CASE(tells_faults_of_a_cohort_in_its_own_file) {
  directory.write("alz.csv", "# rows: 3\nGH,1*\n");
  const auto read_back = read(small_rules());
  BOOST_REQUIRE(read_back.faults.size() == 2U);
  BOOST_TEST(read_back.faults[0].text().find("governance.toml:34:12: patients: the file has faults") !=
             std::string::npos);
  BOOST_TEST(read_back.faults[1].text().find("alz.csv:2:4: mrn:") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(tells_all_faults_at_once_in_the_order_of_the_file) {
  auto text = changed("port = 104", "port = 0");
  text = text.replace(text.find("\"10 GiB\""), 8, "\"10 GB\"").replace(text.find("\"gh\""), 4, "\"xx\"");
  const auto read_back = read(text);
  BOOST_REQUIRE(read_back.faults.size() == 3U);
  BOOST_TEST(read_back.faults[0].line == 8U);
  BOOST_TEST(read_back.faults[1].line == 12U);
  BOOST_TEST(read_back.faults[2].line == 35U);
}

BOOST_AUTO_TEST_CASE(keeps_reserved_sections_up_to_their_limit) {
  const auto read_back = read(small_rules() + "[source.ct-1]\nae_title = \"CT1\"\n[destination.archive]\nport = 4\n");
  BOOST_REQUIRE_MESSAGE(read_back.ok(), text_of(read_back.faults));
  BOOST_TEST(read_back.value->sources.at("ct-1").toml.find("CT1") != std::string::npos);
  BOOST_TEST(read_back.value->destinations.size() == 1U);
  auto text = small_rules();
  for (std::size_t i = 0; i <= max_reserved_sections; ++i) text += "[source.s" + std::to_string(i) + "]\n";
  BOOST_TEST(!read(text).ok());
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_toml_or_too_long) {
  const auto read_back = read(changed("port = 104", "port = = 104"));
  BOOST_REQUIRE(read_back.faults.size() == 1U);
  BOOST_TEST(read_back.faults[0].line == 12U);
  BOOST_TEST(!read(small_rules() + "#" + std::string(max_rules_bytes, 'x')).ok());
  BOOST_TEST(!load_rules(directory.root() / "absent.toml").ok());
}

BOOST_AUTO_TEST_CASE(loads_from_the_disk) {
  directory.write("governance.toml", small_rules());
  const auto read_back = load_rules(file);
  BOOST_REQUIRE_MESSAGE(read_back.ok(), text_of(read_back.faults));
  BOOST_TEST(read_back.value->projects.at("alz").patients_file == directory.root() / "alz.csv");
}

BOOST_AUTO_TEST_SUITE_END()
