#pragma once
// The real permit_policy in a world so small that everything that can happen there can be tried: three starts, six
// instants, a PACS, a disk; and at every point, between any two stages of a start, a crash, a reboot or a step of the
// clock. A state is a value: to go on in another way, copy it.

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "actors/permit_policy.hpp"

namespace penstock::test {

/// How a server may use the policy wrongly.
struct small_flaws {
  bool send_before_sync = false;
  bool volatile_log = false;    ///< stamps live in memory only
  bool wall_clock = false;      ///< in the place of CLOCK_BOOTTIME
  bool forget_orphans = false;  ///< what a crash left in flight is not counted
};

class small_world {
 public:
  small_world(const conf::window_limits& limits, small_flaws broken) : limits_(limits), broken_(broken) { look(); }

  /// Everything that may happen next, each with the world after it.
  [[nodiscard]] std::vector<std::pair<std::string, small_world>> successors() const;

  /// Two worlds with the same key have the same future. What no longer matters is left out: which start is which, what
  /// is too old to count, and whatever only a limit that is not set would ask for.
  [[nodiscard]] std::array<std::uint64_t, 4> key() const;

  /// "" when the PACS saw nothing that breaks the contract, else what.
  [[nodiscard]] std::string verdict() const;

 private:
  static constexpr std::int64_t second_ns = 1'000'000'000;
  static constexpr std::int64_t epoch_us = 1'800'000'000'000'000;
  /// Where it matters for a start at 0: the last moment of its send, its lease's end, and when its minute is over.
  static constexpr std::array<std::int64_t, 6> instants_ns{
      0, second_ns, 31 * second_ns, 61 * second_ns + second_ns / 5, 61 * second_ns + second_ns / 4, 92 * second_ns};

  enum class stage : std::uint8_t { none, reserved, persisted, sent, ended, gone };
  struct start {
    small_world::stage stage = small_world::stage::none;
    actors::start_stamp stamp;
    std::size_t stamped_at = 0;  ///< instants
    std::size_t sent_at = 0;
    std::size_t ended_at = 0;
    std::size_t quiet_at = 0;
    int stamped_offset = 0;
    bool slow = false;  ///< the network takes as long as it may
    bool stamp_on_disk = false;
    bool lease_on_disk = false;
    bool in_log = false;
    bool orphaned = false;

    [[nodiscard]] bool seen() const { return stage == small_world::stage::sent || stage == small_world::stage::ended; }
    [[nodiscard]] std::int64_t arrived_ns() const { return instants_ns[sent_at] + (slow ? second_ns / 4 - 1 : 0); }
  };

  [[nodiscard]] std::string boot_id() const { return broken_.wall_clock ? "any" : std::to_string(boots_); }

  /// A boot's clock begins at 5 s. The wall clock is as wrong as it may be, the other way after a reboot; one that was
  /// stepped is 70 s wrong.
  [[nodiscard]] actors::instant now() const;
  [[nodiscard]] actors::contract terms() const;

  /// What a server does all the time: listens to what arrives, lets quiet leases end, and asks.
  void look();

  [[nodiscard]] bool is_too_late(const start& one) const;
  template <class Add>
  void add_stages(std::size_t i, const Add& add) const;

  /// Its stamp or its arrival may still count in a minute.
  [[nodiscard]] bool counts(const start& one) const;
  [[nodiscard]] std::uint64_t key_of(std::size_t i) const;

  void reserve();
  void persist(std::size_t i) { starts_[i].stamp_on_disk = starts_[i].lease_on_disk = true; }
  void send(std::size_t i, bool slow);
  void end(std::size_t i);

  void reboot();
  void restart();

  conf::window_limits limits_;
  small_flaws broken_;
  actors::permit_policy policy_;
  std::array<start, 3> starts_;
  std::size_t used_ = 0;
  std::size_t at_ = 0;
  std::size_t booted_at_ = 0;
  std::size_t restored_at_ = 0;
  int boots_ = 0;
  int offset_ = 0;        ///< of the wall clock, in steps
  bool settled_ = false;  ///< the log has been aged by a clock that is not in doubt
  bool granted_ = false;  ///< the policy would allow a start now
};

}  // namespace penstock::test
