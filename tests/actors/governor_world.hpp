#pragma once
// A governor between mock queues that always have work, the real journal and a mock association.

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "actors/governor_clock.hpp"
#include "messages/roster.hpp"
#include "tests/actors/actor_fixture.hpp"
#include "tests/actors/mock_actors.hpp"

namespace penstock::tests {

/// A queue that always has work: it starts under each permit, and its retrieval lasts as long as the test says.
struct queue_log {
  std::string project;
  std::vector<std::uint64_t> offers;
  std::vector<permit_granted> permits;
  std::vector<std::string> refusals;
  std::vector<query_granted> queries;
  std::vector<std::int64_t> starts_us;  ///< when each permit came
  std::vector<std::string> outlook;
  std::vector<line_forecast> forecasts;
  bool starts = true;   ///< commits the start and says so
  bool answers = true;  ///< else it is silent, as one that was killed
  bool claims = true;   ///< at once; else its association takes its time
  bool commits = true;  ///< else it is killed after it has claimed
  std::function<std::int64_t()> utc_us;
  governor_clock_actor governor;
  audit_journal_actor journal;
  std::uint64_t generation = 0;
};

inline void claim(project_queue_actor::pointer self, const std::shared_ptr<queue_log>& log, std::uint64_t permit) {
  self->request(log->governor, caf::infinite, claim_permit{permit})
      .then(
          [=](const permit_granted& granted) {
            log->permits.push_back(granted);
            log->starts_us.push_back(log->utc_us());
            if (!log->commits) return;
            journal_entry entry;
            entry.kind = "request.started";
            entry.rows = granted.rows;
            self->request(log->journal, caf::infinite,
                          append_entries{"queue/" + log->project, log->generation, {entry}, {}, {}})
                .then([=](const entries_committed&) {
                  self->send(log->governor, permit_answered{granted.permit, true});
                  self->send(log->governor, work_waiting{log->project, 1, 1000, 1000});
                });
          },
          [=](const caf::error& problem) { log->refusals.push_back(from_caf(problem, "claim").text()); });
}

inline project_queue_actor::behavior_type mock_queue(project_queue_actor::pointer self,
                                                     std::shared_ptr<queue_log> log) {
  const auto no = [](const auto&) -> caf::result<answered> { return unasked(); };
  return {[=](const submit_requests& c) { return no(c); },
          [=](const cancel_requests& c) { return no(c); },
          [=](const prioritise_requests& c) { return no(c); },
          [=](const retry_requests& c) { return no(c); },
          [=](const delete_requests& c) { return no(c); },
          [=](const purge_holdings& c) { return no(c); },
          [=](const holding_damaged&) {},
          [=](const weigh_rules& c) { return no(c); },
          [=](const delete_holdings& c) { return no(c); },
          [=](const authorise_download&) -> caf::result<download_authorised> { return unasked(); },
          [=](const record_download&) -> caf::result<download_recorded> { return unasked(); },
          [=](const download_ended&) {},
          [=](const note_export& c) { return no(c); },
          [=](const list_requests& c) { return no(c); },
          [=](const show_request& c) { return no(c); },
          [=](const describe_usage& c) { return no(c); },
          [=](const permit_offered& offered) {
            log->offers.push_back(offered.permit);
            if (!log->answers) return;
            if (!log->starts) return self->send(log->governor, permit_answered{offered.permit, false});
            if (log->claims) claim(self, log, offered.permit);
          },
          [=](const query_granted& granted) { log->queries.push_back(granted); },
          [=](const governor_outlook& seen) {
            log->outlook.push_back(seen.reason);
            log->forecasts.push_back(seen.forecast);
          },
          [=](const rules_published&) {},
          [=](const describe_actor& c) { return no(c); },
          [=](const tick&) {}};
}

struct governor_world : actor_fixture {
  governor_clock_actor governor;
  std::optional<actors::instant> assume_full_at;
  std::function<bool()> has_room;
  std::filesystem::path pause_file;
  std::shared_ptr<association_log> pacs = std::make_shared<association_log>();
  pacs_association_actor association = spawn_function(mock_association, pacs);
  std::map<std::string, std::shared_ptr<queue_log>> logs;
  std::map<std::string, project_queue_actor> queues;

  governor_world() {
    for (const auto* project : {"alz", "ms"}) {
      auto log = logs[project] = std::make_shared<queue_log>();
      log->project = project;
      log->utc_us = clocks().utc_us;
      log->journal = journal;
      log->generation = ask<writer_enrolled>(journal, enrol_writer{"queue/" + log->project})->generation;
      queues[project] = spawn_function(mock_queue, log);
    }
  }
  ~governor_world() {
    for (auto& [project, log] : logs) *log = {};
  }

  void start(std::uint32_t concurrent, std::optional<std::uint32_t> per_minute = {}) {
    auto& limits = site->pacs["gh-rad"].windows[0].limits;
    limits.concurrent = concurrent;
    limits.per_minute = per_minute;
    start_as_is();
  }
  void start_as_is() {
    actors::governor_clock_options options;
    options.pacs = "gh-rad";
    options.rules = site;
    options.in_force = in_force_here();
    options.journal = journal;
    options.core = core;
    options.clocks = clocks();
    options.assume_full_at = assume_full_at;
    options.has_room = has_room;
    options.pause_file = pause_file;
    governor = keep(actors::start_governor_clock(sys, std::move(options), nullptr));
    for (auto& [project, log] : logs) log->governor = governor;
    settle();
  }
  /// The rules, and the association that C-ECHO and orders to stop go to.
  actors::rules_in_force_ptr in_force_here() {
    auto serving = std::make_shared<roster>();
    serving->associations["gh-rad"] = association;
    auto in_force = std::make_shared<actors::rules_in_force>(site);
    in_force->set({site, serving});
    return in_force;
  }
  void publish_rules() {
    self->send(governor, rules_published{site, nullptr});
    settle();
  }
  queue_log& of(const std::string& project) { return *logs.at(project); }
  template <class Message>
  void say(const std::string& project, Message message) {
    caf::send_as(caf::actor_cast<caf::actor>(queues.at(project)), governor, std::move(message));
    settle();
  }
  void has_work(const std::string& project, std::uint64_t ready = 1000) {
    say(project, work_waiting{project, 1, ready, ready});
  }
  /// Every retrieval that runs is over.
  void end_retrievals(const std::string& project) {
    for (const auto& each : of(project).permits) self->send(governor, retrieval_over{each.permit, true, {}, {}});
    settle();
  }
  /// Work for ever, retrievals of no length.
  void run_for(std::chrono::seconds time, const std::string& project = "alz") {
    for (const auto until = now() + time; now() < until; advance(100ms)) end_retrievals(project);
  }
  std::size_t most_in(std::chrono::seconds window, const std::vector<std::int64_t>& starts_us) const {
    std::size_t most = 0;
    for (std::size_t i = 0; i < starts_us.size(); ++i)
      most = std::max(
          most, static_cast<std::size_t>(std::count_if(starts_us.begin(), starts_us.end(), [&](std::int64_t at_us) {
            return at_us >= starts_us[i] && at_us < starts_us[i] + window.count() * 1'000'000;
          })));
    return most;
  }
  /// The child of the custodian dies as of a fault.
  void kill_governor() {
    auto pending = self->request(governor, caf::infinite, describe_governor{});
    // A custodian that has seen several deaths takes its time.
    for (int i = 0; i < 60 && !self->has_next_message(); ++i) advance(1s);
    BOOST_REQUIRE(self->has_next_message());
    caf::actor_addr child;
    pending.receive([&](const answered&) { child = caf::actor_cast<caf::actor_addr>(self->current_sender()); },
                    [](const caf::error&) { BOOST_ERROR("no answer"); });
    kill(child);
    advance(100ms);
  }
  nlohmann::json status() { return nlohmann::json::parse(ask<answered>(governor, describe_governor{{}, true})->json); }
};

}  // namespace penstock::tests
