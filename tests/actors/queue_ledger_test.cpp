#include "actors/queue_ledger.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>

#include "actors/queue_entries.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"
#include "tests/actors/shard_support.hpp"

namespace penstock::tests {

using namespace messages;

namespace {

/// A ledger on a store, without a journal: entries are committed as the journal would.
struct ledger_world {
  temporary_directory folder;
  std::shared_ptr<storage::row_store> core =
      storage::row_store::open(folder.path() / "core", {.columns = {storage::column::rows}}).value();
  actors::queue_ledger ledger{"alz", core};
  std::map<std::uint64_t, request_row> rows;  ///< the naive model
  std::uint64_t last = 0;
  std::int64_t now_us = 1'000'000;

  ledger_world() { BOOST_REQUIRE(ledger.load().ok()); }

  void write(const request_row& row) {
    storage::row_batch batch;
    for (const auto& each : actors::request_entry("changed", "amy", row, "").rows) {
      if (each.erase)
        batch.erase(storage::column::rows, each.key);
      else
        batch.put(storage::column::rows, each.key, each.value);
    }
    BOOST_REQUIRE(core->commit(batch).ok());
    rows[row.number] = row;
  }
  void change(request_row row, bool was_waiting) {
    write(row);
    ledger.committed(row, was_waiting, now_us);
  }
  request_row fresh(request_priority priority = request_priority::normal) {
    request_row row;
    row.number = ++last;
    row.project = "alz";
    row.pacs = "gh-rad";
    row.study = dicom_uid{"1.2." + std::to_string(last)};
    row.priority = priority;
    row.estimated_bytes = 10;
    return row;
  }
  void submit(request_priority priority = request_priority::normal) { change(fresh(priority), false); }
  void run(std::uint64_t number) {
    auto row = rows.at(number);
    row.state = request_state::processing;
    change(row, true);
    ledger.set_busy(number, false);
  }
  /// It ran and goes back in line.
  void retry(std::uint64_t number, std::int64_t not_before_us) {
    auto row = rows.at(number);
    row.state = request_state::scheduled;
    row.not_before_us = not_before_us;
    change(row, false);
  }
  void restart() {
    ledger = actors::queue_ledger{"alz", core};
    BOOST_REQUIRE(ledger.load().ok());
  }

  std::vector<std::uint64_t> heads() {
    auto found = ledger.heads("gh-rad", now_us);
    BOOST_REQUIRE(found.ok());
    std::vector<std::uint64_t> numbers;
    for (const auto* row : *found) numbers.push_back(row->number);
    return numbers;
  }
  /// What a queue in memory would give: all that wait and are due, by priority, then number.
  std::vector<std::uint64_t> due() const {
    std::vector<std::pair<int, std::uint64_t>> order;
    for (const auto& [number, row] : rows)
      if (row.state == request_state::scheduled && row.not_before_us <= now_us && !ledger.is_busy(number))
        order.emplace_back(2 - static_cast<int>(row.priority), number);
    std::sort(order.begin(), order.end());
    std::vector<std::uint64_t> numbers;
    for (const auto& [rank, number] : order) numbers.push_back(number);
    return numbers;
  }
  std::uint64_t waiting() const {
    return static_cast<std::uint64_t>(std::count_if(
        rows.begin(), rows.end(), [](const auto& each) { return each.second.state == request_state::scheduled; }));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(queue_ledger, ledger_world)

BOOST_AUTO_TEST_CASE(orders_by_priority_and_then_by_number) {
  submit();
  submit(request_priority::low);
  submit(request_priority::high);
  submit();
  BOOST_TEST(heads() == (std::vector<std::uint64_t>{3, 1, 4, 2}), boost::test_tools::per_element());
  restart();
  BOOST_TEST(heads() == (std::vector<std::uint64_t>{3, 1, 4, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(gives_no_more_than_the_first_few_of_a_thousand) {
  for (int i = 0; i < 1000; ++i) submit();
  BOOST_TEST(ledger.waiting_count("gh-rad") == 1000U);
  const auto first = heads();
  BOOST_TEST(first.size() <= actors::queue_ledger::most_heads);
  BOOST_TEST(first.front() == 1U);
  restart();
  BOOST_TEST(ledger.waiting_count("gh-rad") == 1000U);
  BOOST_TEST(heads().size() <= actors::queue_ledger::most_heads);
  for (std::uint64_t next = 1; next <= 1000; ++next) {
    const auto all = heads();
    BOOST_REQUIRE(!all.empty());
    BOOST_REQUIRE_EQUAL(all.front(), next);
    auto row = rows.at(next);
    row.state = request_state::completed;
    change(row, true);
  }
  BOOST_TEST(heads().empty());
}

BOOST_AUTO_TEST_CASE(brings_a_parked_retry_back_at_its_time) {
  submit();
  submit();
  auto row = rows.at(1);
  row.not_before_us = now_us + 500;
  change(row, true);
  BOOST_TEST(heads() == std::vector<std::uint64_t>{2}, boost::test_tools::per_element());
  BOOST_TEST(ledger.next_retry_us() == now_us + 500);
  restart();
  BOOST_TEST(heads() == std::vector<std::uint64_t>{2}, boost::test_tools::per_element());
  now_us += 500;
  BOOST_TEST(heads() == (std::vector<std::uint64_t>{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(lets_no_retry_overtake_what_is_still_on_the_disk) {
  for (int i = 0; i < 200; ++i) submit();
  for (std::uint64_t number = 151; number <= 200; ++number) run(number);
  restart();
  for (std::uint64_t number = 151; number <= 200; ++number) retry(number, now_us + 500);
  now_us += 500;
  for (std::uint64_t next = 1; next <= 200; ++next) {
    const auto all = heads();
    BOOST_REQUIRE(!all.empty());
    BOOST_REQUIRE_EQUAL(all.front(), next);
    run(next);
  }
  BOOST_TEST(heads().empty());
}

BOOST_AUTO_TEST_CASE(gives_no_retry_while_something_before_it_was_not_read) {
  for (int i = 0; i < 200; ++i) submit();
  run(200);
  restart();
  retry(200, now_us + 500);
  now_us += 500;
  BOOST_TEST(heads().size() == actors::queue_ledger::most_heads);
  // All that was read is on its way: what comes next is known only to the disk, and it is not 200.
  for (std::uint64_t number = 1; number <= actors::queue_ledger::most_heads; ++number) ledger.set_busy(number, true);
  BOOST_TEST(heads().empty());
  for (std::uint64_t number = 1; number <= actors::queue_ledger::most_heads; ++number) run(number);
  BOOST_TEST(heads().front() == actors::queue_ledger::most_heads + 1);
}

BOOST_AUTO_TEST_CASE(leaves_out_what_is_busy) {
  submit();
  submit();
  ledger.set_busy(1, true);
  BOOST_TEST(heads() == std::vector<std::uint64_t>{2}, boost::test_tools::per_element());
  ledger.set_busy(1, false);
  BOOST_TEST(heads().size() == 2U);
}

BOOST_AUTO_TEST_CASE(reserves_room_from_the_start_to_the_end) {
  submit();
  auto row = rows.at(1);
  row.state = request_state::processing;
  ledger.reserve(row);
  BOOST_TEST(ledger.reserved_bytes() == 10U);
  change(row, true);
  BOOST_TEST(ledger.reserved_bytes() == 10U);
  restart();
  BOOST_TEST(ledger.reserved_bytes() == 10U);
  row.state = request_state::completed;
  change(row, false);
  BOOST_TEST(ledger.reserved_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(finds_the_open_request_for_a_study_and_no_other) {
  auto row = fresh();
  storage::row_batch batch;
  batch.put(storage::column::rows, storage::keys::request_for("alz", "gh-rad", row.study), "1");
  BOOST_REQUIRE(core->commit(batch).ok());
  change(row, false);
  BOOST_TEST((ledger.open_request("gh-rad", row.study).value().has_value()));
  BOOST_TEST((!ledger.open_request("gh-rad", dicom_uid{"1.2.99"}).value().has_value()));
  row.state = request_state::failed;
  change(row, true);
  BOOST_TEST((!ledger.open_request("gh-rad", row.study).value().has_value()));
}

BOOST_AUTO_TEST_CASE(estimates_by_what_its_modality_has_weighed) {
  BOOST_TEST(ledger.estimate_bytes("MR", 4) == 4 * (std::uint64_t{512} << 10));
  ledger.counters.weights["MR"] = {10, 1000};
  BOOST_TEST(ledger.estimate_bytes("MR", 4) == 400U);
  holding_row held;
  held.bytes = 70;
  ledger.holding_changed(nullptr, &held);
  BOOST_TEST(ledger.used_bytes() == 70U);
  BOOST_TEST(ledger.studies_held() == 1U);
  ledger.holding_changed(&held, nullptr);
  ledger.holding_changed(&held, nullptr);  // told twice
  BOOST_TEST(ledger.used_bytes() == 0U);
  BOOST_TEST(ledger.studies_held() == 0U);
  BOOST_TEST(ledger.used_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(agrees_with_a_naive_queue_over_random_histories) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    ledger_world world;
    std::mt19937 random{seed};
    const auto draw = [&](std::size_t most) { return std::uniform_int_distribution<std::size_t>{0, most}(random); };
    std::vector<std::uint64_t> running;
    for (int event = 0; event < 700; ++event) {
      const auto dice = draw(99);
      const auto heads = world.heads();
      if (dice < 45) {
        for (std::size_t i = draw(12); i > 0; --i) world.submit(static_cast<request_priority>(draw(2)));
      } else if (dice < 70 && !heads.empty()) {
        auto row = world.rows.at(heads[draw(heads.size() - 1)]);
        row.state = request_state::processing;
        world.change(row, true);
        running.push_back(row.number);
      } else if (dice < 88 && !running.empty()) {
        auto row = world.rows.at(running.back());
        running.pop_back();
        const bool again = draw(2) > 0;
        row.state = again ? request_state::scheduled : request_state::completed;
        row.not_before_us = again ? world.now_us + static_cast<std::int64_t>(draw(5000)) : 0;
        world.change(row, false);
      } else if (dice < 90) {
        world.restart();
        // What was running comes back in line before anything else was read.
        for (; dice == 89 && !running.empty(); running.pop_back()) world.retry(running.back(), world.now_us + 1);
        ++world.now_us;
      } else {
        world.now_us += static_cast<std::int64_t>(draw(3000));
      }
      // A look reads at most one page from the disk: looked at often enough, everything due is found, in order.
      for (int look = 0; look < 40 && world.heads().size() < actors::queue_ledger::most_heads / 2; ++look)
        world.heads();
      const auto seen = world.heads();
      const auto due = world.due();
      BOOST_TEST_CONTEXT("seed " << seed << " event " << event) {
        BOOST_REQUIRE(seen.size() <= actors::queue_ledger::most_heads);
        BOOST_REQUIRE(seen.size() >= std::min(due.size(), actors::queue_ledger::most_heads / 2));
        BOOST_REQUIRE(std::equal(seen.begin(), seen.end(), due.begin()));
        BOOST_REQUIRE_EQUAL(world.ledger.waiting_count("gh-rad"), world.waiting());
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
