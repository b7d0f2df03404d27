#include "actors/list_reader.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "actors/facet_counts.hpp"
#include "actors/list_items.hpp"
#include "storage/codec.hpp"
#include "storage/keys.hpp"
#include "tests/actors/shard_support.hpp"
#include "tests/support/sim_world.hpp"

BOOST_AUTO_TEST_SUITE(list_reader)

using namespace penstock;
using namespace penstock::messages;
using namespace std::chrono_literals;
using nlohmann::json;
namespace keys = storage::keys;
using storage::column;

namespace {

/// 2026-03-08T12:00:00Z.
constexpr std::int64_t noon_us = 1'772'971'200'000'000;

std::shared_ptr<const conf::rules> example_rules() {
  auto rules = std::make_shared<conf::rules>();
  conf::pacs radiology;
  radiology.id = "gh-rad";
  radiology.institution = "general";
  radiology.department = "Radiology";
  for (const auto* id : {"gh-rad", "ch-rad"}) {
    radiology.id = id;
    rules->pacs.emplace(id, radiology);
  }
  for (const auto* id : {"alz", "alz-brain"}) {
    conf::project project;
    project.id = id;
    project.pacs = {"gh-rad", "ch-rad"};
    std::vector<conf::cohort_patient> patients{{{protected_text{"0012345"}, protected_text{"GH"}}, {}}};
    project.patients = std::make_shared<const conf::cohort>(std::move(patients), "");
    rules->projects.emplace(id, project);
  }
  return rules;
}

request_row request(std::uint64_t number, request_state state = request_state::scheduled) {
  request_row row;
  row.number = number;
  row.project = "alz";
  row.pacs = "gh-rad";
  row.user = "amy";
  row.study = dicom_uid{"1.2." + std::to_string(number)};
  row.patient = {protected_text{"0012345"}, protected_text{"GH"}};
  row.modality = "MR,SR";
  row.state = state;
  row.reason = state == request_state::scheduled ? waiting_reason::ready : waiting_reason::none;
  row.submitted_us = noon_us + static_cast<std::int64_t>(number) * 1'000'000;
  row.expected = 10 * number;
  return row;
}

holding_row holding(const std::string& pacs, const std::string& study, std::uint32_t shard = 0) {
  holding_row row;
  row.project = "alz";
  row.pacs = pacs;
  row.study = dicom_uid{study};
  row.version = 3;
  row.shard = shard;
  row.modality = "CT";
  row.bytes = 1000;
  row.series = 1;
  row.instances = 2;
  row.cached_us = noon_us;
  row.patient = {protected_text{"0012345"}, protected_text{"GH"}};
  row.accession = protected_text{"A77"};
  row.study_date = "20260301";
  return row;
}

/// A shard that lists what it was asked for, or nothing at all when it is silent.
cache_shard_actor::behavior_type listing_shard(cache_shard_actor::pointer self, bool silent) {
  const auto unasked = [] { return to_caf({errc::internal, "not asked in this test"}); };
  return {[=](const reserve_pack&) -> caf::result<pack_reserved> { return unasked(); },
          [=](settle_study&) -> caf::result<study_settled> { return unasked(); },
          [=](const adopt_study&) -> caf::result<study_settled> { return unasked(); },
          [=](const locate_objects&) -> caf::result<objects_located> { return unasked(); },
          [=](const list_instances& asked) -> caf::result<answered> {
            if (silent) return self->make_response_promise<answered>();
            json items = json::array();
            for (const auto& instance : asked.instances)
              items.push_back({{"SOPInstanceUID", instance.reveal()},
                               {"SeriesInstanceUID", asked.series.reveal()},
                               {"SeriesNumber", 1},
                               {"InstanceNumber", items.size()},
                               {"by_series", asked.by_series},
                               {"bytes", 5}});
            return answered{json{{"items", items}}.dump()};
          },
          [=](const forget_study&) -> caf::result<study_forgotten> { return unasked(); },
          [=](const examine_cache&) -> caf::result<cache_examined> { return unasked(); },
          [=](const describe_shard&) -> caf::result<shard_described> { return unasked(); }};
}

struct fixture : tests::sim_world {
  fixture() {
    storage::row_store_options options;
    options.columns = {column::rows};
    core = storage::row_store::open(directory.path() / "core", options).value();
  }

  void start(actors::listing_budget budget = {}, bool silent_shard = false) {
    actors::list_reader_options options;
    options.core = core;
    options.shards = {spawn_function(listing_shard, silent_shard), spawn_function(listing_shard, false)};
    options.rules = [] { return example_rules(); };
    options.budget = budget;
    reader = keep(actors::start_list_reader(sys, std::move(options), nullptr, actors::hosting::scheduled));
    settle();
  }

  template <described T>
  void put(const std::string& key, const T& row) {
    storage::row_batch batch;
    batch.put(column::rows, key, storage::encode(row));
    BOOST_REQUIRE(core->commit(batch).ok());
  }
  void put(const request_row& row) {
    put(keys::request(row.project, row.number), row);
    if (row.state != request_state::scheduled) return;
    storage::row_batch batch;
    batch.put(column::rows, keys::waiting(row.project, row.pacs, row.priority, row.turn, row.number), "");
    BOOST_REQUIRE(core->commit(batch).ok());
  }
  void put(const holding_row& row, std::vector<dicom_uid> manifest) {
    put(keys::holding(row.project, row.pacs, row.study), row);
    put(keys::manifest(row.project, row.pacs, row.study, row.version), instance_list{std::move(manifest), {}});
  }

  result<json> answer_to(result<answered> got) {
    if (!got) return got.error();
    return json::parse(got->json);
  }
  result<json> list(const page_options& page = {}, std::vector<pacs_outlook> outlook = {}) {
    return answer_to(ask<answered>(reader, read_requests{"alz", page, std::move(outlook)}));
  }
  result<json> show(std::uint64_t number, std::uint32_t limit = 500, std::string cursor = "") {
    show_request which{{"amy", ""}, number, limit, std::move(cursor)};
    return answer_to(ask<answered>(reader, read_request{"alz", which, {}}));
  }
  result<json> cached(holding_level level, std::string study = "", page_options page = {}) {
    list_holdings which{{"amy", ""}, level, dicom_uid{std::move(study)}, {}, std::move(page)};
    return answer_to(ask<answered>(reader, read_holdings{"alz", which}));
  }

  result<json> facets(const std::string& filter, std::vector<std::string> fields = {}) {
    return answer_to(ask<answered>(reader, read_facets{"alz", {{"amy", ""}, filter, std::move(fields)}}));
  }

  tests::temporary_directory directory;
  std::shared_ptr<storage::row_store> core;
  list_reader_actor reader;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(lists_requests_with_their_place_in_the_line, fixture) {
  start();
  put(request(1, request_state::completed));
  put(request(2));
  put(request(3));
  auto urgent = request(4);
  urgent.priority = request_priority::high;
  put(urgent);
  const auto listed = list();
  BOOST_REQUIRE(listed.ok());
  const auto& requests = (*listed)["requests"];
  BOOST_TEST((*listed)["total"] == 4);
  BOOST_TEST(!listed->contains("next"));
  BOOST_REQUIRE(requests.size() == 4);
  BOOST_TEST(requests[0]["id"] == "4");
  BOOST_TEST(requests[0]["position"] == 1);
  BOOST_TEST(requests[1]["position"] == 3);
  BOOST_TEST(requests[2]["position"] == 2);
  BOOST_TEST(requests[3]["position"].is_null());
  BOOST_TEST(requests[3]["state"] == "completed");
  BOOST_TEST(requests[2]["institution"] == "general");
  BOOST_TEST(requests[2]["submitted"] == "2026-03-08T12:00:02.000Z");
  BOOST_TEST(requests[2]["started"].is_null());
  BOOST_TEST(requests[2]["counts"]["expected"] == 20);
  BOOST_TEST(requests[2]["PatientID"] == "0012345");
}

BOOST_FIXTURE_TEST_CASE(another_projects_requests_are_not_there, fixture) {
  start();
  auto other = request(1);
  other.project = "alz-2";
  put(other);
  const auto listed = list();
  BOOST_TEST((*listed)["total"] == 0);
  BOOST_TEST((*listed)["requests"].empty());
  BOOST_TEST((show(1).error().code == errc::not_found));
}

BOOST_FIXTURE_TEST_CASE(says_of_a_retry_whose_time_has_come_what_any_other_waits_for, fixture) {
  start();
  auto due = request(1);
  due.reason = waiting_reason::retry_later;
  due.error = "2 of 12 instances missing";
  due.not_before_us = 0;
  put(due);
  BOOST_TEST((*list())["requests"][0]["reason"] == "next in turn");
  const auto closed = list({}, {{"gh-rad", "General Hospital", "window closed until 19:00", {}}});
  BOOST_TEST((*closed)["requests"][0]["reason"] == "window closed until 19:00");
}

BOOST_FIXTURE_TEST_CASE(says_why_a_request_waits, fixture) {
  start();
  put(request(1));
  auto later = request(2);
  later.reason = waiting_reason::retry_later;
  later.not_before_us = noon_us;
  put(later);
  auto full = request(3);
  full.reason = waiting_reason::quota_full;
  put(full);
  const auto free = list();
  BOOST_TEST((*free)["requests"][2]["reason"] == "next in turn");
  BOOST_TEST((*free)["requests"][1]["reason"] == "retry_later; next try 2026-03-08T12:00:00.000Z");
  BOOST_TEST((*free)["requests"][0]["reason"] == "quota_full");
  const auto closed = list({}, {{"gh-rad", "General Hospital", "window closed until 19:00", {}}});
  BOOST_TEST((*closed)["requests"][2]["reason"] == "window closed until 19:00");
  BOOST_TEST((*closed)["requests"][2]["institution"] == "General Hospital");
}

BOOST_FIXTURE_TEST_CASE(filters_sorts_and_pages_requests, fixture) {
  start();
  for (std::uint64_t i = 1; i <= 20; ++i)
    put(request(i, i % 2 == 0 ? request_state::completed : request_state::failed));
  page_options page;
  page.filter = R"({"state":{"in":["completed"]},"Modality":{"in":["SR"]}})";
  page.sort = R"([["counts.expected","asc"]])";
  page.limit = 6;
  const auto first = list(page);
  BOOST_TEST((*first)["total"] == 10);
  BOOST_TEST((*first)["requests"].size() == 6);
  BOOST_TEST((*first)["requests"][0]["id"] == "2");
  page.cursor = (*first)["next"];
  const auto second = list(page);
  BOOST_TEST((*second)["requests"].size() == 4);
  BOOST_TEST((*second)["requests"][0]["id"] == "14");
  BOOST_TEST(!second->contains("next"));
}

BOOST_FIXTURE_TEST_CASE(pages_the_newest_requests_as_if_all_had_been_read, fixture) {
  start();
  for (std::uint64_t i = 1; i <= 25; ++i)
    put(request(i, i % 3 == 0 ? request_state::completed : request_state::scheduled));
  page_options quick;
  page_options slow;
  quick.limit = slow.limit = 10;
  slow.sort = R"([["id","desc"]])";
  for (int pages = 1;; ++pages) {
    auto one = *list(quick);
    auto other = *list(slow);
    BOOST_TEST(one["requests"] == other["requests"]);
    BOOST_TEST(one["total"] == 25);
    BOOST_REQUIRE(one.contains("next") == other.contains("next"));
    if (!one.contains("next")) {
      BOOST_TEST(pages == 3);
      break;
    }
    quick.cursor = one["next"];
    slow.cursor = other["next"];
  }
}

BOOST_FIXTURE_TEST_CASE(reads_only_the_newest_of_very_many_requests, fixture) {
  start({.most_rows = 6});
  for (std::uint64_t i = 1; i <= 50; ++i) put(request(i));
  page_options page;
  page.limit = 5;
  const auto listed = list(page);
  BOOST_REQUIRE(listed.ok());
  BOOST_TEST((*listed)["total"] == 50);
  BOOST_TEST((*listed)["requests"][0]["position"] == 50);
}

BOOST_FIXTURE_TEST_CASE(says_no_more_what_a_request_was_for_when_its_patient_was_withdrawn, fixture) {
  start();
  auto withdrawn = request(1, request_state::cancelled);
  withdrawn.patient = {protected_text{"0099999"}, protected_text{"GH"}};
  withdrawn.accession = protected_text{"A77"};
  withdrawn.identity_verified = true;
  put(withdrawn);
  put(keys::missing("alz", 1), instance_list{{dicom_uid{"1.5"}}, {}});
  auto elsewhere = request(2, request_state::completed);
  elsewhere.pacs = "taken-away";
  put(elsewhere);
  put(keys::missing("alz", 2), instance_list{{dicom_uid{"1.6"}}, {}});
  for (const std::uint64_t number : {1, 2}) {
    const auto shown = *show(number);
    for (const auto* field : {"StudyInstanceUID", "PatientID", "IssuerOfPatientID", "AccessionNumber", "Modality"})
      BOOST_TEST(shown[field] == "", field);
    BOOST_TEST(shown["missing"].empty());
  }
}

BOOST_FIXTURE_TEST_CASE(lists_what_is_still_covered_of_a_study_that_is_held_from_two_pacs, fixture) {
  start();
  put(holding("gh-rad", "1.2.1", 1), {dicom_uid{"1.2.1.9"}});
  put(holding("taken-away", "1.2.1", 0), {dicom_uid{"1.2.1.8"}});
  const auto listed = cached(holding_level::instance, "1.2.1");
  BOOST_REQUIRE(listed.ok());
  BOOST_REQUIRE((*listed)["total"] == 1);
  BOOST_TEST((*listed)["items"][0]["SOPInstanceUID"] == "1.2.1.9");
}

BOOST_FIXTURE_TEST_CASE(names_the_field_of_a_bad_filter_and_goes_on, fixture) {
  start();
  page_options page;
  page.filter = R"({"colour":{"in":["red"]}})";
  const auto refused = list(page);
  BOOST_TEST((refused.error().code == errc::bad_request));
  BOOST_TEST(refused.error().context == "filter: colour: no such field here");
  BOOST_TEST((cached(holding_level::instance, "1.2.3", page).error().code == errc::bad_request));
  BOOST_TEST(list().ok());
}

BOOST_FIXTURE_TEST_CASE(stops_at_its_budget_of_rows, fixture) {
  start({.most_rows = 20});
  for (std::uint64_t i = 1; i <= 20; ++i) put(request(i));
  page_options page;
  page.sort = R"([["pacs","asc"]])";
  BOOST_TEST(list(page).ok());
  put(request(21));
  BOOST_TEST((list(page).error().code == errc::too_large));
}

BOOST_FIXTURE_TEST_CASE(shows_a_request_with_its_history, fixture) {
  start();
  auto row = request(7, request_state::incomplete);
  row.history = {{request_state::scheduled, noon_us, ""}, {request_state::incomplete, noon_us + 5, "2 instances lack"}};
  put(row);
  const auto shown = show(7);
  BOOST_REQUIRE(shown.ok());
  BOOST_TEST((*shown)["id"] == "7");
  BOOST_TEST((*shown)["history"].size() == 2);
  BOOST_TEST((*shown)["history"][1]["state"] == "incomplete");
  BOOST_TEST((*shown)["history"][1]["reason"] == "2 instances lack");
  BOOST_TEST((*shown)["missing"].empty());
}

BOOST_FIXTURE_TEST_CASE(pages_the_missing_instances_also_when_some_arrive_meanwhile, fixture) {
  start();
  put(request(7));
  put(keys::missing("alz", 7),
      instance_list{{dicom_uid{"1.5"}, dicom_uid{"1.1"}, dicom_uid{"1.3"}, dicom_uid{"1.2"}}, {}});
  const auto first = show(7, 2);
  BOOST_TEST(((*first)["missing"] == json{"1.1", "1.2"}));
  put(keys::missing("alz", 7), instance_list{{dicom_uid{"1.5"}, dicom_uid{"1.3"}}, {}});
  const auto second = show(7, 2, (*first)["next"]);
  BOOST_TEST(((*second)["missing"] == json{"1.3", "1.5"}));
  BOOST_TEST(!second->contains("next"));
  BOOST_TEST((show(7, 2, "garbage").error().code == errc::bad_request));
  BOOST_TEST((show(7, 0).error().code == errc::bad_request));
}

BOOST_FIXTURE_TEST_CASE(lists_cached_studies_with_their_columns, fixture) {
  start();
  auto downloaded = holding("gh-rad", "1.2.1");
  downloaded.last_download_user = "amy";
  downloaded.last_download_us = noon_us;
  put(downloaded, {});
  put(holding("ch-rad", "1.2.2"), {});
  page_options page;
  page.sort = R"([["StudyInstanceUID","asc"]])";
  const auto listed = cached(holding_level::study, "", page);
  BOOST_REQUIRE(listed.ok());
  const auto& items = (*listed)["items"];
  BOOST_REQUIRE(items.size() == 2);
  for (const auto* column :
       {"AccessionNumber", "institution", "department", "PatientID", "cached", "StudyDate", "StudyTime", "Modality",
        "bytes", "last_download_user", "last_download", "series", "instances", "pacs", "complete"})
    BOOST_TEST(items[0].contains(column), column);
  BOOST_TEST(items[0]["department"] == "Radiology");
  BOOST_TEST(items[0]["last_download"] == "2026-03-08T12:00:00.000Z");
  BOOST_TEST(items[1]["institution"] == "general");
  BOOST_TEST(items[1]["last_download"].is_null());
}

BOOST_FIXTURE_TEST_CASE(lists_instances_as_the_shard_of_the_holding_knows_them, fixture) {
  start();
  put(holding("gh-rad", "1.2.1", 1), {dicom_uid{"1.2.1.9"}, dicom_uid{"1.2.1.8"}});
  const auto listed = cached(holding_level::instance, "1.2.1");
  BOOST_REQUIRE(listed.ok());
  BOOST_TEST((*listed)["total"] == 2);
  BOOST_TEST((*listed)["items"][0]["SOPInstanceUID"] == "1.2.1.9");
  BOOST_TEST((*listed)["items"][0]["pacs"] == "gh-rad");
  BOOST_TEST((*listed)["items"][0]["StudyInstanceUID"] == "1.2.1");
  BOOST_TEST((*listed)["items"][0]["by_series"] == false);
  BOOST_TEST((*cached(holding_level::series, "1.2.1"))["items"][0]["by_series"] == true);
}

BOOST_FIXTURE_TEST_CASE(gathers_a_study_that_is_held_from_two_pacs, fixture) {
  start();
  put(holding("gh-rad", "1.2.1", 1), {dicom_uid{"1.2.1.9"}});
  put(holding("ch-rad", "1.2.1", 0), {dicom_uid{"1.2.1.9"}});
  page_options page;
  page.filter = R"({"pacs":{"in":["ch-rad","gh-rad"]}})";
  BOOST_TEST((*cached(holding_level::instance, "1.2.1", page))["total"] == 2);
  page.filter = R"({"pacs":{"in":["ch-rad"]}})";
  BOOST_TEST((*cached(holding_level::instance, "1.2.1", page))["total"] == 1);
}

BOOST_FIXTURE_TEST_CASE(counts_what_there_is_to_choose_from, fixture) {
  start();
  auto both = holding("gh-rad", "1.2.1");
  both.modality = "MR,SR";
  both.bytes = 7;
  put(both, {});
  put(holding("gh-rad", "1.2.2"), {});
  put(holding("ch-rad", "1.2.3"), {});
  auto withdrawn = holding("gh-rad", "1.2.4");
  withdrawn.patient = {protected_text{"0099999"}, protected_text{"GH"}};
  put(withdrawn, {});
  const auto all = facets("");
  BOOST_REQUIRE(all.ok());
  BOOST_TEST((*all)["total"] == 3);
  const auto& modalities = (*all)["facets"]["Modality"]["values"];
  BOOST_TEST(modalities.dump() == R"([{"count":2,"value":"CT"},{"count":1,"value":"MR"},{"count":1,"value":"SR"}])");
  BOOST_TEST((*all)["facets"]["bytes"].dump() == R"({"greatest":1000,"least":7})");
  BOOST_TEST((*all)["facets"]["last_download"].dump() == R"({"greatest":null,"least":null})");
  BOOST_TEST((*all)["facets"]["complete"]["values"].size() == 1);
}

BOOST_FIXTURE_TEST_CASE(a_choice_does_not_hide_what_else_could_be_chosen_in_its_field, fixture) {
  start();
  auto magnetic = holding("gh-rad", "1.2.1");
  magnetic.modality = "MR";
  put(magnetic, {});
  put(holding("gh-rad", "1.2.2"), {});
  put(holding("ch-rad", "1.2.3"), {});
  const auto chosen = facets(R"({"Modality":{"in":["MR"]}})", {"Modality", "pacs"});
  BOOST_REQUIRE(chosen.ok());
  BOOST_TEST((*chosen)["total"] == 1);
  BOOST_TEST((*chosen)["facets"].size() == 2);
  BOOST_TEST((*chosen)["facets"]["Modality"]["values"].size() == 2);
  BOOST_TEST((*chosen)["facets"]["pacs"]["values"].dump() == R"([{"count":1,"value":"gh-rad"}])");
  const auto narrowed = facets(R"({"Modality":{"in":["MR"]},"pacs":{"in":["ch-rad"]}})");
  BOOST_TEST((*narrowed)["total"] == 0);
  BOOST_TEST((*narrowed)["facets"]["Modality"]["values"].dump() == R"([{"count":1,"value":"CT"}])");
}

BOOST_FIXTURE_TEST_CASE(facets_of_unknown_fields_and_of_too_many_rows_are_refused, fixture) {
  start({2, 10s, 512 << 10});
  BOOST_TEST((facets("", {"PatientName"}).error().code == errc::bad_request));
  BOOST_TEST((facets(R"({"PatientName":{"like":"s*"}})").error().code == errc::bad_request));
  for (const auto* study : {"1.2.1", "1.2.2", "1.2.3"}) put(holding("gh-rad", study), {});
  BOOST_TEST((facets("").error().code == errc::too_large));
}

BOOST_FIXTURE_TEST_CASE(rare_values_are_counted_together, fixture) {
  const auto& table = actors::holding_table(holding_level::study);
  auto counts = actors::facet_counts::open("", {"PatientID"}, table);
  BOOST_REQUIRE(counts.ok());
  for (std::size_t i = 0; i < actors::facet_counts::most_values_kept + 5; ++i)
    counts->add({{"PatientID", std::to_string(i)}});
  counts->add({{"PatientID", "7"}});
  const auto told = json::parse(counts->finish())["facets"]["PatientID"];
  BOOST_TEST(told["values"].size() == actors::facet_counts::most_values_told);
  BOOST_TEST(told["values"][0].dump() == R"({"count":2,"value":"7"})");
  BOOST_TEST(told["other"] == actors::facet_counts::most_values_kept + 5 - actors::facet_counts::most_values_told);
}

BOOST_FIXTURE_TEST_CASE(a_study_that_is_not_held_is_not_found, fixture) {
  start();
  put(holding("gh-rad", "1.2.1"), {});
  BOOST_TEST((cached(holding_level::series, "1.2").error().code == errc::not_found));
  BOOST_TEST((cached(holding_level::series).error().code == errc::bad_request));
}

BOOST_FIXTURE_TEST_CASE(a_shard_that_does_not_answer_costs_one_listing, fixture) {
  start({}, true);
  put(holding("gh-rad", "1.2.1", 0), {dicom_uid{"1.2.1.9"}});
  const read_holdings asked{"alz", {{"amy", ""}, holding_level::instance, dicom_uid{"1.2.1"}, {}, {}}};
  const auto listed = ask_within<answered>(30s, reader, asked);
  BOOST_REQUIRE(!listed.ok());
  BOOST_TEST((listed.error().code == errc::timed_out));
  BOOST_TEST(list().ok());
}

BOOST_FIXTURE_TEST_CASE(a_holding_on_a_shard_that_is_not_here_is_a_fault, fixture) {
  start();
  put(holding("gh-rad", "1.2.1", 7), {dicom_uid{"1.2.1.9"}});
  BOOST_TEST((cached(holding_level::instance, "1.2.1").error().code == errc::internal));
}

BOOST_AUTO_TEST_SUITE_END()
