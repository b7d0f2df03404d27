#include "tools/client/local_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;

constexpr mode_t private_file = 0600;
constexpr mode_t private_directory = 0700;

/// EFBIG: a file system, or a limit of the session, that takes no file so large.
bool is_full(int reason) { return reason == ENOSPC || reason == EDQUOT || reason == EFBIG; }

messages::failure system_failure(std::string_view operation, const std::filesystem::path& path) {
  const int reason = errno;
  auto code = is_full(reason) ? errc::no_space : errc::io_error;
  if (reason == ENOENT) code = errc::not_found;
  return fail(code, std::string{operation} + " " + path.string() + ": " + std::strerror(reason));
}

messages::failure system_failure(std::string_view operation) {
  const int reason = errno;
  const auto code = is_full(reason) ? errc::no_space : errc::io_error;
  return fail(code, std::string{operation} + ": " + std::strerror(reason));
}

}  // namespace

file_descriptor::~file_descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

result<file_descriptor> open_for_writing(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, private_file);
  if (fd < 0) return system_failure("write", path);
  return file_descriptor{fd};
}

result<file_descriptor> open_for_reading(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_failure("read", path);
  return file_descriptor{fd};
}

result<void> write_at(const file_descriptor& file, std::span<const std::uint8_t> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_failure("write file");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

result<void> read_at(const file_descriptor& file, std::span<std::uint8_t> into, std::uint64_t offset) {
  while (!into.empty()) {
    const auto got = ::pread(file.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure("read file");
    if (got == 0) return fail(errc::corrupt, "read file: it ends too early");
    into = into.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

result<std::uint64_t> size_of(const file_descriptor& file) {
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return system_failure("examine file");
  return static_cast<std::uint64_t>(about.st_size);
}

result<void> truncate(const file_descriptor& file, std::uint64_t bytes) {
  if (::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return system_failure("shorten file");
  return {};
}

result<void> sync(const file_descriptor& file) {
  if (::fsync(file.get()) != 0) return system_failure("sync file");
  return {};
}

result<void> sync_directory(const std::filesystem::path& directory) {
  const file_descriptor opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened.is_open() || ::fsync(opened.get()) != 0) return system_failure("sync directory", directory);
  return {};
}

result<file_descriptor> lock_directory(const std::filesystem::path& directory) {
  file_descriptor opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened.is_open()) return system_failure("open", directory);
  if (::flock(opened.get(), LOCK_EX | LOCK_NB) == 0) return opened;
  if (errno == EWOULDBLOCK) return fail(errc::held_by_another, "another penstock is at work in " + directory.string());
  return system_failure("lock", directory);
}

result<free_space> space_at(const std::filesystem::path& directory) {
  struct statvfs about {};
  if (::statvfs(directory.c_str(), &about) != 0) return system_failure("examine", directory);
  return free_space{std::uint64_t{about.f_bavail} * about.f_frsize, about.f_frsize};
}

result<std::string> read_small_file(const std::filesystem::path& path, std::size_t limit_bytes) {
  auto file = open_for_reading(path);
  if (!file) return file.error();
  std::string content;
  char part[16384];
  for (;;) {
    const auto got = ::read(file->get(), part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure("read", path);
    if (got == 0) return content;
    content.append(part, static_cast<std::size_t>(got));
    if (content.size() > limit_bytes)
      return fail(errc::too_large, "read " + path.string() + ": over " + std::to_string(limit_bytes) + " bytes");
  }
}

result<void> replace_file(const std::filesystem::path& path, std::string_view content) {
  auto temporary = path;
  temporary += ".new";
  {
    auto file = open_for_writing(temporary);
    if (!file) return file.error();
    const std::span bytes{reinterpret_cast<const std::uint8_t*>(content.data()), content.size()};
    if (auto done = truncate(*file, 0); !done) return done.error();
    if (auto done = write_at(*file, bytes, 0); !done) return done.error();
    if (auto done = sync(*file); !done) return done.error();
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_failure("rename", temporary);
  return sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

result<void> make_private_directory(const std::filesystem::path& directory) {
  if (directory.empty() || std::filesystem::is_directory(directory)) return {};
  if (auto parent = make_private_directory(directory.parent_path()); !parent) return parent;
  if (::mkdir(directory.c_str(), private_directory) != 0 && errno != EEXIST)
    return system_failure("create directory", directory);
  return {};
}

}  // namespace penstock::client
