#pragma once
// The mapped file that fault_shim.cpp shares with disk.py: what to do to the program, how often each call was made, and
// a log of what the file system was told. It outlives the program, however that ends. disk.py knows this layout too.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace penstock::crash {

enum class call : std::uint32_t { open, write, sync, rename, unlink, link, truncate, mkdir, rmdir, send, count };

/// What a path below the state directory is for.
enum class file_class : std::uint32_t {
  none,
  core_wal,
  core_manifest,
  core_current,
  core_table,
  fence,
  incoming_pack,
  settled_pack,
  catalogue_wal,
  catalogue_other,
  directory,
  core_other,
  other,
  child,
  count
};

inline constexpr std::size_t calls = static_cast<std::size_t>(call::count);
inline constexpr std::size_t classes = static_cast<std::size_t>(file_class::count);
inline constexpr std::uint64_t magic = 0x314d494853534e50;
inline constexpr std::size_t log_offset = 8192;

/// Death at a named point: before or after the nth call on a class.
struct crash_point {
  std::atomic<std::uint32_t> armed;  ///< 0: not, 1: before the call, 2: after it
  std::uint32_t which;
  std::uint32_t of;
  std::uint32_t reserved;
  std::uint64_t nth;
  std::atomic<std::uint64_t> seen;
};

/// The nth call of a set fails with this error and does nothing.
struct failing_call {
  std::atomic<std::uint32_t> error;  ///< 0: none
  std::uint32_t which;               ///< bit set of `call`
  std::uint64_t nth;
  std::atomic<std::uint64_t> seen;
};

struct shared_memory {
  std::uint64_t magic;
  std::uint64_t bytes;                ///< of the whole mapping
  std::atomic<std::uint64_t> tail;    ///< end of the log, counted from log_offset; moved when an entry is whole
  std::atomic<std::uint64_t> faults;  ///< points and failing calls that took effect
  crash_point point;
  failing_call failure;
  std::array<std::array<std::atomic<std::uint64_t>, classes>, calls> made;
  std::atomic<std::uint64_t> failed;  ///< what failed last: call * 256 + class
};
static_assert(sizeof(shared_memory) <= log_offset);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

enum class record : std::uint32_t {
  synced = 1,   ///< inode, a = bytes it had, b = log position when the sync began
  overwritten,  ///< inode, a = offset, data = what was there
  shortened,    ///< inode, a = bytes left, data = what was cut off
  made,         ///< inode of the directory, a = inode, b = 1 for a directory, name
  gone,         ///< the same
  renamed,      ///< inode of the directory, a = inode, b = inode of the other directory, name NUL name
  exchanged     ///< inode of the directory, a = inode, b = inode of the other directory, name NUL name
};

/// Followed by the names and the data, padded to 8 bytes.
struct record_header {
  std::uint32_t bytes;  ///< with all that follows
  record what;
  std::uint64_t inode;
  std::uint64_t a;
  std::uint64_t b;
  std::uint32_t name_bytes;
  std::uint32_t data_bytes;
};
static_assert(sizeof(record_header) == 40);

}  // namespace penstock::crash
