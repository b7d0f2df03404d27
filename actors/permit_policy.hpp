#pragma once
// When a retrieval may start at one PACS, and for which project. Pure: the caller brings the clocks, the rules and what
// waits, persists the stamps and leases that come out, and brings them back after a restart.
//
// The order of a start: decide -> reserve -> the stamp and the lease are committed -> sent within `send_deadline` of
// the stamp, or not at all. A crash in between wastes a start and never adds one.
//
// What holds at the PACS, for every history of restarts, reboots, clock steps and new rules: never more than N sends in
// any window W, never more than C in flight, never a send while no window is open
// (tests/actors/permit_history_test.cpp: at random; permit_exploration_test.cpp: all that can happen, in the small).

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/fair_round.hpp"
#include "actors/sliding_log.hpp"
#include "conf/rules.hpp"
#include "messages/fields.hpp"

namespace penstock::actors {

inline constexpr std::chrono::seconds minute_window{60};
inline constexpr std::chrono::seconds hour_window{3'600};
inline constexpr std::chrono::seconds day_window{86'400};

/// The window in force, as conf::stretch_at gives it. The caller keeps it until `ends_us` is reached or the rules
/// change.
struct contract {
  std::optional<conf::window_limits> limits;  ///< nothing = closed
  std::int64_t begins_us = 0;                 ///< UTC
  std::int64_t ends_us = 0;                   ///< UTC, exclusive
  std::chrono::milliseconds lease_quiet{30'000};
};

/// A retrieval in flight, or possibly so.
struct lease {
  std::uint64_t permit = 0;
  std::string project;
  PENSTOCK_FIELDS(permit, project);
};

enum class wait_reason : std::uint8_t {
  none,  ///< granted
  nothing_waiting,
  pacs_paused,          ///< until somebody resumes it
  clock_in_doubt,       ///< until the wall clock is trusted again
  window_closed,        ///< also shortly before and after a change of windows, where a send could fall on either side
  concurrency_reached,  ///< until a retrieval ends
  slow_start,           ///< the same, with the lower number of a PACS that has just come back
  minute_rate_reached,
  hour_rate_reached,
  day_rate_reached
};
[[nodiscard]] std::string_view name_of(wait_reason reason);

/// Either a grant for `project`, or why not and when to ask again (sooner when something ends or changes).
struct permit_decision {
  std::string project;  ///< empty = wait
  wait_reason reason = wait_reason::none;
  std::uint32_t limit = 0;  ///< the N or C that is reached
  /// When it may be otherwise; 0 = only an event can change it. Asking earlier is harmless.
  std::int64_t not_before_boottime_ns = 0;
  std::int64_t not_before_us = 0;  ///< the same on the wall clock, for people

  [[nodiscard]] bool granted() const { return !project.empty(); }
};

class permit_policy {
 public:
  /// May one more retrieval start now, and for whom? Changes no count: the same question has the same answer until
  /// `reserve`. Leases that a crash left behind end here when they have been quiet for long enough.
  [[nodiscard]] permit_decision decide(const instant& now, const contract& in_force,
                                       const std::vector<waiting_project>& waiting);

  /// Takes the decision: counts the start and the retrieval, and gives the stamp to persist. `permit` is a number never
  /// used before at this PACS. The project's turn is spent.
  [[nodiscard]] start_stamp reserve(const instant& now, std::uint64_t permit, const std::string& project);

  /// A start that was reserved and not persisted, as of now: its send comes only now. Without a stamp it is not allowed
  /// any more, is withdrawn, and `decision` says why. It costs no second turn.
  struct renewal {
    std::optional<start_stamp> stamp;
    permit_decision decision;
  };
  [[nodiscard]] renewal renew(const instant& now, const contract& in_force, std::uint64_t permit);

  /// The stamp was not persisted and nothing was sent: as if it had never been.
  void withdraw(std::uint64_t permit);
  /// The stamp was persisted, but the send did not happen in time: no longer in flight, and the start stays counted.
  void waste(std::uint64_t permit) { leases_.erase(permit); }
  /// The retrieval is over, and nothing more arrives from it. `well` = the PACS did what was asked.
  void retrieval_ended(std::uint64_t permit, bool well = true);
  /// Whoever ran it is gone: it counts as in flight until nothing has arrived for `lease_quiet`.
  void orphan(std::uint64_t permit, const instant& now);
  /// Something arrived, or the PACS responded, for a lease that a crash left behind.
  void arrived(std::uint64_t permit, const instant& now);

  /// After a (re)start, before anything else. The leases count as in flight until nothing has arrived for
  /// `lease_quiet`.
  void restore(std::vector<start_stamp> stamps, const std::vector<lease>& leases, const instant& now);
  /// Stamps and leases are lost: every rate that has a limit counts as reached from now, and so does the number in
  /// flight for as long as `lease_quiet`.
  void assume_full(const instant& now) {
    log_.assume_full(now);
    unknown_flights_since_ns_ = now.boottime_ns;
  }

  /// Nothing starts until `resume`, whoever paused it. `why` is for people.
  void pause(std::string why) { paused_ = std::move(why); }
  void resume();
  /// The PACS has come back from a pause or a failure, and is not met with a burst: one retrieval in flight, then twice
  /// as many each time that so many, started since, have ended well; up to what the window allows. Lost at a restart.
  void begin_slow_start();
  [[nodiscard]] bool paused() const { return paused_.has_value(); }
  [[nodiscard]] std::string pause_reason() const { return paused_.value_or(""); }

  [[nodiscard]] std::size_t in_flight() const { return leases_.size(); }
  [[nodiscard]] bool is_in_flight(std::uint64_t permit) const { return leases_.contains(permit); }
  [[nodiscard]] std::size_t started(const instant& now, std::chrono::seconds window) { return log_.count(now, window); }
  /// Permits of orphaned leases that `decide` ended since the last call: their rows may be erased.
  [[nodiscard]] std::vector<std::uint64_t> take_expired_leases() { return std::exchange(expired_, {}); }
  /// Numbers of stamps too old to count: their rows may be erased.
  [[nodiscard]] std::vector<std::uint64_t> prune(const instant& now) { return log_.prune(now, day_window); }

 private:
  struct flight {
    std::string project;
    std::optional<std::int64_t> quiet_since_ns;  ///< set for a lease that a crash left behind
    bool before_slow_start = false;              ///< says nothing of how the PACS is since it came back
  };

  static constexpr std::uint32_t no_slow_start = std::numeric_limits<std::uint32_t>::max();

  [[nodiscard]] std::optional<permit_decision> check(const instant& now, const contract& in_force);
  [[nodiscard]] std::optional<permit_decision> check_flights(const instant& now, const contract& in_force) const;
  [[nodiscard]] std::optional<permit_decision> check_rates(const instant& now, const conf::window_limits& limits);
  void end_quiet_leases(const instant& now, const contract& in_force);

  sliding_log log_;
  fair_round round_;
  std::map<std::uint64_t, flight> leases_;
  std::optional<std::int64_t> unknown_flights_since_ns_;
  std::vector<std::uint64_t> expired_;
  std::optional<std::string> paused_;
  std::uint32_t slow_start_limit_ = no_slow_start;  ///< in flight
  std::uint32_t ended_well_ = 0;                    ///< under that limit
};

/// `find_per_minute` or `enumerate_per_minute` of one PACS.
class query_policy {
 public:
  /// 0 = queries may go out now, else the instant of CLOCK_BOOTTIME at which they may, as far as is known.
  /// For so many at once, at most `per_minute`.
  [[nodiscard]] std::int64_t not_before(const instant& now, std::uint32_t per_minute, std::uint32_t queries = 1);
  [[nodiscard]] start_stamp reserve(const instant& now, std::uint64_t number) { return log_.add(number, now); }
  void withdraw(std::uint64_t number) { log_.withdraw(number); }
  void restore(std::vector<start_stamp> stamps, const instant& now) { log_.restore(std::move(stamps), now); }
  void assume_full(const instant& now) { log_.assume_full(now); }
  /// Numbers of stamps older than any minute that counts: their rows may be erased.
  [[nodiscard]] std::vector<std::uint64_t> prune(const instant& now) { return log_.prune(now, minute_window); }

 private:
  sliding_log log_;
};

}  // namespace penstock::actors
