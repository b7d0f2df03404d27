#include "storage/sealed_reader.hpp"

#include <fcntl.h>
#include <string.h>  // explicit_bzero
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

namespace penstock::storage {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr auto no_segment = std::numeric_limits<std::uint64_t>::max();

/// A descriptor that closes itself, shared because std::function copies.
struct open_file_handle {
  explicit open_file_handle(int opened) : descriptor(opened) {}
  open_file_handle(const open_file_handle&) = delete;
  open_file_handle& operator=(const open_file_handle&) = delete;
  ~open_file_handle() { ::close(descriptor); }
  const int descriptor;
};

result<std::size_t> pread_fully(int descriptor, std::uint64_t offset, std::span<std::uint8_t> into) {
  std::size_t got = 0;
  while (got < into.size()) {
    const auto n = ::pread(descriptor, into.data() + got, into.size() - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errc::io_error, std::string{"read sealed file: "} + std::strerror(errno));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

result<void> read_exactly(const read_at& read, std::uint64_t offset, std::span<std::uint8_t> into) {
  const auto got = read(offset, into);
  if (!got) return got.error();
  if (*got != into.size()) return fail(errc::authentication_failed, "read sealed object: ends early");
  return {};
}

}  // namespace

sealed_reader::sealed_reader(segment_opener opener, sealed_layout layout, read_at read)
    : opener_(std::move(opener)),
      layout_(layout),
      read_(std::move(read)),
      buffer_(std::min<std::uint64_t>(layout.segment_bytes(), layout.sealed_bytes())),
      loaded_segment_(no_segment) {}

sealed_reader::~sealed_reader() {
  // The reader held plain bytes.
  if (!buffer_.empty()) ::explicit_bzero(buffer_.data(), buffer_.size());
}

result<sealed_reader> sealed_reader::create(const secret_bytes& data_key, const sealed_object& object, read_at read) {
  const auto layout = sealed_layout::of_sealed(object.sealed_bytes, object.segment_bytes);
  if (!layout) return layout.error();
  sealed_header header;
  if (auto got = read_exactly(read, 0, header); !got) return got.error();
  auto opener = segment_opener::create(data_key, {object.download, object.index, layout->plain_bytes()}, header);
  if (!opener) return opener.error();
  return sealed_reader{std::move(*opener), *layout, std::move(read)};
}

result<sealed_reader> sealed_reader::open_file(const secret_bytes& data_key, sealed_object object,
                                               const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0)
    return fail(errno == ENOENT ? errc::not_found : errc::io_error,
                std::string{"open sealed file: "} + std::strerror(errno));
  const auto file = std::make_shared<open_file_handle>(descriptor);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
    return fail(errc::io_error, "open sealed file: not a regular file");
  object.sealed_bytes = static_cast<std::uint64_t>(status.st_size);
  return create(data_key, object, [file](std::uint64_t offset, std::span<std::uint8_t> into) {
    return pread_fully(file->descriptor, offset, into);
  });
}

result<void> sealed_reader::load(std::uint64_t segment) {
  if (loaded_segment_ == segment) return {};
  loaded_segment_ = no_segment;
  const auto sealed = std::span{buffer_}.first(layout_.sealed_length(segment));
  if (auto got = read_exactly(read_, layout_.sealed_offset(segment), sealed); !got) return got;
  const auto opened = opener_.open(segment, layout_.is_last(segment), sealed);
  if (!opened) return opened.error();
  loaded_segment_ = segment;
  return {};
}

result<std::size_t> sealed_reader::read(std::uint64_t plain_offset, std::span<std::uint8_t> into) {
  std::size_t got = 0;
  // Even a read of nothing must not succeed on an object that does not authenticate.
  if (plain_offset >= layout_.plain_bytes() || into.empty()) {
    if (auto loaded = load(layout_.segments() - 1); !loaded) return loaded.error();
    return got;
  }
  while (got < into.size() && plain_offset + got < layout_.plain_bytes()) {
    const auto segment = layout_.segment_of(plain_offset + got);
    if (auto loaded = load(segment); !loaded) return loaded.error();
    const auto within = static_cast<std::size_t>(plain_offset + got - layout_.plain_offset(segment));
    const auto taken = std::min<std::size_t>(into.size() - got, layout_.plain_length(segment) - within);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(within), taken,
                into.begin() + static_cast<std::ptrdiff_t>(got));
    got += taken;
  }
  return got;
}

result<void> sealed_reader::read_all(const byte_sink& sink) {
  for (std::uint64_t segment = 0; segment < layout_.segments(); ++segment) {
    if (auto loaded = load(segment); !loaded) return loaded;
    if (auto taken = sink(std::span{buffer_}.first(layout_.plain_length(segment))); !taken) return taken;
  }
  return {};
}

result<void> sealed_reader::verify() {
  return read_all([](std::span<const std::uint8_t>) -> result<void> { return {}; });
}

}  // namespace penstock::storage
