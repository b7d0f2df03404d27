#include "storage/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace penstock::storage {
namespace {

using messages::errc;
using messages::fail;
using messages::failure;
using messages::result;

constexpr mode_t owner_only = 0600;
/// Linux moves at most 2 GiB in one call; smaller pieces keep a stuck disk interruptible.
constexpr std::size_t longest_transfer = std::size_t{64} << 20;

errc code_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return errc::no_space;
    case EFBIG:
      return errc::too_large;
    case ENOENT:
      return errc::not_found;
    case EEXIST:
      return errc::conflict;
    default:
      return errc::io_error;
  }
}

failure system_failure(std::string operation, const std::string& name) {
  const int error = errno;
  return fail(code_of(error), std::move(operation) + " " + name + ": " + std::strerror(error));
}

class posix_file final : public file {
 public:
  posix_file(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  ~posix_file() override { ::close(descriptor_); }

  result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const auto piece = std::min(into.size() - done, longest_transfer);
      const auto count = ::pread(descriptor_, into.data() + done, piece, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return system_failure("read", name_);
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto piece = std::min(bytes.size() - done, longest_transfer);
      const auto count = ::pwrite(descriptor_, bytes.data() + done, piece, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return system_failure("write", name_);
      done += static_cast<std::size_t>(count);
    }
    return {};
  }

  result<std::uint64_t> size() override {
    struct stat facts {};
    if (::fstat(descriptor_, &facts) != 0) return system_failure("stat", name_);
    return static_cast<std::uint64_t>(facts.st_size);
  }

  result<void> truncate(std::uint64_t bytes) override {
    if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) return system_failure("truncate", name_);
    return {};
  }

  result<void> sync() override {
    if (::fdatasync(descriptor_) != 0) return system_failure("sync", name_);
    return {};
  }

  int descriptor() const override { return descriptor_; }

 private:
  int descriptor_;
  std::string name_;
};

class posix_file_system final : public file_system {
 public:
  result<std::unique_ptr<file>> open_for_reading(const std::string& path) override {
    return opened(path, O_RDONLY, "open");
  }

  result<std::unique_ptr<file>> create(const std::string& path) override {
    return opened(path, O_RDWR | O_CREAT | O_EXCL, "create");
  }

  result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_failure("rename", from);
    return {};
  }

  result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return system_failure("remove", path);
    return {};
  }

  result<void> sync_directory(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return system_failure("open directory", path);
    const posix_file directory{descriptor, path};
    if (::fsync(descriptor) != 0) return system_failure("sync directory", path);
    return {};
  }

 private:
  static result<std::unique_ptr<file>> opened(const std::string& path, int flags, std::string operation) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, owner_only);
    if (descriptor < 0) return system_failure(std::move(operation), path);
    return std::unique_ptr<file>{std::make_unique<posix_file>(descriptor, path)};
  }
};

}  // namespace

file_system& posix_files() {
  static posix_file_system instance;
  return instance;
}

std::unique_ptr<file> adopt_descriptor(int descriptor, std::string name) {
  return std::make_unique<posix_file>(descriptor, std::move(name));
}

}  // namespace penstock::storage
