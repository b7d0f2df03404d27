#pragma once
// What the child gives up before it hears the first byte of a peer.

#include <cstdint>

namespace penstock::dimse {

struct sandbox_limits {
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;
  std::uint64_t cpu_s = 600;
  /// Of any file that it writes; a pack over it fails with errc::too_large.
  std::uint64_t file_bytes = 0;
  std::uint64_t descriptors = 64;
  /// An outbound job must still make its connection.
  bool may_connect = false;
};

/// Dies with its parent, gains no privileges, dumps no core, keeps to the limits, and from now on starts no program or
/// process, opens nothing for writing and changes no name in a file system (seccomp). False when one of these could not
/// be had; the child must not go on then.
[[nodiscard]] bool enter_sandbox(const sandbox_limits& limits);

/// Closes what was inherited beyond `keep` descriptors and ignores the signals that report a failed write.
void drop_inheritance(unsigned keep);

}  // namespace penstock::dimse
