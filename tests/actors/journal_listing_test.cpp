#include "actors/journal_listing.hpp"

#include "storage/audit_events.hpp"
#include "storage/journal_reader.hpp"
#include "tests/storage/store_fixture.hpp"

namespace penstock::actors {
namespace {

using messages::errc;
using messages::prove_entry;
using messages::read_journal;
using messages::result;
using nlohmann::json;
using storage::test::append_of;
using storage::test::entry_of;
using storage::test::value_of;

/// Entries 1 to 30: of amy, every third of raj; entry 30 names a patient.
struct written_journal {
  storage::test::scratch_directory directory;
  storage::test::steady_site site;
  std::shared_ptr<storage::row_store> core;
  std::unique_ptr<storage::journal_log> log;

  written_journal() {
    core = value_of(storage::open_core_store({directory / "core", directory / "journal.fence", false})).store;
    log = std::make_unique<storage::journal_log>(value_of(storage::journal_log::open(core, site.options())));
    BOOST_REQUIRE(log->enrol("queue").ok());
    for (int i = 1; i <= 30; ++i) {
      auto entry = entry_of(i % 2 == 0 ? "request.started" : "request.completed");
      if (i % 3 == 0) entry.user = "raj";
      if (i == 30) entry.identifiers.push_back({"PatientID", messages::protected_text{"1000001"}});
      site.now_us += 3'600'000'000;
      BOOST_REQUIRE(log->append({append_of({entry})}).ok());
    }
  }
  json list(const std::string& filter = "", std::uint32_t limit = 500, const std::string& cursor = "",
            bool identifiers = true, listing_budget budget = journal_budget) const {
    read_journal asked;
    asked.page.filter = filter;
    asked.page.limit = limit;
    asked.page.cursor = cursor;
    asked.identifiers = identifiers;
    return json::parse(value_of(list_journal(*core, asked, budget, std::chrono::steady_clock::now)));
  }
  result<std::string> prove_for(const std::string& user, bool is_auditor, std::uint64_t seq, std::uint64_t size = 0,
                                std::uint64_t old_size = 0) const {
    return prove(*core, prove_entry{user, is_auditor, seq, size, old_size});
  }
};

std::vector<storage::tree_hash> hashes_in(const json& list) {
  std::vector<storage::tree_hash> all;
  for (const auto& hex : list) {
    const auto bytes = storage::from_hex(hex.get<std::string>(), 32);
    BOOST_REQUIRE(bytes.has_value());
    std::copy(bytes->begin(), bytes->end(), all.emplace_back().begin());
  }
  return all;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(journal_listing, written_journal)

BOOST_AUTO_TEST_CASE(shows_the_newest_first_and_names_patients_to_auditors_only) {
  const auto page = list();
  BOOST_TEST(page["size"] == 30);
  BOOST_REQUIRE(page["entries"].size() == 30U);
  BOOST_TEST(!page.contains("next"));
  const auto& newest = page["entries"][0];
  BOOST_TEST(newest["seq"] == 30);
  BOOST_TEST(newest["user"] == "raj");
  BOOST_TEST(newest["identifiers"]["PatientID"] == "1000001");
  BOOST_TEST(!newest.contains("pacs"));
  BOOST_TEST(!list("", 500, "", false)["entries"][0].contains("identifiers"));
}

BOOST_AUTO_TEST_CASE(says_which_identifiers_were_erased) {
  BOOST_REQUIRE(log->erase_identifiers({30}, append_of({entry_of("identifiers.erased")})).ok());
  BOOST_TEST(list()["entries"][1]["identifiers"] == (json{{"PatientID", nullptr}}));
}

BOOST_AUTO_TEST_CASE(goes_on_where_a_page_ended_though_entries_are_added) {
  const auto first = list("", 20);
  BOOST_REQUIRE(log->append({append_of({entry_of("later")})}).ok());
  const auto second = list("", 20, first["next"]);
  BOOST_TEST(first["entries"].back()["seq"] == 11);
  BOOST_TEST(second["entries"][0]["seq"] == 10);
  BOOST_TEST(second["entries"].size() == 10U);
  BOOST_TEST(!second.contains("next"));
}

BOOST_AUTO_TEST_CASE(filters_by_kind_user_and_time) {
  BOOST_TEST(list(R"({"user":{"in":["raj"]}})")["entries"].size() == 10U);
  BOOST_TEST(list(R"({"user":{"in":["raj"]},"kind":{"like":"*started"}})")["entries"].size() == 5U);
  BOOST_TEST(list(R"({"seq":{"from":4,"to":6}})")["entries"].size() == 3U);
  BOOST_TEST(list(R"({"at":{"from":"2026-03-02"}})")["entries"].size() == 16U);
  read_journal wrong;
  wrong.page.filter = R"({"PatientID":{"in":["1"]}})";
  BOOST_TEST(
      (list_journal(*core, wrong, journal_budget, std::chrono::steady_clock::now).error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(looks_no_further_back_than_it_is_asked) {
  read_journal asked;
  asked.page.limit = 500;
  asked.after = 27;
  const auto page = json::parse(value_of(list_journal(*core, asked, journal_budget, std::chrono::steady_clock::now)));
  BOOST_TEST(page["entries"].size() == 3U);
  BOOST_TEST(!page.contains("next"));
}

BOOST_AUTO_TEST_CASE(ends_a_page_early_rather_than_look_for_long) {
  listing_budget small = journal_budget;
  small.most_rows = 8;
  auto page = list(R"({"seq":{"to":3}})", 500, "", true, small);
  BOOST_TEST(page["entries"].empty());
  std::size_t pages = 1;
  std::size_t found = 0;
  while (page.contains("next") && pages < 10) {
    page = list(R"({"seq":{"to":3}})", 500, page["next"], true, small);
    found += page["entries"].size();
    ++pages;
  }
  BOOST_TEST(pages == 4U);
  BOOST_TEST(found == 3U);
}

BOOST_AUTO_TEST_CASE(proves_an_entry_at_any_size_that_holds_it) {
  for (const std::uint64_t size : {17U, 23U, 30U}) {
    const auto proof = json::parse(value_of(prove_for("uma", true, 17, size, 9)));
    storage::tree_hash root = hashes_in({proof["root"]}).front();
    BOOST_TEST((root == value_of(storage::root_at(size, storage::node_getter(*core)))));
    BOOST_TEST(storage::verify_inclusion(storage::hash_of_leaf(proof["leaf"].get<std::string>()), 16, size,
                                         hashes_in(proof["inclusion"]), root));
    BOOST_TEST(storage::verify_consistency(9, value_of(storage::root_at(9, storage::node_getter(*core))), size, root,
                                           hashes_in(proof["consistency"])));
  }
}

BOOST_AUTO_TEST_CASE(proves_to_everybody_only_the_own_entries) {
  BOOST_TEST(prove_for("raj", false, 30).ok());
  const auto foreign = prove_for("amy", false, 30);
  BOOST_TEST((foreign.error().code == errc::not_found));
  BOOST_TEST(foreign.error().text() == prove_for("amy", false, 31).error().text());
  BOOST_TEST(!json::parse(value_of(prove_for("amy", false, 0, 30, 12))).contains("leaf"));
  BOOST_TEST((prove_for("uma", true, 30, 29).error().code == errc::bad_request));
  BOOST_TEST((prove_for("uma", true, 30, 31).error().code == errc::bad_request));
  BOOST_TEST((prove_for("uma", true, 3, 20, 21).error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(signs_the_tree_as_it_is) {
  const storage::checkpoint_signer signer{storage::secret_bytes::random(32)};
  const auto answer = json::parse(value_of(checkpoint_of(*core, signer)));
  const auto head = value_of(storage::open_checkpoint(answer["checkpoint"].get<std::string>(), signer.verifier_key()));
  BOOST_TEST(head.size == 30U);
  BOOST_TEST((head.root == value_of(storage::root_at(30, storage::node_getter(*core)))));
}

BOOST_AUTO_TEST_CASE(makes_events_of_entries_without_identifiers) {
  const auto events = value_of(storage::read_audit_events(*core, 29, 10));
  BOOST_REQUIRE(events.size() == 2U);
  BOOST_TEST(events[1].sequence == 30U);
  BOOST_TEST(events[1].json.find("1000001") == std::string::npos);
  BOOST_TEST(json::parse(events[1].json)["kind"] == "request.started");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::actors
