#pragma once
// The bytes of a pack, shared by its writer and its reader. The page is storage/STUDY_PACK.md.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "messages/fields.hpp"
#include "messages/ids.hpp"

namespace penstock::storage {

constexpr std::uint32_t pack_version = 1;
constexpr std::size_t file_header_bytes = 64;
constexpr std::size_t record_header_fixed_bytes = 40;
constexpr std::size_t commit_block_bytes = 40;
/// Of the length that finish_record fills in, from the start of the record.
constexpr std::size_t part10_bytes_position = 16;
/// PS3.5: a UID has at most 64 characters, an AE title 16.
constexpr std::size_t longest_uid_bytes = 64;
constexpr std::size_t longest_ae_title_bytes = 16;
constexpr std::size_t longest_record_header_bytes =
    record_header_fixed_bytes + 3 * longest_uid_bytes + longest_ae_title_bytes;
/// Preamble and file meta group: a reader takes no more for them.
constexpr std::size_t longest_meta_bytes = 4096;

/// 16 random bytes, new for each pack. Commit blocks are checked under it, so that bytes which a sender placed inside
/// an instance can never pass for one.
using pack_id = std::array<std::byte, 16>;
[[nodiscard]] pack_id new_pack_id();

/// What the record header says of an instance.
struct instance_identity {
  messages::dicom_uid sop_class;
  messages::dicom_uid sop_instance;
  std::string transfer_syntax;
  std::string sending_ae;

  bool operator==(const instance_identity&) const = default;
};

/// One instance in a pack. Offsets are from the start of the file; the Part 10 bytes are a complete DICOM file, and the
/// data set is their tail.
struct pack_record {
  messages::dicom_uid sop_class;
  messages::dicom_uid sop_instance;
  std::string transfer_syntax;
  std::string sending_ae;
  std::uint64_t record_offset = 0;
  std::uint64_t part10_offset = 0;
  std::uint64_t part10_bytes = 0;
  std::uint64_t dataset_offset = 0;
  std::uint64_t dataset_bytes = 0;
  /// Over the record header and the Part 10 bytes.
  std::uint32_t crc32c = 0;

  bool operator==(const pack_record&) const = default;
  PENSTOCK_FIELDS(sop_class, sop_instance, transfer_syntax, sending_ae, record_offset, part10_offset, part10_bytes,
                  dataset_offset, dataset_bytes, crc32c);
};

struct record_header {
  instance_identity identity;
  std::uint32_t header_bytes = 0;
  /// Preamble, "DICM" and file meta group: where in the Part 10 bytes the data set starts.
  std::uint32_t meta_bytes = 0;
  /// 0 until the record is finished.
  std::uint64_t part10_bytes = 0;
};

struct commit_block {
  std::uint64_t record_offset = 0;
  std::uint64_t part10_bytes = 0;
  std::uint64_t dataset_bytes = 0;
  std::uint32_t crc32c = 0;
};

using encoded_file_header = std::array<std::byte, file_header_bytes>;
using encoded_commit_block = std::array<std::byte, commit_block_bytes>;

[[nodiscard]] encoded_file_header encode_file_header(const pack_id& id);
/// The pack's id, or nothing when magic, version or check are wrong.
[[nodiscard]] std::optional<pack_id> decode_file_header(std::span<const std::byte, file_header_bytes> bytes);

/// The texts of the identity must be within the longest_... limits.
[[nodiscard]] std::vector<std::byte> encode_record_header(const instance_identity& identity, std::uint32_t meta_bytes);
/// Nothing when `bytes`, which may go on past the header, do not start with a whole and sound record header.
[[nodiscard]] std::optional<record_header> decode_record_header(std::span<const std::byte> bytes);
/// The checksum that a record's CRC32C starts from: of its header with the length field at zero.
[[nodiscard]] std::uint32_t checksum_of_header(std::span<const std::byte> header);

[[nodiscard]] encoded_commit_block encode_commit_block(const commit_block& block, const pack_id& id);
[[nodiscard]] std::optional<commit_block> decode_commit_block(std::span<const std::byte, commit_block_bytes> bytes,
                                                              const pack_id& id);

/// Preamble, "DICM" and file meta group (PS3.10 section 7.1) that go before the data set as received.
[[nodiscard]] std::vector<std::byte> encode_file_meta(const instance_identity& identity);

/// Little-endian, as everything in a pack.
void put_u64(std::span<std::byte, 8> into, std::uint64_t value);

}  // namespace penstock::storage
