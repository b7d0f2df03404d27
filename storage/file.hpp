#pragma once
// Files as values of errors, behind an interface so that a test can fail, tear and forget writes.
// A file is used by one thread at a time. Error contexts name the operation and the file by the name it was given.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "messages/result.hpp"

namespace penstock::storage {

/// An open file. Offsets and sizes are bytes. Errors: no_space when the file system or a quota is full, too_large when
/// a size limit of the process is reached, else io_error.
class file {
 public:
  file() = default;
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  virtual ~file() = default;

  /// Fills `into` from `offset`; fewer bytes than asked only at the end of the file.
  [[nodiscard]] virtual messages::result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) = 0;
  /// Writes all of `bytes` or fails; after a failure any part of them may have been written.
  [[nodiscard]] virtual messages::result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  [[nodiscard]] virtual messages::result<std::uint64_t> size() = 0;
  [[nodiscard]] virtual messages::result<void> truncate(std::uint64_t bytes) = 0;
  /// Returns when contents and size are on the disk (fdatasync).
  [[nodiscard]] virtual messages::result<void> sync() = 0;
  /// The operating system's descriptor, still owned by this object; -1 where there is none.
  [[nodiscard]] virtual int descriptor() const { return -1; }
};

/// The operations on names that durable storage needs.
class file_system {
 public:
  virtual ~file_system() = default;

  [[nodiscard]] virtual messages::result<std::unique_ptr<file>> open_for_reading(const std::string& path) = 0;
  /// A new file for reading and writing by its owner only; errc::conflict when the name is taken.
  [[nodiscard]] virtual messages::result<std::unique_ptr<file>> create(const std::string& path) = 0;
  [[nodiscard]] virtual messages::result<void> rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual messages::result<void> remove(const std::string& path) = 0;
  /// Makes creations, renames and removals in the directory durable.
  [[nodiscard]] virtual messages::result<void> sync_directory(const std::string& path) = 0;
};

/// The real file system; safe from every thread.
[[nodiscard]] file_system& posix_files();

/// Takes over an open descriptor, which is closed with the returned object. `name` is for error contexts.
[[nodiscard]] std::unique_ptr<file> adopt_descriptor(int descriptor, std::string name);

}  // namespace penstock::storage
