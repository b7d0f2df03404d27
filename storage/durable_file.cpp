#include "storage/durable_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::failure;
using messages::result;

namespace {

/// Closes at the end of its scope.
class descriptor {
 public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

failure failure_of_errno(const std::string& operation) {
  const int problem = errno;
  const bool full = problem == ENOSPC || problem == EDQUOT || problem == EFBIG;
  return fail(full ? errc::no_space : errc::io_error, operation + ": " + std::strerror(problem));
}

result<void> make_private_directory(const std::filesystem::path& directory) {
  std::error_code problem;
  const auto parent = directory.parent_path();
  std::filesystem::create_directories(parent.empty() ? "." : parent, problem);
  errno = problem.value();
  if (problem) return failure_of_errno("create " + parent.string());
  if (::mkdir(directory.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return failure_of_errno("create " + directory.string());
  struct stat found {};
  if (::stat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode))
    return fail(errc::io_error, directory.string() + " is not a directory");
  if (found.st_uid != ::geteuid())
    return fail(errc::io_error, directory.string() + " belongs to user " + std::to_string(found.st_uid) +
                                    ", and this process runs as user " + std::to_string(::geteuid()));
  if (::chmod(directory.c_str(), 0700) != 0) return failure_of_errno("make private " + directory.string());
  return {};
}

result<void> replace_file(const std::filesystem::path& file, std::string_view text) {
  const auto beside = file.string() + ".new";
  {
    const descriptor fd{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd.ok()) return failure_of_errno("create " + beside);
    if (!write_all(fd.get(), text)) return failure_of_errno("write " + beside);
    if (::fsync(fd.get()) != 0) return failure_of_errno("sync " + beside);
  }
  if (::rename(beside.c_str(), file.c_str()) != 0) return failure_of_errno("rename to " + file.string());
  return sync_directory(file.parent_path());
}

result<std::optional<std::string>> read_small_file(const std::filesystem::path& file, std::size_t limit_bytes) {
  // Non-blocking, so that a FIFO in place of the file cannot hold whoever reads it.
  const descriptor fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd.ok() && errno == ENOENT) return std::optional<std::string>{};
  struct stat status {};
  if (!fd.ok() || ::fstat(fd.get(), &status) != 0) return failure_of_errno("open " + file.string());
  if (!S_ISREG(status.st_mode)) return fail(errc::io_error, "read " + file.string() + ": not a regular file");
  std::string text(limit_bytes + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const auto got = ::read(fd.get(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure_of_errno("read " + file.string());
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled > limit_bytes) return fail(errc::too_large, "read " + file.string());
  text.resize(filled);
  return std::optional<std::string>{std::move(text)};
}

result<void> sync_file(const std::filesystem::path& file) {
  const descriptor fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!fd.ok()) return failure_of_errno("open " + file.string());
  if (::fsync(fd.get()) != 0) return failure_of_errno("sync " + file.string());
  return {};
}

result<void> exchange_names(const std::filesystem::path& one, const std::filesystem::path& other) {
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0)
    return failure_of_errno("exchange " + one.string() + " and " + other.string());
  return {};
}

result<void> sync_directory(const std::filesystem::path& directory) {
  const auto path = directory.empty() ? std::filesystem::path{"."} : directory;
  const descriptor fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd.ok()) return failure_of_errno("open " + path.string());
  if (::fsync(fd.get()) != 0) return failure_of_errno("sync " + path.string());
  return {};
}

}  // namespace penstock::storage
