#include "storage/key_file.hpp"

#include <botan/hex.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "storage/key_wrap.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr std::string_view key_file_heading = "penstock-key 1\n";
constexpr std::size_t key_file_bytes = key_file_heading.size() + 2 * key_file_key_bytes + 1;

/// Writes everything and syncs it, or says why not.
result<void> write_key_file(int descriptor, const secret_bytes& contents) {
  std::string_view text{reinterpret_cast<const char*>(contents.view().data()), contents.size()};
  while (!text.empty()) {
    const auto n = ::write(descriptor, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(errc::io_error, std::string{"write key file: "} + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(descriptor) != 0) return fail(errc::io_error, std::string{"sync key file: "} + std::strerror(errno));
  return {};
}

secret_bytes new_key_file_contents() {
  const auto key = secret_bytes::random(key_file_key_bytes);
  auto contents = secret_bytes::of_size(key_file_bytes);
  auto* text = reinterpret_cast<char*>(contents.writable().data());
  std::memcpy(text, key_file_heading.data(), key_file_heading.size());
  Botan::hex_encode(text + key_file_heading.size(), key.view().data(), key.size(), /*uppercase=*/false);
  text[key_file_bytes - 1] = '\n';
  return contents;
}

result<secret_bytes> parse_key_file(std::string_view text) {
  const auto refused = fail(errc::bad_configuration, "key file: not a penstock key");
  if (text.size() != key_file_bytes || !text.starts_with(key_file_heading) || text.back() != '\n') return refused;
  text.remove_prefix(key_file_heading.size());
  text.remove_suffix(1);
  try {
    const auto bytes = Botan::hex_decode_locked(text.data(), text.size(), /*ignore_ws=*/false);
    if (bytes.size() != key_file_key_bytes) return refused;
    return secret_bytes{bytes};
  } catch (const std::exception&) {
    return refused;
  }
}

result<secret_bytes> read_key_file(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
    return fail(errc::bad_configuration, "key file: not a regular file");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(errc::bad_configuration, "key file: accessible to others (chmod 600)");
  auto text = secret_bytes::of_size(key_file_bytes + 1);  // one more, to see that it ends
  std::size_t got = 0;
  while (got < text.size()) {
    const auto n = ::read(descriptor, text.writable().data() + got, text.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errc::io_error, std::string{"read key file: "} + std::strerror(errno));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return parse_key_file({reinterpret_cast<const char*>(text.view().data()), got});
}

}  // namespace

result<void> create_key_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0)
    return fail(errno == EEXIST ? errc::conflict : errc::io_error,
                std::string{"create key file: "} + std::strerror(errno));
  auto written = write_key_file(descriptor, new_key_file_contents());
  ::close(descriptor);
  if (!written) ::unlink(path.c_str());
  return written;
}

result<secret_bytes> load_key_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return fail(errno == ENOENT ? errc::not_found : errc::io_error,
                std::string{"open key file: "} + std::strerror(errno));
  auto key = read_key_file(descriptor);
  ::close(descriptor);
  return key;
}

}  // namespace penstock::storage
