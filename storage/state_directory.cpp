#include "storage/state_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/durable_file.hpp"

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::failure;
using messages::result;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t block_bytes = 512;  // of st_blocks
/// Whoever could write here before it was ours may have left a link to a file of somebody else.
constexpr int own_file = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

std::string holder_of(int lock_fd) {
  std::array<char, 32> text{};
  const auto got = ::pread(lock_fd, text.data(), text.size() - 1, 0);
  std::string pid{text.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  while (!pid.empty() && (pid.back() < '0' || pid.back() > '9')) pid.pop_back();
  return pid.empty() ? "unknown" : pid;
}

/// The descriptor that holds the lock; the lock goes with it, also when the process is killed.
result<int> take_lock(const fs::path& root) {
  const auto file = root / "lock";
  const int fd = ::open(file.c_str(), own_file, 0600);
  if (fd < 0) return failure_of_errno("open " + file.string());
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    auto problem =
        errno == EWOULDBLOCK
            ? fail(errc::held_by_another, "state directory " + root.string() + " is in use by process " + holder_of(fd))
            : failure_of_errno("lock " + file.string());
    ::close(fd);
    return problem;
  }
  const auto pid = std::to_string(::getpid()) + "\n";
  const bool told =
      ::ftruncate(fd, 0) == 0 && ::pwrite(fd, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
  // On a full disk the lock holds all the same; only who holds it is not told.
  if (!told && errno != ENOSPC && errno != EDQUOT) {
    auto problem = failure_of_errno("write " + file.string());
    ::close(fd);
    return problem;
  }
  return fd;
}

result<struct statvfs> room_at(const fs::path& directory) {
  struct statvfs room {};
  if (::statvfs(directory.c_str(), &room) != 0) return failure_of_errno("measure free space of " + directory.string());
  return room;
}

std::uint64_t bytes_free(const struct statvfs& room) { return std::uint64_t{room.f_bavail} * room.f_frsize; }

/// With fewer shards than there were, what lies in the others would be out of reach.
result<void> check_shards(const state_directory_options& options) {
  std::error_code none_yet;
  for (fs::directory_iterator shard{options.root / "shards", none_yet}, last; !none_yet && shard != last;
       shard.increment(none_yet)) {
    const auto name = shard->path().filename().string();
    std::size_t number = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (problem == std::errc{} && end == name.data() + name.size() && number >= options.shards)
      return fail(errc::bad_configuration, "state directory " + options.root.string() + " holds shard " + name +
                                               ": cache_shards must be at least " + std::to_string(number + 1));
  }
  return {};
}

fs::path ballast_of(const fs::path& root) { return root / "ballast"; }

/// What the disk must have free now: the part of the ballast that lies there already is not needed again.
std::uint64_t bytes_needed(const state_directory_options& options) {
  struct stat ballast {};
  const bool there = ::stat(ballast_of(options.root).c_str(), &ballast) == 0;
  const auto lies_there = there ? static_cast<std::uint64_t>(ballast.st_blocks) * block_bytes : 0;
  return options.free_bytes_needed + options.ballast_bytes - std::min(lies_there, options.ballast_bytes);
}

std::string count_of_room(const struct statvfs& room, std::uint64_t needed) {
  auto text = std::to_string(bytes_free(room) / mebibyte) + " MiB free, " +
              std::to_string((needed + mebibyte - 1) / mebibyte) + " MiB needed";
  if (room.f_files > 0 && room.f_favail == 0) text += ", and it takes no more files (inodes)";
  return text;
}

/// Whatever met the full disk first, an administrator is told where, how full, and what to do.
failure told_with_room(const state_directory_options& options, failure problem) {
  if (problem.code != errc::no_space) return problem;
  auto existing = options.root;
  std::error_code ignored;
  while (!fs::exists(existing, ignored) && existing.has_relative_path()) existing = existing.parent_path();
  auto room = room_at(existing.empty() ? "." : existing);
  const auto count = room ? count_of_room(*room, bytes_needed(options)) : room.error().context;
  return fail(errc::no_space, "state directory " + options.root.string() + ": " + count + " (" + problem.context +
                                  "). Make room on its file system, or move it to a larger one and name that as "
                                  "state_directory, then start again");
}

result<void> check_room(const state_directory_options& options) {
  auto room = room_at(options.root);
  if (!room) return room.error();
  if (bytes_free(*room) >= bytes_needed(options)) return {};
  return fail(errc::no_space, "its file system is full");
}

result<void> make_ballast(const state_directory_options& options) {
  const auto file = ballast_of(options.root);
  const int fd = ::open(file.c_str(), own_file, 0600);
  if (fd < 0) return failure_of_errno("open " + file.string());
  const int refused = ::posix_fallocate(fd, 0, static_cast<off_t>(options.ballast_bytes));
  ::close(fd);
  errno = refused;
  return refused == 0 ? result<void>{} : failure_of_errno("reserve " + file.string());
}

}  // namespace

std::string_view name_of(room left) {
  switch (left) {
    case room::ample:
      return "ample";
    case room::scarce:
      return "scarce";
    case room::none:
      return "read_only";
  }
  return "read_only";
}

room judge_room(std::uint64_t free_bytes, room before, std::uint64_t ballast_bytes) {
  const auto to_spare = room_to_admit_bytes + room_to_change_bytes;
  if (before == room::none) return free_bytes >= to_spare + ballast_bytes ? room::ample : room::none;
  if (free_bytes < room_to_change_bytes) return room::none;
  if (free_bytes < room_to_admit_bytes) return room::scarce;
  return before == room::scarce && free_bytes < to_spare ? room::scarce : room::ample;
}

result<state_directory> state_directory::open(const state_directory_options& options) {
  auto opened = open_rooms(options);
  if (opened) return opened;
  return told_with_room(options, opened.error());
}

result<state_directory> state_directory::open_rooms(const state_directory_options& options) {
  if (auto made = make_private_directory(options.root); !made) return made.error();
  auto lock = take_lock(options.root);
  if (!lock) return lock.error();
  state_directory directory{options, *lock};

  if (auto room = check_room(options); !room) {
    if (auto enough = directory.start_on_full_disk(); !enough) return room.error();
  }
  if (auto shards = check_shards(options); !shards) return shards.error();
  std::vector<fs::path> rooms{directory.core(), directory.keys(), options.root / "shards"};
  for (std::size_t number = 0; number < options.shards; ++number) {
    rooms.push_back(directory.shard(number));
    rooms.push_back(directory.shard_catalogue(number));
    rooms.push_back(directory.shard_packs(number));
  }
  for (const auto& room : rooms)
    if (auto made = make_private_directory(room); !made) return made.error();
  if (directory.room_ == room::ample)
    if (auto made = make_ballast(options); !made) return made.error();
  // At every start: whoever made a room may have died before this.
  std::set<fs::path> holders{options.root};
  for (const auto& room : rooms) holders.insert(room.parent_path());
  for (const auto& holder : holders)
    if (auto synced = sync_directory(holder); !synced) return synced.error();
  return directory;
}

/// A state that exists is served from, with the ballast's room for the journal.
result<void> state_directory::start_on_full_disk() {
  std::error_code none;
  if (!fs::exists(core() / "CURRENT", none)) return fail(errc::no_space, "there is nothing to serve from");
  release_ballast();
  auto left = free_bytes();
  if (!left) return left.error();
  if (*left < room_to_start_bytes) return fail(errc::no_space, "there is no room to open the journal");
  room_ = room::none;
  return {};
}

state_directory::~state_directory() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

state_directory::state_directory(state_directory&& other) noexcept
    : options_(std::move(other.options_)), lock_fd_(std::exchange(other.lock_fd_, -1)), room_(other.room_) {}

state_directory& state_directory::operator=(state_directory&& other) noexcept {
  std::swap(options_, other.options_);
  std::swap(lock_fd_, other.lock_fd_);
  std::swap(room_, other.room_);
  return *this;
}

fs::path state_directory::shard(std::size_t number) const { return root() / "shards" / std::to_string(number); }

void state_directory::release_ballast() const {
  std::error_code ignored;
  fs::remove(ballast_of(root()), ignored);
}

result<void> state_directory::restore_ballast() const { return make_ballast(options_); }

result<state_directory::identity> state_directory::who_it_is() const {
  identity found;
  const std::array paths{root(), core(), root() / "lock"};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    struct stat status {};
    if (::stat(paths[i].c_str(), &status) != 0) return failure_of_errno("look at " + paths[i].string());
    found.device_and_inode[i] = {status.st_dev, status.st_ino};
  }
  return found;
}

result<void> state_directory::is_still(const identity& known) const {
  const auto now = who_it_is();
  std::error_code none;
  const bool whole = now && *now == known && fs::exists(core() / "CURRENT", none);
  if (whole) return {};
  return fail(errc::corrupt, "state directory " + root().string() + " was removed or replaced under the server (" +
                                 (now ? core().string() + " is not what was opened" : now.error().context) + ")");
}

result<std::uint64_t> state_directory::free_bytes() const {
  auto room = room_at(root());
  if (!room) return room.error();
  return bytes_free(*room);
}

failure state_directory::with_room(failure problem) const { return told_with_room(options_, std::move(problem)); }

}  // namespace penstock::storage
