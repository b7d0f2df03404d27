#include "storage/state_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/durable_file.hpp"

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::result;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

result<void> make_private(const fs::path& directory) {
  std::error_code problem;
  fs::create_directories(directory.parent_path().empty() ? "." : directory.parent_path(), problem);
  if (problem) return fail(errc::io_error, "create " + directory.parent_path().string() + ": " + problem.message());
  if (::mkdir(directory.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return failure_of_errno("create " + directory.string());
  if (!fs::is_directory(directory, problem)) return fail(errc::io_error, directory.string() + " is not a directory");
  if (::chmod(directory.c_str(), 0700) != 0) return failure_of_errno("make private " + directory.string());
  return {};
}

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
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
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
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    auto problem = failure_of_errno("write " + file.string());
    ::close(fd);
    return problem;
  }
  return fd;
}

result<std::uint64_t> bytes_free_at(const fs::path& root) {
  struct statvfs room {};
  if (::statvfs(root.c_str(), &room) != 0) return failure_of_errno("measure free space of " + root.string());
  return std::uint64_t{room.f_bavail} * room.f_frsize;
}

fs::path ballast_of(const fs::path& root) { return root / "ballast"; }

result<void> check_room(const state_directory_options& options) {
  auto available = bytes_free_at(options.root);
  if (!available) return available.error();
  std::error_code ignored;
  const bool has_ballast = fs::exists(ballast_of(options.root), ignored);
  const auto needed = options.free_bytes_needed + (has_ballast ? 0 : options.ballast_bytes);
  if (*available >= needed) return {};
  return fail(errc::no_space, "state directory " + options.root.string() + ": " +
                                  std::to_string(*available / mebibyte) + " MiB free, " +
                                  std::to_string((needed + mebibyte - 1) / mebibyte) + " MiB needed");
}

result<void> make_ballast(const state_directory_options& options) {
  const auto file = ballast_of(options.root);
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return failure_of_errno("open " + file.string());
  const int refused = ::posix_fallocate(fd, 0, static_cast<off_t>(options.ballast_bytes));
  ::close(fd);
  errno = refused;
  return refused == 0 ? result<void>{} : failure_of_errno("reserve " + file.string());
}

}  // namespace

result<state_directory> state_directory::open(const state_directory_options& options) {
  if (auto made = make_private(options.root); !made) return made.error();
  auto lock = take_lock(options.root);
  if (!lock) return lock.error();
  state_directory directory{options.root, *lock};

  if (auto room = check_room(options); !room) return room.error();
  std::vector<fs::path> rooms{directory.core(), directory.keys(), options.root / "shards"};
  for (std::size_t number = 0; number < options.shards; ++number) {
    rooms.push_back(directory.shard(number));
    rooms.push_back(directory.shard_catalogue(number));
    rooms.push_back(directory.shard_packs(number));
  }
  for (const auto& room : rooms)
    if (auto made = make_private(room); !made) return made.error();
  if (auto made = make_ballast(options); !made) return made.error();
  if (auto synced = sync_directory(options.root); !synced) return synced.error();
  return directory;
}

state_directory::~state_directory() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

state_directory::state_directory(state_directory&& other) noexcept
    : root_(std::move(other.root_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

state_directory& state_directory::operator=(state_directory&& other) noexcept {
  std::swap(root_, other.root_);
  std::swap(lock_fd_, other.lock_fd_);
  return *this;
}

fs::path state_directory::shard(std::size_t number) const { return root_ / "shards" / std::to_string(number); }

void state_directory::release_ballast() {
  std::error_code ignored;
  fs::remove(ballast_of(root_), ignored);
}

result<std::uint64_t> state_directory::free_bytes() const { return bytes_free_at(root_); }

}  // namespace penstock::storage
