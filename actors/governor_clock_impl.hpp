#pragma once
// The class that governor_clock.cpp (permits and queries), governor_switch.cpp (pause and resume) and
// governor_status.cpp (what people are told) share. Decisions are in permit_policy, query_line and breaker_policy.

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/breaker_policy.hpp"
#include "actors/forecast.hpp"
#include "actors/governor_clock.hpp"
#include "actors/journal_pen.hpp"
#include "actors/permit_policy.hpp"
#include "actors/query_line.hpp"
#include "messages/fields.hpp"

namespace penstock::actors {

/// The durable row of a pause, under storage::keys::pause.
struct pause_row {
  std::string reason;
  std::string user;  ///< empty: the pause file
  std::int64_t at_us = 0;
  PENSTOCK_FIELDS(reason, user, at_us);
};

class governor_clock {
 public:
  using handle = messages::governor_clock_actor;
  static constexpr const char* name = "governor_clock";

  governor_clock(handle::pointer self, governor_clock_options options);
  handle::behavior_type make_behavior();

 private:
  struct queue {
    messages::project_queue_actor address;
    std::uint32_t weight = 1;
    std::uint64_t ready = 0;
    std::uint64_t waiting = 0;
    std::string told;       ///< the outlook it was last sent
    bool forecast = false;  ///< it was sent the newest one
  };
  struct unanswered_permit {
    std::string project;
    std::int64_t since_ns = 0;  ///< boottime
    bool stamped = false;
  };

  // ---- permits and queries (governor_clock.cpp) ----
  void on_work(const messages::work_waiting& work);
  /// What was offered is decided anew and stamped: since then a window may have closed, and the send comes at once.
  caf::result<messages::permit_granted> on_claim(const messages::claim_permit& claim);
  void on_answer(const messages::permit_answered& answer);
  void on_over(const messages::retrieval_over& over);
  void on_alive(const messages::retrieval_alive& alive);
  void on_query(const messages::query_wanted& wanted);
  void on_reachability(const messages::pacs_reachability& seen);
  void on_rules(const messages::rules_published& published);
  void take_breaker_limits();
  void judge_pacs(const messages::retrieval_over& over);
  void changed(breaker_change change);
  void probe(const instant& now);
  [[nodiscard]] messages::pacs_association_actor association() const;
  [[nodiscard]] bool in_use() const;
  [[nodiscard]] bool may_use(const std::string& project_id) const;
  void end_with_window(const instant& now);
  void on_tick(const messages::tick& t);
  void restore();
  std::vector<start_stamp> read_stamps(const char* what);

  /// Everything that may go out now goes out; then sleep until something can change by itself.
  void evaluate();
  permit_decision decide(const instant& now);
  void refresh_contract(const instant& now);
  /// Counted in memory from here on, so that nobody is offered what this one may take.
  void offer(const instant& now, const std::string& project);
  messages::permit_granted granted(const instant& now, const std::string& project, const start_stamp& stamp);
  /// A permit nobody answered: if its start was committed, the lease row says so and it stays in flight. One that
  /// was never stamped was never counted.
  void drop_unanswered(const instant& now);
  std::int64_t grant_queries(const instant& now, query_line& of);
  static std::int64_t looks_again_at(const instant& now);
  void erase_expired_leases();
  void sleep_until(const instant& now, std::int64_t wake_ns);
  query_line& line(messages::query_purpose purpose) {
    return purpose == messages::query_purpose::search ? finds_ : enumerations_;
  }

  // ---- the switch that stops everything (governor_switch.cpp) ----
  std::string operation_key(const messages::caller& who) const;
  /// What a repeated operation was answered with.
  std::optional<caf::result<messages::answered>> answered_before(const messages::caller& who);
  caf::result<messages::answered> on_pause(const messages::pause_starts& order);
  using answer_handler = std::function<void(messages::result<std::string>)>;
  /// Acts first: from here on nothing starts.
  void pause(pause_row why, const messages::caller& who, answer_handler done);
  std::string pause_text() const;
  void stop_what_runs(const std::string& why, std::function<void(std::uint64_t)> done);
  void record_pause(const messages::caller& who, std::uint64_t stopped, const answer_handler& done);
  caf::result<messages::answered> on_resume(const messages::resume_starts& order);
  void resume();
  messages::journal_entry switch_entry(const std::string& kind, const std::string& user,
                                       const std::string& reason) const;
  void append_switch(messages::journal_entry entry, const messages::caller& who, std::string answer,
                     answer_handler done);
  bool pause_file_exists() const;
  void look_for_pause_file(const instant& now);

  // ---- what people are told (governor_status.cpp) ----
  void tell_outlook(const permit_decision& decision);
  std::string outlook_text(const permit_decision& decision) const;
  [[nodiscard]] std::string zone() const;
  [[nodiscard]] forecast_input what_waits(const instant& now, const conf::rules& rules) const;
  void look_ahead(const instant& now);
  messages::answered on_simulate(const messages::simulate_governor& question) const;
  messages::answered on_describe(const messages::describe_governor& who);

  handle::pointer self_;
  governor_clock_options options_;
  journal_pen<handle::pointer> pen_;
  permit_policy policy_;
  query_line finds_;
  query_line enumerations_;
  contract contract_;
  std::string window_name_ = "closed";
  bool window_changes_ = false;  ///< false: the same one is in force all week
  std::map<std::string, queue> queues_;
  std::map<std::uint64_t, unanswered_permit> unanswered_;  ///< offered, and nobody has said what became of them
  std::set<std::uint64_t> leftovers_;
  std::uint64_t last_number_ = 0;
  std::uint64_t generation_ = 0;
  bool ready_ = false;
  bool full_ = false;  ///< the disk, when it was last looked at
  breaker_policy breaker_;
  std::optional<pause_row> paused_;
  std::uint64_t pauses_ = 0;         ///< in this life
  std::set<std::string> switching_;  ///< operations that are on their way to the disk
  std::int64_t aborted_in_us_ = 0;   ///< begin of the window that has ended what ran
  struct running_retrieval {
    std::string project;
    std::int64_t since_ns = 0;
  };
  std::map<std::uint64_t, running_retrieval> running_;        ///< started by this governor, and not over
  std::int64_t mean_retrieval_us_ = 60'000'000;               ///< the latest count most
  std::map<std::string, messages::line_forecast> forecasts_;  ///< by project
  std::int64_t looked_ahead_ns_ = 0;
  std::string outlook_;  ///< why nothing starts now, in words
};

}  // namespace penstock::actors
