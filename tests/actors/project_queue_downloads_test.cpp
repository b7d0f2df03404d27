#include "actors/download_book.hpp"
#include "actors/project_queue.hpp"

#include "tests/actors/queue_site.hpp"

namespace penstock::tests {
namespace {

const std::string right_key = "check of the key";

struct download_site : queue_site {
  download_site() {
    prepared("1.2.1", 3);
    retrieve_all();
    prepared("1.2.2", 1);
    retrieve_all();
  }

  static authorise_download wish(const std::string& op = "", const std::string& user = "amy") {
    return {{user, op}, {dicom_uid{"1.2.2"}, dicom_uid{"1.2.1"}}, {}, {}, "", ""};
  }
  static authorise_download resumption(const std::string& download, const std::string& key_check = right_key) {
    return {{"amy", ""}, {}, {}, {}, download, key_check};
  }
  /// What the gateway makes of a grant when the shards have located everything.
  static record_download record_of(const download_authorised& grant, const std::string& op = "") {
    record_download record;
    record.who = {"amy", op};
    record.download = grant.download;
    record.key_check = right_key;
    for (const auto& part : grant.parts)
      record.studies.push_back({part.pacs, part.study, part.version, part.instances.size(), 100 * part.instances.size(),
                                "contents of " + std::to_string(part.version)});
    return record;
  }

  download_authorised authorised(const authorise_download& command) {
    const auto grant = ask<download_authorised>(queue, command);
    BOOST_REQUIRE_MESSAGE(grant.ok(), (grant.ok() ? "" : grant.error().text()));
    return *grant;
  }
  download_recorded recorded(const record_download& command) {
    const auto done = ask<download_recorded>(queue, command);
    BOOST_REQUIRE_MESSAGE(done.ok(), (done.ok() ? "" : done.error().text()));
    return *done;
  }
  std::string open(const std::string& op = "") { return recorded(record_of(authorised(wish(op)), op)).download; }
  /// Asks, and records what was answered as it was.
  download_recorded resume(const std::string& download) {
    auto record = record_of(authorised(resumption(download)));
    record.resumed = true;
    return recorded(record);
  }
  errc refused(const authorise_download& command) {
    const auto grant = ask<download_authorised>(queue, command);
    return grant.ok() ? errc::none : grant.error().code;
  }
  void delete_study(const std::string& uid) {
    BOOST_REQUIRE(ask<answered>(queue, delete_holdings{{"amy", ""}, {dicom_uid{uid}}}).ok());
  }
  /// The PACS has one more instance of it now, and another request has brought the study whole.
  void top_up(const std::string& uid, std::size_t instances) {
    auto holding = *row<holding_row>(keys::holding("alz", "gh-rad", dicom_uid{uid}));
    holding.complete = false;
    write_row(storage::put_row(keys::holding("alz", "gh-rad", dicom_uid{uid}), holding));
    prepared(uid, instances);
    retrieve_all();
  }
  void write_row(const state_row& row) {
    journal_entry entry;
    entry.kind = "test";
    entry.rows.push_back(row);
    const auto generation = ask<writer_enrolled>(journal, enrol_writer{"test"});
    BOOST_REQUIRE(
        ask<entries_committed>(journal, append_entries{"test", generation->generation, {entry}, {}, {}}).ok());
  }
  [[nodiscard]] std::uint64_t version_of(const std::string& uid) const {
    return row<holding_row>(keys::holding("alz", "gh-rad", dicom_uid{uid}))->version;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(project_queue_downloads, download_site)

// ---- deletion ----

BOOST_AUTO_TEST_CASE(a_deletion_that_the_journal_refused_has_not_happened) {
  // Somebody has taken its place as the writer of this queue, so its next entries are refused.
  BOOST_REQUIRE(ask<writer_enrolled>(journal, enrol_writer{"queue/alz"}).ok());
  const delete_holdings wish{{"amy", "d1"}, {dicom_uid{"1.2.1"}}};
  const auto refused = ask<answered>(queue, wish);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST(version_of("1.2.1") > 0U);
  BOOST_TEST(shard->forgotten.empty());
  advance(1s);  // it is started again, and knows no more than the disk
  BOOST_TEST(answer_of(ask<answered>(queue, describe_usage{{"amy", ""}}))["studies"] == 2);
  BOOST_TEST(authorised(authorise_download{{"amy", ""}, {dicom_uid{"1.2.1"}}, {}, {}, "", ""}).parts.size() == 1U);
  BOOST_TEST(outcomes(answer_of(ask<answered>(queue, wish))).at(0) == "deleted");
  BOOST_TEST(entries("holding.deleted") == 1U);
  BOOST_TEST(shard->forgotten.size() == 1U);
}

// ---- exports ----

BOOST_AUTO_TEST_CASE(an_export_is_journaled_once_however_often_it_is_told) {
  const note_export note{{"amy", "e1"}, "alz-1", "readable", 3};
  BOOST_TEST(ask<answered>(queue, note)->json == "{}");
  BOOST_TEST(ask<answered>(queue, note)->json == "{}");
  BOOST_TEST(entries("download.exported") == 1U);
}

// ---- opening ----

BOOST_AUTO_TEST_CASE(says_what_may_leave_in_the_order_asked_for_and_records_it_study_by_study) {
  const auto grant = authorised(wish());
  BOOST_REQUIRE_EQUAL(grant.parts.size(), 2U);
  BOOST_TEST(grant.parts[0].study.reveal() == "1.2.2");
  BOOST_TEST(grant.parts[1].instances.size() == 3U);
  BOOST_TEST(entries("download.opened") == 0U);
  BOOST_TEST(rows_under(keys::downloads_of("alz")) == 0U);
  BOOST_TEST(recorded(record_of(grant)).download == grant.download);
  BOOST_TEST(entries("download.opened") == 1U);
  BOOST_TEST(entries("download.study") == 2U);
  const auto kept = row<download_row>(keys::download("alz", grant.download));
  BOOST_REQUIRE(kept);
  BOOST_TEST(kept->key_check == right_key);
  BOOST_TEST(row<holding_row>(keys::holding("alz", "gh-rad", dicom_uid{"1.2.1"}))->last_download_user == "amy");
}

BOOST_AUTO_TEST_CASE(narrows_a_download_to_the_instances_asked_for) {
  authorise_download one{{"amy", ""}, {}, {}, {dicom_uid{"1.2.1.2"}, dicom_uid{"1.2.1.9"}}, "", ""};
  const auto grant = authorised(one);
  BOOST_REQUIRE_EQUAL(grant.parts.size(), 1U);
  BOOST_TEST(grant.parts[0].instances.size() == 1U);
  auto record = record_of(grant);
  record.instances = one.instances;
  recorded(record);
  const auto again = authorised(resumption(grant.download));
  BOOST_REQUIRE_EQUAL(again.parts.size(), 1U);
  BOOST_TEST(again.parts[0].instances.size() == 1U);
}

BOOST_AUTO_TEST_CASE(refuses_what_the_project_does_not_hold) {
  auto command = wish();
  command.studies.push_back(dicom_uid{"1.2.7"});
  BOOST_TEST(refused(command) == errc::not_found);
  BOOST_TEST(refused({{"amy", ""}, {}, {}, {dicom_uid{"1.2.7.1"}}, "", ""}) == errc::not_found);
  BOOST_TEST(refused(wish("", "eve")) == errc::not_found);
}

BOOST_AUTO_TEST_CASE(records_nothing_of_a_study_that_went_while_the_shards_were_asked) {
  const auto grant = authorised(wish());
  delete_study("1.2.1");
  const auto answer = recorded(record_of(grant));
  BOOST_REQUIRE_EQUAL(answer.changed.size(), 1U);
  BOOST_TEST(answer.changed[0].reveal() == "1.2.1");
  BOOST_TEST(entries("download.opened") == 0U);
}

BOOST_AUTO_TEST_CASE(gives_a_project_of_a_long_name_ids_that_can_be_sealed) {
  const std::string name(64, 'p');
  change_rules([&](conf::rules& rules) {
    rules.projects[name] = rules.projects["alz"];
    rules.projects[name].id = name;
  });
  queue = start_queue(name);
  shard->cached["1.2.1"] = pacs->instances["1.2.1"];
  submit({"1.2.1"});
  auto command = wish();
  command.studies = {dicom_uid{"1.2.1"}};
  const auto grant = authorised(command);
  BOOST_TEST(grant.download.size() <= 64U);
  BOOST_TEST(grant.download.find('~') != std::string::npos);
}

// ---- the same operation ----

BOOST_AUTO_TEST_CASE(answers_a_repeated_operation_with_the_download_that_it_opened) {
  const auto first = open("op-1");
  const auto again = authorised(wish("op-1"));
  BOOST_TEST(again.repeated);
  BOOST_TEST(again.download == first);
  BOOST_TEST(again.parts.empty());
  kill_queue();
  BOOST_TEST(authorised(wish("op-1")).download == first);
  BOOST_TEST(entries("download.opened") == 1U);
  BOOST_TEST(!authorised(wish("op-2")).repeated);
}

BOOST_AUTO_TEST_CASE(opens_one_download_for_twins_of_an_operation) {
  const auto one = record_of(authorised(wish("op-1")), "op-1");
  const auto other = record_of(authorised(wish("op-1")), "op-1");
  auto first = self->request(queue, caf::infinite, one);
  auto second = self->request(queue, caf::infinite, other);
  settle();
  std::vector<std::string> ids;
  const auto keep_id = [&](const download_recorded& answer) { ids.push_back(answer.download); };
  const auto no_error = [](const caf::error&) { BOOST_ERROR("refused"); };
  first.receive(keep_id, no_error);
  second.receive(keep_id, no_error);
  BOOST_TEST((ids == std::vector<std::string>{one.download, one.download}));
  BOOST_TEST(recorded(other).download == one.download);
  BOOST_TEST(entries("download.opened") == 1U);
}

BOOST_AUTO_TEST_CASE(an_operation_that_named_another_change_opens_nothing) {
  BOOST_REQUIRE(ask<answered>(queue, submission({"1.2.3"}, "op-1")).ok());
  BOOST_TEST(refused(wish("op-1")) == errc::conflict);
}

// ---- resuming ----

BOOST_AUTO_TEST_CASE(goes_on_with_the_same_instances_after_a_restart_and_journals_each_time) {
  const auto download = open();
  const auto before = record_of(authorised(resumption(download)));
  restart_process();
  const auto again = authorised(resumption(download));
  BOOST_TEST(again.download == download);
  BOOST_REQUIRE_EQUAL(again.parts.size(), 2U);
  BOOST_TEST(again.parts[0].study.reveal() == "1.2.2");
  BOOST_TEST((again.parts[1].instances == pacs->instances["1.2.1"]));
  BOOST_TEST(record_of(again).studies[0].contents == before.studies[0].contents);
  BOOST_TEST(resume(download).changed.empty());
  BOOST_TEST(resume(download).changed.empty());
  BOOST_TEST(entries("download.resumed") == 2U);
  BOOST_TEST(entries("download.opened") == 1U);
}

BOOST_AUTO_TEST_CASE(tells_a_wrong_key_at_once) {
  const auto download = open();
  BOOST_TEST(refused(resumption(download, "another check")) == errc::not_permitted);
  BOOST_TEST(refused(resumption(download, "")) == errc::not_permitted);
  auto record = record_of(authorised(resumption(download)));
  record.resumed = true;
  record.key_check = "another check";
  BOOST_TEST(ask<download_recorded>(queue, record).error().code == errc::not_permitted);
  BOOST_TEST(entries("download.resumed") == 0U);
}

BOOST_AUTO_TEST_CASE(a_download_of_somebody_else_and_one_that_never_was_look_the_same) {
  change_rules([](conf::rules& rules) {
    rules.users["raj"] = rules.users["amy"];
    rules.users["raj"].id = "raj";
    rules.projects["alz"].members.push_back("raj");
  });
  const auto download = open();
  auto foreign = resumption(download);
  foreign.who.user = "raj";
  const auto one = ask<download_authorised>(queue, foreign);
  const auto other = ask<download_authorised>(queue, resumption("alz-99"));
  BOOST_REQUIRE(!one.ok());
  BOOST_REQUIRE(!other.ok());
  BOOST_TEST(one.error().text() == other.error().text());
  BOOST_TEST(one.error().code == errc::not_found);
}

BOOST_AUTO_TEST_CASE(judges_membership_and_approval_again) {
  const auto download = open();
  const auto grant = authorised(resumption(download));
  change_rules([](conf::rules& rules) {
    rules.projects["alz"].valid_through =
        std::chrono::year_month_day{std::chrono::year{2026}, std::chrono::month{3}, std::chrono::day{10}};
  });
  BOOST_TEST(refused(resumption(download)) == errc::project_expired);
  auto record = record_of(grant);
  record.resumed = true;
  BOOST_TEST(ask<download_recorded>(queue, record).error().code == errc::project_expired);
  change_rules([](conf::rules& rules) { rules.projects["alz"].members.clear(); });
  BOOST_TEST(refused(resumption(download)) == errc::not_found);
}

BOOST_AUTO_TEST_CASE(names_the_studies_that_were_deleted_meanwhile) {
  const auto download = open();
  delete_study("1.2.1");
  const auto gone = authorised(resumption(download));
  BOOST_REQUIRE_EQUAL(gone.gone.size(), 1U);
  BOOST_TEST(gone.gone[0].reveal() == "1.2.1");
  BOOST_TEST(gone.parts.empty());
  BOOST_TEST(entries("download.resumed") == 0U);
}

BOOST_AUTO_TEST_CASE(names_the_studies_that_are_not_as_they_were) {
  const auto download = open();
  auto record = record_of(authorised(resumption(download)));
  record.resumed = true;
  record.studies[1].contents = "moved";
  const auto answer = recorded(record);
  BOOST_REQUIRE_EQUAL(answer.changed.size(), 1U);
  BOOST_TEST(answer.changed[0].reveal() == "1.2.1");
  BOOST_TEST(entries("download.resumed") == 0U);
}

BOOST_AUTO_TEST_CASE(sends_the_version_that_was_opened_though_a_newer_one_has_come) {
  const auto before = version_of("1.2.1");
  const auto download = open();
  top_up("1.2.1", 4);
  BOOST_TEST(version_of("1.2.1") > before);
  const auto again = authorised(resumption(download));
  BOOST_REQUIRE(again.gone.empty());
  BOOST_TEST(again.parts[1].version == before);
  BOOST_TEST(again.parts[1].instances.size() == 3U);
  BOOST_TEST(resume(download).changed.empty());
  BOOST_TEST(authorised(wish()).parts[1].instances.size() == 4U);
}

// ---- limits ----

BOOST_AUTO_TEST_CASE(a_download_can_be_resumed_for_a_day_after_its_last_use) {
  const auto download = open();
  advance(23h);
  BOOST_TEST(resume(download).changed.empty());
  advance(23h);
  self->send(queue, download_ended{download, 1000, false});
  settle();
  BOOST_TEST(entries("download.ended") == 1U);
  advance(23h);
  BOOST_TEST(refused(resumption(download)) == errc::none);
  advance(1h + 1s);
  BOOST_TEST(refused(resumption(download)) == errc::not_found);
}

BOOST_AUTO_TEST_CASE(a_user_has_a_limited_number_of_downloads_open) {
  std::string last;
  for (std::size_t n = 0; n < actors::most_open_downloads; ++n) last = open();
  BOOST_TEST(refused(wish()) == errc::rate_limited);
  BOOST_TEST(refused(resumption(last)) == errc::none);
  kill_queue();
  BOOST_TEST(refused(wish()) == errc::rate_limited);
  self->send(queue, download_ended{last, 1000, true});
  settle();
  const auto next = open();
  BOOST_TEST(refused(wish()) == errc::rate_limited);
  BOOST_TEST(refused(resumption(last)) == errc::rate_limited);
  advance(24h + 1s);
  BOOST_TEST(refused(wish()) == errc::none);
  BOOST_TEST(next != last);
}

BOOST_AUTO_TEST_CASE(forgets_what_nobody_can_resume_any_more) {
  const auto old_version = version_of("1.2.1");
  const auto old_manifest = keys::manifest("alz", "gh-rad", dicom_uid{"1.2.1"}, old_version);
  const auto first = open();
  top_up("1.2.1", 4);
  BOOST_TEST(has_row(old_manifest));
  advance(12h);
  const auto second = open();
  BOOST_TEST(has_row(old_manifest));
  advance(12h + 1s);
  open();
  BOOST_TEST(!has_row(keys::download("alz", first)));
  BOOST_TEST(!has_row(keys::download_content("alz", first)));
  BOOST_TEST(!has_row(old_manifest));
  BOOST_TEST(rows_under(keys::superseded_of("alz")) == 0U);
  BOOST_TEST(has_row(keys::download("alz", second)));
  BOOST_TEST(resume(second).changed.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
