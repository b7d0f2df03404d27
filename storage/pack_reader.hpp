#pragma once
// Finds the whole records of a pack, also of one that a crash cut or a disk damaged, and checks their bytes.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "storage/file.hpp"
#include "storage/pack_layout.hpp"

namespace penstock::storage {

/// What a walk over a pack found. Only records with a sound header and a sound commit block that agree are listed, in
/// the order of the file; their Part 10 bytes are not read: `verify` does that.
struct pack_contents {
  std::vector<pack_record> records;
  /// True when every byte of the file belongs to the file header or a listed record.
  bool whole = true;
  /// Bytes that belong to no listed record: a torn tail, or damaged records.
  std::uint64_t foreign_bytes = 0;
};

/// Used by one thread at a time. Errors: corrupt when the file is no pack of this version or a check fails, else those
/// of the file.
class pack_reader {
 public:
  /// A pack with more records is refused with errc::too_large.
  static constexpr std::size_t most_records = 1'000'000;

  [[nodiscard]] static messages::result<pack_reader> open(const std::string& path, file_system& files = posix_files());
  [[nodiscard]] static messages::result<pack_reader> adopt(std::unique_ptr<file> from);

  [[nodiscard]] const pack_id& id() const { return id_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }

  /// Two small reads a record. Walks forward by the lengths in the record headers; where that ends early, walks back
  /// from the end of the file by the commit blocks, so that one damaged record costs only itself.
  [[nodiscard]] messages::result<pack_contents> list();

  /// Reads the record and compares its checksum, with a bounded buffer; errc::corrupt when it does not match.
  [[nodiscard]] messages::result<void> verify(const pack_record& record);

  /// Fills `into` from `offset` of the file; errc::corrupt when the file ends before.
  [[nodiscard]] messages::result<void> read(std::uint64_t offset, std::span<std::byte> into);

 private:
  pack_reader(std::unique_ptr<file> from, const pack_id& id, std::uint64_t file_bytes);

  /// The record that starts at `offset`; nothing when there is no whole one.
  [[nodiscard]] messages::result<std::optional<pack_record>> record_at(std::uint64_t offset,
                                                                       std::optional<std::uint64_t> known_part10_bytes);
  /// The record whose commit block ends at `end` and which starts at or after `from`.
  [[nodiscard]] messages::result<std::optional<pack_record>> record_before(std::uint64_t end, std::uint64_t from);
  [[nodiscard]] messages::result<std::optional<commit_block>> commit_at(std::uint64_t offset);

  std::unique_ptr<file> file_;
  pack_id id_;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace penstock::storage
