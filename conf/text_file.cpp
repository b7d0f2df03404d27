#include "conf/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace penstock::conf {
namespace {

struct descriptor {
  int fd = -1;
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::string error_text() { return std::system_category().message(errno); }

std::string too_long(std::size_t most_bytes) { return "longer than " + std::to_string(most_bytes) + " bytes"; }

/// Non-blocking, so that a FIFO in place of the file cannot hold the server.
std::optional<std::string> read_all(const std::filesystem::path& file, std::size_t most_bytes, std::string& problem) {
  const descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (opened.fd < 0 || ::fstat(opened.fd, &status) != 0) return problem = error_text(), std::nullopt;
  if (!S_ISREG(status.st_mode)) return problem = "not a regular file", std::nullopt;
  if (static_cast<std::uintmax_t>(status.st_size) > most_bytes) return problem = too_long(most_bytes), std::nullopt;
  // One byte more than the file is said to have, to see its end; it may still grow.
  std::string text(static_cast<std::size_t>(status.st_size) + 1, '\0');
  std::size_t size = 0;
  while (size <= most_bytes) {
    if (size == text.size()) text.resize(std::min(2 * size, most_bytes + 1));
    const auto got = ::read(opened.fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return problem = error_text(), std::nullopt;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > most_bytes) return problem = too_long(most_bytes), std::nullopt;
  text.resize(size);
  return text;
}

}  // namespace

std::optional<std::string> read_text_file(const std::filesystem::path& file, std::size_t most_bytes,
                                          std::vector<fault>& faults) {
  std::string problem;
  auto text = read_all(file, most_bytes, problem);
  if (!text) faults.push_back({file.string(), 0, 0, "cannot be read: " + problem});
  return text;
}

std::filesystem::path beside(const std::filesystem::path& file, const std::filesystem::path& path) {
  return path.is_absolute() ? path : (file.parent_path() / path).lexically_normal();
}

}  // namespace penstock::conf
