#include "storage/journal_log.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "storage/journal_keys.hpp"
#include "storage/rows.hpp"
#include "tests/storage/store_fixture.hpp"

namespace penstock::storage {
namespace {

using messages::append_entries;
using messages::errc;
using messages::journal_entry;
using nlohmann::json;
using test::append_of;
using test::entry_of;
using test::value_of;

journal_entry entry_with_event(const std::string& topic, const std::string& event) {
  auto entry = entry_of("request_completed");
  entry.events.push_back({topic, event});
  return entry;
}

journal_entry entry_with_row(const std::string& key, const std::string& value) {
  auto entry = entry_of("noted");
  entry.rows.push_back({key, value, false});
  return entry;
}

BOOST_FIXTURE_TEST_SUITE(journal_log_suite, test::journal_fixture)

BOOST_AUTO_TEST_CASE(numbers_entries_densely_from_1_across_appends_and_restarts) {
  auto committed = commit(append_of({entry_of("a"), entry_of("b")}));
  BOOST_TEST(committed.first_sequence == 1U);
  BOOST_TEST(committed.last_sequence == 2U);
  reopen();
  committed = commit(append_of({entry_of("c")}));
  BOOST_TEST(committed.first_sequence == 3U);
  BOOST_TEST(committed.last_sequence == 3U);

  const auto entries = value_of(read_entries(log->core(), 1, 10));
  BOOST_REQUIRE_EQUAL(entries.size(), 3U);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    BOOST_TEST(entries[i].sequence == i + 1);
    BOOST_TEST(json::parse(entries[i].leaf)["seq"] == i + 1);
  }
}

BOOST_AUTO_TEST_CASE(commits_rows_identifiers_and_tree_with_the_entry) {
  auto entry = entry_with_row("request/alz-brain/1", "{}");
  entry.identifiers.push_back({"PatientID", messages::protected_text{"4711"}});
  commit(append_of({entry}));
  reopen();
  const auto& core = log->core();
  BOOST_TEST(value_of(core.get(column::rows, "request/alz-brain/1")).value() == "{}");
  BOOST_TEST((value_of(read_identifiers(core, 1)).at(0).value.reveal() == "4711"));
  const auto leaf = value_of(read_entries(core, 1, 1)).at(0).leaf;
  BOOST_TEST((log->checkpoint().root == hash_of_leaf(leaf)));
}

BOOST_AUTO_TEST_CASE(erases_rows_and_lets_later_appends_of_a_group_win) {
  commit(append_of({entry_with_row("a", "1")}));
  auto erase = entry_of("noted");
  erase.rows.push_back({"a", {}, true});
  value_of(log->append({append_of({entry_with_row("b", "1"), erase}), append_of({entry_with_row("b", "2")})}));
  BOOST_TEST(!value_of(log->core().get(column::rows, "a")).has_value());
  BOOST_TEST(value_of(log->core().get(column::rows, "b")).value() == "2");
}

BOOST_AUTO_TEST_CASE(proves_every_entry_and_every_growth) {
  std::vector<tree_checkpoint> seen{log->checkpoint()};
  for (int i = 0; i < 9; ++i) {
    note(1);
    seen.push_back(log->checkpoint());
  }
  const auto node = node_getter(log->core());
  for (const auto& entry : value_of(read_entries(log->core(), 1, 9))) {
    const auto proof = value_of(inclusion_proof(entry.sequence - 1, 9, node));
    BOOST_TEST(verify_inclusion(hash_of_leaf(entry.leaf), entry.sequence - 1, 9, proof, seen[9].root));
  }
  for (const auto& old : seen) {
    const auto proof = value_of(consistency_proof(old.size, 9, node));
    BOOST_TEST(verify_consistency(old.size, old.root, 9, seen[9].root, proof));
  }
}

BOOST_AUTO_TEST_CASE(numbers_the_events_of_each_topic_densely) {
  const std::string here = "p/alz-brain/requests";
  const std::string there = "p/other/requests";
  auto group = value_of(log->append({append_of({entry_with_event(here, "{}"), entry_with_event(there, "{}")}),
                                     append_of({entry_with_event(here, "{}")})}));
  BOOST_REQUIRE_EQUAL(group.events.size(), 3U);
  BOOST_TEST(group.events[0].sequence == 1U);
  BOOST_TEST(group.events[1].sequence == 1U);
  BOOST_TEST(group.events[2].sequence == 2U);
  BOOST_TEST(group.events[2].topic == here);
  reopen();
  group = value_of(log->append({append_of({entry_with_event(here, "{}")})}));
  BOOST_TEST(group.events.at(0).sequence == 3U);
  BOOST_TEST(value_of(read_last_event(log->core(), here)) == 3U);
  BOOST_TEST(value_of(read_last_event(log->core(), "p/none/requests")) == 0U);
}

BOOST_AUTO_TEST_CASE(fills_in_number_time_and_kind_of_an_event) {
  auto group = value_of(log->append({append_of(
      {entry_with_event("t", R"({"state":"completed","seq":99})"), entry_with_event("t", R"({"kind":"own"})")})}));
  BOOST_TEST(group.events.at(0).json ==
             R"({"at":"2026-03-01T09:05:07.123Z","kind":"request_completed","seq":1,"state":"completed"})");
  BOOST_TEST(json::parse(group.events.at(1).json)["kind"] == "own");
}

BOOST_AUTO_TEST_CASE(replays_a_topic_from_any_number) {
  for (int i = 1; i <= 5; ++i) commit(append_of({entry_with_event("a", "{}"), entry_with_event("ab", "{}")}));
  auto events = value_of(log->events("a", 3, 2));
  BOOST_REQUIRE_EQUAL(events.size(), 2U);
  BOOST_TEST(events[0].sequence == 3U);
  BOOST_TEST(events[1].sequence == 4U);
  BOOST_TEST(events[1].topic == "a");
  BOOST_TEST(json::parse(events[1].json)["seq"] == 4);
  BOOST_TEST(value_of(log->events("a", 1, 100)).size() == 5U);
  BOOST_TEST(value_of(log->events("a", 6, 100)).empty());
}

BOOST_AUTO_TEST_CASE(refuses_a_stale_generation_and_a_stranger) {
  BOOST_TEST(value_of(log->enrol("queue")) == 2U);
  BOOST_TEST((refusal(append_of({entry_of("late")}, 1)) == errc::conflict));
  BOOST_TEST((refusal(append_of({entry_of("early")}, 3)) == errc::conflict));
  auto stranger = append_of({entry_of("a")});
  stranger.writer = "stranger";
  BOOST_TEST((refusal(stranger) == errc::conflict));
  reopen();
  BOOST_TEST((refusal(append_of({entry_of("late")}, 1)) == errc::conflict));
  BOOST_TEST(commit(append_of({entry_of("now")}, 2)).first_sequence == 1U);
  BOOST_TEST(value_of(log->enrol("queue")) == 3U);
}

BOOST_AUTO_TEST_CASE(remembers_the_answer_of_an_operation_and_applies_it_once) {
  auto append = append_of({entry_with_row("a", "1")});
  append.op_key = "alz-brain/amy/op-1";
  append.op_answer = R"({"ok":{}})";
  commit(append);
  BOOST_TEST((refusal(append) == errc::conflict));
  reopen();
  BOOST_TEST((refusal(append) == errc::conflict));
  const auto remembered = value_of(read_operation(log->core(), "alz-brain/amy/op-1")).value();
  BOOST_TEST(remembered.answer == R"({"ok":{}})");
  BOOST_TEST(remembered.at_us == site.now_us);
  BOOST_TEST(!value_of(read_operation(log->core(), "alz-brain/amy/op-2")).has_value());
  BOOST_TEST(log->checkpoint().size == 1U);
}

BOOST_AUTO_TEST_CASE(applies_an_operation_once_within_a_group) {
  auto append = append_of({entry_of("a")});
  append.op_key = "op-1";
  auto group = value_of(log->append({append, append}));
  BOOST_TEST(group.outcomes.at(0).ok());
  BOOST_TEST((group.outcomes.at(1).error().code == errc::conflict));
  BOOST_TEST(log->checkpoint().size == 1U);
}

BOOST_AUTO_TEST_CASE(forgets_old_operations_in_portions) {
  const auto begin = site.now_us;
  for (int i = 0; i < 10; ++i) {
    auto append = append_of({});
    append.op_key = "op-" + std::to_string(i);
    commit(append);
    ++site.now_us;
  }
  BOOST_TEST(value_of(log->forget_operations(begin + 6, 4)) == 4U);
  BOOST_TEST(value_of(log->forget_operations(begin + 6, 4)) == 2U);
  BOOST_TEST(value_of(log->forget_operations(begin + 6, 4)) == 0U);
  BOOST_TEST(!value_of(read_operation(log->core(), "op-5")).has_value());
  BOOST_TEST(value_of(read_operation(log->core(), "op-6")).has_value());
  BOOST_TEST(value_of(log->forget_operations(begin + 7, 100)) == 1U);
}

BOOST_AUTO_TEST_CASE(looks_at_few_large_answers_in_a_portion) {
  for (int i = 0; i < 10; ++i) {
    auto append = append_of({});
    append.op_key = "op-" + std::to_string(i);
    append.op_answer = std::string(100'000, 'x');
    commit(append);
  }
  const auto later = site.now_us + 1;
  BOOST_TEST(value_of(log->forget_operations(later, 100)) == 3U);
  std::size_t forgotten = 3;
  for (int i = 0; i < 4; ++i) forgotten += value_of(log->forget_operations(later, 100));
  BOOST_TEST(forgotten == 10U);
}

BOOST_AUTO_TEST_CASE(refuses_one_append_whole_and_goes_on_with_the_others) {
  auto large = entry_of("large");
  large.details = R"({"n":")" + std::string(std::size_t{33} << 10, 'x') + R"("})";
  auto group = value_of(log->append({append_of({entry_with_event("t", "{}")}),
                                     append_of({entry_with_event("t", "{}"), entry_with_row("a", "1"), large}),
                                     append_of({entry_with_event("t", "{}")})}));
  BOOST_TEST(group.outcomes.at(0).ok());
  BOOST_TEST((group.outcomes.at(1).error().code == errc::too_large));
  BOOST_TEST(value_of(group.outcomes.at(2)).first_sequence == 2U);
  BOOST_TEST(group.events.size() == 2U);
  BOOST_TEST(group.events.at(1).sequence == 2U);
  BOOST_TEST(!value_of(log->core().get(column::rows, "a")).has_value());
  reopen();
  BOOST_TEST(log->checkpoint().size == 2U);
}

BOOST_AUTO_TEST_CASE(refuses_what_is_over_a_limit_or_malformed) {
  auto options = site.options();
  options.limits.entries_in_an_append = 2;
  options.limits.event_bytes = 10;
  options.limits.row_bytes = 10;
  options.limits.append_bytes = 1000;
  auto tight = value_of(journal_log::open(open_store_again(), options));
  const auto code = [&](const append_entries& append) {
    return value_of(tight.append({append})).outcomes.at(0).error().code;
  };
  BOOST_TEST((code(append_of({entry_of("a"), entry_of("b"), entry_of("c")})) == errc::too_large));
  BOOST_TEST((code(append_of({entry_with_event("t", R"({"a":"123"})")})) == errc::too_large));
  BOOST_TEST((code(append_of({entry_with_row("123456", "12345")})) == errc::too_large));
  auto remembered = append_of({});
  remembered.op_key = "123456";
  remembered.op_answer = "12345";
  BOOST_TEST((code(remembered) == errc::too_large));
  auto wide = entry_of("wide");
  wide.details = R"({"n":")" + std::string(500, 'x') + R"("})";
  BOOST_TEST((code(append_of({wide, wide})) == errc::too_large));
  BOOST_TEST((code(append_of({entry_with_event("t", "[]")})) == errc::bad_request));
  BOOST_TEST((code(append_of({entry_with_event("t", "{")})) == errc::bad_request));
  BOOST_TEST((code(append_of({entry_with_event("", "{}")})) == errc::bad_request));
  BOOST_TEST((code(append_of({entry_with_event(std::string("a\0b", 3), "{}")})) == errc::bad_request));
  BOOST_TEST((code(append_of({entry_with_row("", "x")})) == errc::bad_request));
  BOOST_TEST((tight.enrol("").error().code == errc::bad_request));
  BOOST_TEST(tight.checkpoint().size == 0U);
}

BOOST_AUTO_TEST_CASE(erases_identifiers_with_a_record_and_keeps_the_proof) {
  auto entry = entry_of("noted");
  entry.identifiers.push_back({"PatientID", messages::protected_text{"4711"}});
  commit(append_of({entry}));
  const auto before = log->checkpoint();
  BOOST_TEST(!value_of(log->erase_identifiers({1}, append_of({entry_of("erased")}, 7))).outcomes.at(0).ok());
  BOOST_TEST(value_of(read_identifiers(log->core(), 1)).size() == 1U);

  BOOST_TEST(value_of(log->erase_identifiers({1}, append_of({entry_of("erased")}))).outcomes.at(0).ok());
  BOOST_TEST(value_of(read_identifiers(log->core(), 1)).empty());
  const auto now = log->checkpoint();
  const auto proof = value_of(consistency_proof(before.size, now.size, node_getter(log->core())));
  BOOST_TEST(verify_consistency(before.size, before.root, now.size, now.root, proof));
}

BOOST_AUTO_TEST_CASE(says_how_far_it_has_come) {
  BOOST_TEST((log->checkpoint().root == empty_tree_root()));
  note(3);
  const auto reached = log->checkpoint();
  BOOST_TEST(reached.size == 3U);
  BOOST_TEST(reached.at_us == site.now_us);
  const auto head = value_of(read_head(log->core()));
  BOOST_TEST(head.size == 3U);
  BOOST_TEST((head.root == reached.root));
}

BOOST_AUTO_TEST_CASE(reads_typed_rows_back) {
  messages::entries_committed row{3, 4};
  auto entry = entry_of("noted");
  entry.rows = {put_row("range/1", row), {"range/2", "{\"first_sequence\":\"x\"}", false}, put_row("range/3", row)};
  commit(append_of({entry}));
  const auto& core = log->core();
  BOOST_TEST(value_of(read_row<messages::entries_committed>(core, "range/1", "range"))->last_sequence == 4U);
  BOOST_TEST(!value_of(read_row<messages::entries_committed>(core, "range/9", "range")).has_value());
  BOOST_TEST((read_row<messages::entries_committed>(core, "range/2", "range").error().code == errc::corrupt));
  std::size_t visited = 0;
  const auto visit = [&](std::string_view, messages::entries_committed&&) { return ++visited > 0; };
  BOOST_TEST((read_rows<messages::entries_committed>(core, {.prefix = "range/"}, "range", visit).error().code ==
              errc::corrupt));
  BOOST_TEST(visited == 1U);
}

// The figure is printed, not tested: it belongs to the disk that the tests run on.
BOOST_AUTO_TEST_CASE(appends_a_thousand_entries_in_one_sync) {
  std::vector<journal_entry> entries;
  for (int i = 0; i < 1000; ++i) {
    auto entry =
        entry_with_event("p/alz-brain/requests", R"({"request":"alz-brain-17","state":"scheduled","reason":"rate"})");
    entry.details = R"({"expected":120,"priority":"normal","study_date":"20100101"})";
    entry.identifiers = {{"PatientID", messages::protected_text{"4711"}},
                         {"StudyInstanceUID", messages::protected_text{"1.2.3"}}};
    for (int row = 0; row < 4; ++row)
      entry.rows.push_back({"row/" + std::to_string(row) + "/" + std::to_string(i), std::string(350, 'x'), false});
    entries.push_back(std::move(entry));
  }
  const auto append = append_of(std::move(entries));
  commit(append);
  const auto begin = std::chrono::steady_clock::now();
  commit(append);
  const auto spent = std::chrono::steady_clock::now() - begin;
  BOOST_TEST_MESSAGE("1,000 entries with 4,000 rows and 1,000 events: "
                     << std::chrono::duration_cast<std::chrono::microseconds>(spent).count() << " us");
  BOOST_TEST(log->checkpoint().size == 2000U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::storage
