#pragma once
// Gives up everything that decoding an image does not need.

#include <sys/types.h>

namespace penstock::commands {

/// For a forked child of the process `parent`: leaves open only the two descriptors (the rest, standard streams too, is
/// closed), dies with its parent, forbids new privileges, limits memory, CPU time and file size, and lets through only
/// the system calls of computing, reading and writing; all others fail with EPERM. False when a part of it cannot be
/// had.
[[nodiscard]] bool enter_sandbox(int read_from, int write_to, pid_t parent);

}  // namespace penstock::commands
