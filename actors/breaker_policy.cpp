#include "actors/breaker_policy.hpp"

#include <algorithm>
#include <utility>

namespace penstock::actors {
namespace {

std::int64_t after(std::int64_t now_ns, std::chrono::nanoseconds delay) { return now_ns + delay.count(); }

/// "4,200 ms"
std::string text_of(std::chrono::milliseconds span) {
  auto digits = std::to_string(span.count());
  for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3)
    digits.insert(static_cast<std::size_t>(place), ",");
  return digits + " ms";
}

}  // namespace

breaker_state breaker_policy::state(std::int64_t now_ns, bool in_use) const {
  breaker_state answer{phase_ == phase::closed, false, never_ns, reason_};
  if (phase_ == phase::refused || (phase_ == phase::closed && !in_use)) return answer;
  answer.next_probe_at_ns = next_probe_at_ns_;
  answer.probe_due = now_ns >= next_probe_at_ns_;
  return answer;
}

void breaker_policy::probe_sent(std::int64_t now_ns) {
  if (phase_ == phase::open) phase_ = phase::half_open;
  next_probe_at_ns_ = after(now_ns, probe_patience);
}

breaker_change breaker_policy::echo_answered(std::int64_t now_ns, std::chrono::milliseconds latency) {
  if (phase_ == phase::open || phase_ == phase::refused) return breaker_change::none;
  if (latency > limits_.slowest_echo)
    return trip(now_ns, "C-ECHO took " + text_of(latency) + " (threshold " + text_of(limits_.slowest_echo) + ")");
  next_probe_at_ns_ = after(now_ns, limits_.watch);
  return close();
}

breaker_change breaker_policy::no_answer(std::int64_t now_ns, std::string_view problem) {
  return trip(now_ns, std::string{problem.empty() ? "the PACS does not answer" : problem});
}

breaker_change breaker_policy::refused_for_good(std::string_view problem) {
  const bool was_closed = phase_ == phase::closed;
  phase_ = phase::refused;
  reason_ = "tripped: " + std::string{problem} + "; an administrator must resume it";
  return was_closed ? breaker_change::tripped : breaker_change::none;
}

breaker_change breaker_policy::retrieval_failed(std::int64_t now_ns, std::string_view problem) {
  if (phase_ != phase::closed) return breaker_change::none;
  if (++failures_in_a_row_ < limits_.failures_in_a_row) return breaker_change::none;
  auto reason = "tripped: " + std::to_string(failures_in_a_row_) + " retrievals in a row failed";
  if (!problem.empty()) reason += ", the last: " + std::string{problem};
  return trip(now_ns, std::move(reason));
}

void breaker_policy::retrieval_ended_well() {
  if (phase_ != phase::closed) return;
  failures_in_a_row_ = 0;
  probe_delay_ = std::chrono::milliseconds{0};
}

breaker_change breaker_policy::resume() {
  failures_in_a_row_ = 0;
  probe_delay_ = std::chrono::milliseconds{0};
  next_probe_at_ns_ = 0;
  return close();
}

/// Between a trip and its probe nothing counts: what was in flight fails too, and says nothing new.
breaker_change breaker_policy::trip(std::int64_t now_ns, std::string reason) {
  if (phase_ == phase::open || phase_ == phase::refused) return breaker_change::none;
  const bool was_closed = phase_ == phase::closed;
  phase_ = phase::open;
  reason_ = std::move(reason);
  probe_delay_ =
      std::clamp(probe_delay_ * 2, limits_.first_probe, std::max(limits_.first_probe, limits_.longest_probe));
  next_probe_at_ns_ = after(now_ns, probe_delay_);
  return was_closed ? breaker_change::tripped : breaker_change::none;
}

breaker_change breaker_policy::close() {
  const bool was_closed = std::exchange(phase_, phase::closed) == phase::closed;
  reason_.clear();
  return was_closed ? breaker_change::none : breaker_change::returned;
}

}  // namespace penstock::actors
