#pragma once
// Appends instances to a pack as they arrive. It is handed an open file and never knows a path.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "messages/result.hpp"
#include "storage/file.hpp"
#include "storage/pack_layout.hpp"

namespace penstock::storage {

class pack_reader;

struct pack_writer_options {
  /// Bytes gathered before they go to the file; a larger piece goes straight through.
  std::size_t buffer_bytes = std::size_t{1} << 20;
  /// Larger instances are refused with errc::too_large.
  std::uint64_t most_part10_bytes = std::uint64_t{4} << 30;
};

/// One record at a time: begin_record, write..., then finish_record or abandon_record. After an error of the file
/// nothing more can be written, and what the pack holds is what a reader finds in it.
/// Used by one thread at a time. A finished record is in the operating system's hands only after flush, on the disk
/// only after sync.
class pack_writer {
 public:
  /// Starts a pack in `into`, which must be empty.
  [[nodiscard]] static messages::result<pack_writer> start(std::unique_ptr<file> into, const pack_id& id,
                                                           pack_writer_options options = {});

  /// errc::bad_request when a text of the identity is empty (the sending AE may be) or over its limit.
  [[nodiscard]] messages::result<void> begin_record(const instance_identity& identity);
  /// The same with the preamble and file meta group given, for a record that is copied from another pack.
  [[nodiscard]] messages::result<void> begin_record(const instance_identity& identity, std::span<const std::byte> meta);
  /// The next bytes of the data set; errc::too_large, with the record still open, when they exceed the limit.
  [[nodiscard]] messages::result<void> write(std::span<const std::byte> bytes);
  [[nodiscard]] messages::result<pack_record> finish_record();
  /// Forgets the record that was begun; the file ends with the last finished one again. Harmless without a record.
  [[nodiscard]] messages::result<void> abandon_record();
  [[nodiscard]] messages::result<void> flush();
  /// Flushes, then returns when all finished records are on the disk.
  [[nodiscard]] messages::result<void> sync();

  [[nodiscard]] bool in_record() const { return open_.has_value(); }
  /// The checksum of the open record so far.
  [[nodiscard]] std::uint32_t checksum() const { return open_ ? open_->checksum : 0; }
  /// Finished records, and the bytes of the file up to the last of them.
  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint64_t committed_bytes() const { return committed_bytes_; }

 private:
  struct open_record {
    pack_record facts;
    std::uint32_t checksum = 0;
  };

  pack_writer(std::unique_ptr<file> into, const pack_id& id, pack_writer_options options);

  [[nodiscard]] std::uint64_t end() const { return flushed_bytes_ + buffer_.size(); }
  [[nodiscard]] messages::result<void> append(std::span<const std::byte> bytes);
  [[nodiscard]] messages::result<void> write_through(std::span<const std::byte> bytes);
  [[nodiscard]] messages::result<void> fill_in_length(std::uint64_t record_offset, std::uint64_t part10_bytes);
  [[nodiscard]] messages::result<void> usable(bool within_record) const;
  [[nodiscard]] messages::failure broken(messages::failure problem);

  std::unique_ptr<file> file_;
  pack_id id_;
  pack_writer_options options_;
  std::vector<std::byte> buffer_;
  std::uint64_t flushed_bytes_ = 0;
  std::uint64_t committed_bytes_ = 0;
  std::uint64_t records_ = 0;
  std::optional<open_record> open_;
  std::optional<messages::failure> failure_;
};

/// Copies a record from one pack to another, unchanged and checked on the way: errc::corrupt, and nothing is added,
/// when the bytes read do not match the record's checksum.
[[nodiscard]] messages::result<pack_record> copy_record(pack_reader& from, const pack_record& record, pack_writer& to);

}  // namespace penstock::storage
