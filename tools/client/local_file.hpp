#pragma once
// Files on the researcher's own disk: created private, written whole, synced before they get their name.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "messages/result.hpp"

namespace penstock::client {

using messages::result;

/// Owns a file descriptor.
class file_descriptor {
 public:
  file_descriptor() = default;
  explicit file_descriptor(int fd) : fd_(fd) {}
  file_descriptor(file_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  file_descriptor& operator=(file_descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~file_descriptor();

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Creates `path` with mode 0600, or opens what is there for writing without truncating it. Never follows a symbolic
/// link.
[[nodiscard]] result<file_descriptor> open_for_writing(const std::filesystem::path& path);
[[nodiscard]] result<file_descriptor> open_for_reading(const std::filesystem::path& path);

/// Writes all of `bytes` at `offset`; errc::no_space when the disk is full, or takes no file that large.
[[nodiscard]] result<void> write_at(const file_descriptor& file, std::span<const std::uint8_t> bytes,
                                    std::uint64_t offset);
/// Fills `into` from `offset`; errc::corrupt when the file ends before.
[[nodiscard]] result<void> read_at(const file_descriptor& file, std::span<std::uint8_t> into, std::uint64_t offset);
[[nodiscard]] result<std::uint64_t> size_of(const file_descriptor& file);
[[nodiscard]] result<void> truncate(const file_descriptor& file, std::uint64_t bytes);
[[nodiscard]] result<void> sync(const file_descriptor& file);
[[nodiscard]] result<void> sync_directory(const std::filesystem::path& directory);

/// Nobody else may work in `directory` as long as the descriptor is open. errc::held_by_another.
[[nodiscard]] result<file_descriptor> lock_directory(const std::filesystem::path& directory);
/// What an ordinary user may still write where `directory` lies.
struct free_space {
  std::uint64_t bytes = 0;
  std::uint64_t block_bytes = 0;  ///< a file takes up whole blocks
};
[[nodiscard]] result<free_space> space_at(const std::filesystem::path& directory);

/// All of a file of at most `limit_bytes`; errc::too_large beyond it, errc::not_found when there is none.
[[nodiscard]] result<std::string> read_small_file(const std::filesystem::path& path, std::size_t limit_bytes);

/// Replaces `path` by a file of mode 0600 that holds `content`: temporary name, sync, rename, sync of the directory.
[[nodiscard]] result<void> replace_file(const std::filesystem::path& path, std::string_view content);

/// Creates the directory and its parents with mode 0700; what exists is left as it is.
[[nodiscard]] result<void> make_private_directory(const std::filesystem::path& directory);

}  // namespace penstock::client
