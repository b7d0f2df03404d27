#include "tests/actors/small_world.hpp"

#include <algorithm>

namespace penstock::test {
namespace {

constexpr std::int64_t max_error_us = 40'000;

}  // namespace

std::vector<std::pair<std::string, small_world>> small_world::successors() const {
  std::vector<std::pair<std::string, small_world>> found;
  const auto add = [&](const std::string& what, auto change) {
    auto& world = found.emplace_back(what, *this).second;
    change(world);
    world.look();
  };
  for (std::size_t i = 0; i < used_; ++i) add_stages(i, add);
  if (granted_ && used_ < starts_.size()) add("reserve", [](small_world& w) { w.reserve(); });
  if (at_ + 1 < instants_ns.size()) add("tick", [](small_world& w) { ++w.at_; });
  add("kill", [](small_world& w) { w.restart(); });
  add("reboot", [](small_world& w) { w.reboot(); });
  for (const auto by : {-1, 1}) add("step the clock", [by](small_world& w) { w.offset_ = by; });
  if (offset_ != 0) add("synchronise the clock", [](small_world& w) { w.offset_ = 0; });
  return found;
}

std::array<std::uint64_t, 4> small_world::key() const {
  std::array<std::uint64_t, 4> parts{at_ << 4 | used_ << 2 | static_cast<std::uint64_t>(offset_ + 1)};
  bool aged = true;
  for (std::size_t i = 0; i < used_; ++i) {
    parts[i + 1] = key_of(i);
    aged = aged && (settled_ || !counts(starts_[i]) || starts_[i].stamp.boot_id == boot_id());
  }
  if (!aged) parts[0] |= (restored_at_ + 1) << 8;
  if (boots_ > 0) parts[0] |= 1 << 12;
  std::sort(parts.begin() + 1, parts.end());
  return parts;
}

std::string small_world::verdict() const {
  for (const auto& one : starts_) {
    if (!one.seen()) continue;
    std::size_t in_flight = 0;
    std::size_t in_a_minute = 0;
    for (const auto& other : starts_) {
      if (!other.seen() || other.arrived_ns() > one.arrived_ns()) continue;
      if (one.arrived_ns() - other.arrived_ns() < 60 * second_ns) ++in_a_minute;
      if (other.stage != stage::ended || instants_ns[other.ended_at] > one.arrived_ns()) ++in_flight;
    }
    if (limits_.per_minute && in_a_minute > *limits_.per_minute) return "too many in 60 s";
    if (in_flight > limits_.concurrent) return "too many in flight";
  }
  return "";
}

actors::instant small_world::now() const {
  const auto error_us = boots_ == 0 ? -max_error_us : max_error_us;
  const auto wall_us = epoch_us + instants_ns[at_] / 1000 + error_us + offset_ * 70'000'000;
  if (broken_.wall_clock) return {wall_us * 1000, wall_us, 0, boot_id(), false};
  return {instants_ns[at_] - instants_ns[booted_at_] + 5 * second_ns, wall_us, max_error_us, boot_id(), offset_ != 0};
}

actors::contract small_world::terms() const {
  return {limits_, epoch_us - 3'600'000'000, epoch_us + 3'600'000'000, std::chrono::seconds{30}};
}

void small_world::look() {
  for (std::size_t i = 0; i < used_; ++i) {
    auto& one = starts_[i];
    if (one.orphaned && one.stage == stage::sent) {
      policy_.arrived(i, now());
      one.quiet_at = at_;
    }
    if (one.stage == stage::persisted && is_too_late(one)) {
      policy_.waste(i);
      one.stage = stage::gone;
      one.lease_on_disk = false;
    }
  }
  granted_ = policy_.decide(now(), terms(), {{"alz", 1}}).granted();
  for (const auto permit : policy_.take_expired_leases()) starts_[permit].lease_on_disk = false;
  settled_ = settled_ || offset_ == 0;
}

bool small_world::is_too_late(const start& one) const {
  return one.stamp.boot_id != boot_id() || instants_ns[at_] - instants_ns[one.stamped_at] > second_ns;
}

template <class Add>
void small_world::add_stages(std::size_t i, const Add& add) const {
  const auto& one = starts_[i];
  const auto named = [i](const char* what) { return what + std::string{" "} + std::to_string(i + 1); };
  const bool may_send = one.stage == (broken_.send_before_sync ? stage::reserved : stage::persisted);
  if (one.stage == stage::reserved && !broken_.send_before_sync)
    add(named("sync"), [i](small_world& w) {
      w.persist(i);
      w.starts_[i].stage = stage::persisted;
    });
  if (one.stage == stage::reserved)
    add(named("withdraw"), [i](small_world& w) {
      w.policy_.withdraw(i);
      w.starts_[i] = {};
      w.starts_[i].stage = stage::gone;
    });
  if (may_send && !is_too_late(one))
    for (const bool slow : {false, true})
      add(named(slow ? "send slowly" : "send"), [i, slow](small_world& w) { w.send(i, slow); });
  if (broken_.send_before_sync && one.stage == stage::sent && !one.stamp_on_disk && !one.orphaned)
    add(named("sync"), [i](small_world& w) { w.persist(i); });
  if (one.stage == stage::sent && instants_ns[at_] >= one.arrived_ns())
    add(named("end"), [i](small_world& w) { w.end(i); });
}

bool small_world::counts(const start& one) const {
  return limits_.per_minute && (one.in_log || one.stamp_on_disk || one.seen()) &&
         instants_ns[at_] - instants_ns[one.stamped_at] < 63 * second_ns;
}

std::uint64_t small_world::key_of(std::size_t i) const {
  const auto& one = starts_[i];
  const bool is_ready = one.stage == stage::reserved || one.stage == stage::persisted;
  const bool flies = one.stage == stage::sent && limits_.concurrent < starts_.size();
  const bool is_leased = policy_.is_in_flight(i) && limits_.concurrent < starts_.size();
  std::uint64_t key = 1;
  const auto put = [&](bool matters, std::uint64_t value, unsigned bits) { key = key << bits | (matters ? value : 0); };
  put(true, one.stage == stage::ended ? 0 : static_cast<std::uint64_t>(one.stage), 3);
  put(true, counts(one) ? 1 : 0, 1);
  put(is_ready || counts(one), one.stamped_at, 3);
  put(counts(one), static_cast<std::uint64_t>(one.stamped_offset + 1), 2);
  // A stamp of an earlier boot is aged by less than the errors of the clocks, but not to later than it was read.
  const bool same_boot = one.stamp.boot_id == boot_id();
  put(is_ready || counts(one), same_boot ? 1 : 0, 1);
  put(!same_boot && counts(one), restored_at_ == one.stamped_at ? 1 : 0, 1);
  put(!same_boot && counts(one), one.stamp.boot_id == "0" ? 1 : 0, 1);
  put(counts(one), one.in_log ? 1 : 0, 1);
  put(counts(one) || broken_.send_before_sync, one.stamp_on_disk ? 1 : 0, 1);
  put(counts(one) && one.seen(), one.sent_at * 2 + (one.slow ? 2 : 1), 4);
  put(flies, one.sent_at == at_ && one.slow ? 2 : 1, 2);
  put(true, is_leased ? 1 : 0, 1);
  put(flies || is_leased, one.orphaned ? 1 : 0, 1);
  put(is_leased && one.orphaned, one.quiet_at, 3);
  put(flies || is_leased || is_ready, one.lease_on_disk ? 1 : 0, 1);
  return key;
}

void small_world::reserve() {
  auto& one = starts_[used_];
  one.stamp = policy_.reserve(now(), used_, "alz");
  one.stage = stage::reserved;
  one.stamped_at = at_;
  one.stamped_offset = offset_;
  one.in_log = true;
  ++used_;
}

void small_world::send(std::size_t i, bool slow) {
  starts_[i].stage = stage::sent;
  starts_[i].sent_at = at_;
  starts_[i].slow = slow;
}

void small_world::end(std::size_t i) {
  auto& one = starts_[i];
  one.stage = stage::ended;
  one.ended_at = at_;
  if (one.orphaned) return;
  policy_.retrieval_ended(i);
  one.lease_on_disk = false;
}

void small_world::reboot() {
  ++boots_;
  booted_at_ = at_;
  restart();
}

void small_world::restart() {
  restored_at_ = at_;
  settled_ = false;
  policy_ = {};
  std::vector<actors::start_stamp> stamps;
  std::vector<actors::lease> leases;
  for (std::size_t i = 0; i < used_; ++i) {
    auto& one = starts_[i];
    if (one.stage == stage::reserved || one.stage == stage::persisted) one.stage = stage::gone;
    one.orphaned = true;
    one.quiet_at = at_;
    one.in_log = one.stamp_on_disk && !broken_.volatile_log;
    if (one.in_log) stamps.push_back(one.stamp);
    if (one.lease_on_disk && !broken_.forget_orphans) leases.push_back({i, "alz"});
  }
  policy_.restore(std::move(stamps), leases, now());
}

}  // namespace penstock::test
