#pragma once
// When a PACS is left alone because it does not answer, answers slowly, fails or refuses us, and when it is asked
// again. Pure: the caller tells what happened and when (CLOCK_BOOTTIME), and does what `state` says.
//
// Closed: retrievals may start. Open: none starts, so no attempt is burnt, until a probe (one C-ECHO) is answered in
// time. Half open: that probe is on its way. What only a person can mend opens it without probes, until `resume`.
//
// Nothing is persisted. After a restart it is closed; a trip that waits for an administrator is told again with
// `refused_for_good`.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "actors/sliding_log.hpp"
#include "conf/rules.hpp"

namespace penstock::actors {

/// A probe without a result for so long is forgotten, and the next is due.
inline constexpr std::chrono::seconds probe_patience{120};

using conf::breaker_limits;

/// What a fact has changed, for whoever tells people and begins the slow start.
enum class breaker_change : std::uint8_t { none, tripped, returned };

struct breaker_state {
  bool may_start = true;
  bool probe_due = false;                    ///< send a C-ECHO now, and say so with `probe_sent`
  std::int64_t next_probe_at_ns = never_ns;  ///< `never_ns` when open: only an administrator can close it
  std::string reason;                        ///< in words, why nothing starts; empty when closed
};

class breaker_policy {
 public:
  /// By the rules; what has tripped already keeps the time of its next probe.
  void set_limits(const breaker_limits& limits) { limits_ = limits; }

  /// `in_use`: retrievals wait or run there. A PACS that is closed and not in use is not probed.
  [[nodiscard]] breaker_state state(std::int64_t now_ns, bool in_use) const;

  void probe_sent(std::int64_t now_ns);
  /// A C-ECHO was answered with success. One that was sent before the trip says nothing and is not believed.
  [[nodiscard]] breaker_change echo_answered(std::int64_t now_ns, std::chrono::milliseconds latency);
  /// No connection, no association or no answer: of a probe or of any other attempt.
  [[nodiscard]] breaker_change no_answer(std::int64_t now_ns, std::string_view problem);
  /// Every attempt would end the same way until a person has mended it. `problem` as in "the PACS does not know our
  /// move destination PENSTOCK (0xA801)".
  [[nodiscard]] breaker_change refused_for_good(std::string_view problem);
  /// A retrieval failed for what is not the fault of its study.
  [[nodiscard]] breaker_change retrieval_failed(std::int64_t now_ns, std::string_view problem);
  void retrieval_ended_well();
  /// By an administrator.
  [[nodiscard]] breaker_change resume();

 private:
  enum class phase : std::uint8_t { closed, open, half_open, refused };

  breaker_change trip(std::int64_t now_ns, std::string reason);
  breaker_change close();

  phase phase_ = phase::closed;
  std::string reason_;
  std::int64_t next_probe_at_ns_ = 0;
  /// Of the next trip. Neither this nor the failures are forgotten before a retrieval has ended well: a PACS that
  /// answers C-ECHO and fails everything else is tried once each time, more and more rarely.
  std::chrono::milliseconds probe_delay_{0};  ///< 0: the first
  breaker_limits limits_;
  std::uint32_t failures_in_a_row_ = 0;
};

}  // namespace penstock::actors
