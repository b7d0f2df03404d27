#pragma once
// What the tests of the actors stand on: simulated time, a real core store with its journal in a temporary directory,
// the rules of a small site, and questions about what became durable.

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "actors/audit_journal.hpp"
#include "actors/time_source.hpp"
#include "storage/core_store.hpp"
#include "storage/journal_reader.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"
#include "tests/actors/shard_support.hpp"
#include "tests/actors/site_of_tests.hpp"
#include "tests/support/sim_world.hpp"

namespace penstock::tests {

using namespace std::chrono_literals;

class actor_fixture : public sim_world {
 public:
  actor_fixture() : site(std::make_shared<conf::rules>(site_of_tests())) {
    auto opened = storage::open_core_store({folder.path() / "core", folder.path() / "fence"});
    BOOST_REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().text()));
    core = opened->store;
    start_journal();
  }

  /// The journal writes its fence when it stops: while its folder is still there.
  ~actor_fixture() {
    if (journal) end(journal);
  }

  void start_journal() {
    actors::audit_journal_options options;
    options.core = core;
    options.fence = folder.path() / "fence";
    options.fence_every = 1min;
    options.on_failure = [failures = failures](const messages::failure& problem) { failures->push_back(problem); };
    journal = keep(actors::start_audit_journal(sys, std::move(options), actors::hosting::scheduled));
    settle();
  }

  /// As the actors see it: noon of a Wednesday when the test begins.
  [[nodiscard]] actors::time_source clocks() {
    actors::time_source made;
    const auto elapsed = [world = static_cast<sim_world*>(this), begin = sim_begin_] { return world->now() - begin; };
    made.utc_us = [elapsed] {
      return noon_us + std::chrono::duration_cast<std::chrono::microseconds>(elapsed()).count();
    };
    made.boottime_ns = [elapsed] { return 1'000'000'000'000 + std::chrono::nanoseconds{elapsed()}.count(); };
    made.in_doubt = [] { return false; };
    made.boot_id = "boot";
    return made;
  }

  /// Handles one message, if there is one.
  void step() { static_cast<void>(dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler()).try_run_once()); }

  /// Ends an actor as a fault of its own would.
  void kill(const caf::actor_addr& whom) {
    caf::anon_send_exit(whom, caf::exit_reason::kill);
    settle();
  }
  template <class Handle>
  void end(Handle& handle) {
    caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
    handle = nullptr;
    settle();
  }

  template <messages::described T>
  [[nodiscard]] std::optional<T> row(const std::string& key) const {
    auto found = storage::read_row<T>(*core, key, "row");
    BOOST_REQUIRE(found.ok());
    return *found;
  }
  [[nodiscard]] messages::request_row request(std::uint64_t number, const std::string& project = "alz") const {
    auto found = row<messages::request_row>(storage::keys::request(project, number));
    BOOST_REQUIRE_MESSAGE(found, "no request " << number);
    return *found;
  }
  [[nodiscard]] std::size_t rows_under(const std::string& prefix) const {
    auto seen = core->scan(storage::column::rows, {.prefix = prefix}, [](auto, auto) { return true; });
    BOOST_REQUIRE(seen.ok());
    return seen->visited;
  }
  [[nodiscard]] bool has_row(const std::string& key) const {
    auto found = core->get(storage::column::rows, key);
    BOOST_REQUIRE(found.ok());
    return found->has_value();
  }

  /// The journal's entries of that kind, of one request when its number is given.
  [[nodiscard]] std::size_t entries(const std::string& kind, std::uint64_t number = 0) const {
    auto all = storage::read_entries(*core, 1, 100'000);
    BOOST_REQUIRE(all.ok());
    std::size_t count = 0;
    for (const auto& each : *all) {
      const auto leaf = nlohmann::json::parse(each.leaf);
      count += leaf.value("kind", "") == kind && (number == 0 || leaf.value("request", "") == std::to_string(number));
    }
    return count;
  }

  temporary_directory folder;
  std::shared_ptr<storage::row_store> core;
  std::shared_ptr<conf::rules> site;
  messages::audit_journal_actor journal;
  std::shared_ptr<std::vector<messages::failure>> failures = std::make_shared<std::vector<messages::failure>>();

 private:
  clock::time_point sim_begin_ = now();
};

}  // namespace penstock::tests
