#include "storage/pack_reader.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/crc32c.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

std::uint64_t end_of(const pack_record& record) {
  return record.part10_offset + record.part10_bytes + commit_block_bytes;
}

}  // namespace

pack_reader::pack_reader(std::unique_ptr<file> from, const pack_id& id, std::uint64_t file_bytes)
    : file_(std::move(from)), id_(id), file_bytes_(file_bytes) {}

result<pack_reader> pack_reader::open(const std::string& path, file_system& files) {
  auto opened = files.open_for_reading(path);
  if (!opened) return opened.error();
  return adopt(std::move(opened).value());
}

result<pack_reader> pack_reader::adopt(std::unique_ptr<file> from) {
  auto bytes = from->size();
  if (!bytes) return bytes.error();
  encoded_file_header header{};
  auto count = from->read_at(0, header);
  if (!count) return count.error();
  const auto id = *count == header.size() ? decode_file_header(header) : std::nullopt;
  if (!id) return fail(errc::corrupt, "open a pack: file header");
  return pack_reader{std::move(from), *id, *bytes};
}

result<void> pack_reader::read(std::uint64_t offset, std::span<std::byte> into) {
  auto count = file_->read_at(offset, into);
  if (!count) return count.error();
  if (*count != into.size()) return fail(errc::corrupt, "read a pack: the file ends early");
  return {};
}

result<std::optional<commit_block>> pack_reader::commit_at(std::uint64_t offset) {
  encoded_commit_block bytes{};
  if (auto done = read(offset, bytes); !done) return done.error();
  return decode_commit_block(bytes, id_);
}

result<std::optional<pack_record>> pack_reader::record_at(std::uint64_t offset,
                                                          std::optional<std::uint64_t> known_part10_bytes) {
  std::array<std::byte, longest_record_header_bytes> bytes{};
  auto count = file_->read_at(offset, bytes);
  if (!count) return count.error();
  auto header = decode_record_header(std::span{bytes}.first(*count));
  if (!header) return std::optional<pack_record>{};
  const auto part10_bytes = known_part10_bytes.value_or(header->part10_bytes);
  const auto part10_offset = offset + header->header_bytes;
  const auto left = file_bytes_ - std::min(file_bytes_, part10_offset);
  if (part10_bytes < header->meta_bytes || part10_bytes > left || left - part10_bytes < commit_block_bytes)
    return std::optional<pack_record>{};
  auto commit = commit_at(part10_offset + part10_bytes);
  if (!commit) return commit.error();
  const auto dataset_bytes = part10_bytes - header->meta_bytes;
  if (!*commit || (*commit)->record_offset != offset || (*commit)->part10_bytes != part10_bytes ||
      (*commit)->dataset_bytes != dataset_bytes)
    return std::optional<pack_record>{};
  auto& identity = header->identity;
  return std::optional{pack_record{.sop_class = std::move(identity.sop_class),
                                   .sop_instance = std::move(identity.sop_instance),
                                   .transfer_syntax = std::move(identity.transfer_syntax),
                                   .sending_ae = std::move(identity.sending_ae),
                                   .record_offset = offset,
                                   .part10_offset = part10_offset,
                                   .part10_bytes = part10_bytes,
                                   .dataset_offset = part10_offset + header->meta_bytes,
                                   .dataset_bytes = dataset_bytes,
                                   .crc32c = (*commit)->crc32c}};
}

result<std::optional<pack_record>> pack_reader::record_before(std::uint64_t end, std::uint64_t from) {
  if (end < from + record_header_fixed_bytes + commit_block_bytes) return std::optional<pack_record>{};
  auto commit = commit_at(end - commit_block_bytes);
  if (!commit) return commit.error();
  if (!*commit || (*commit)->record_offset < from || (*commit)->record_offset >= end)
    return std::optional<pack_record>{};
  auto record = record_at((*commit)->record_offset, (*commit)->part10_bytes);
  if (record && *record && end_of(**record) != end) return std::optional<pack_record>{};
  return record;
}

result<pack_contents> pack_reader::list() {
  pack_contents found;
  auto& records = found.records;
  std::uint64_t forward = file_header_bytes;
  while (forward < file_bytes_ && records.size() < most_records) {
    auto record = record_at(forward, std::nullopt);
    if (!record) return record.error();
    if (!*record) break;
    forward = end_of(**record);
    records.push_back(std::move(**record));
  }
  const auto met_forward = static_cast<std::ptrdiff_t>(records.size());
  std::uint64_t backward = file_bytes_;
  while (backward > forward && records.size() < most_records) {
    auto record = record_before(backward, forward);
    if (!record) return record.error();
    if (!*record) break;
    backward = (*record)->record_offset;
    records.push_back(std::move(**record));
  }
  std::reverse(records.begin() + met_forward, records.end());
  if (records.size() >= most_records && backward > forward)
    return fail(errc::too_large, "read a pack: more records than allowed");
  found.foreign_bytes = backward - forward;
  // A record met only from behind has a damaged length field.
  found.whole = forward == file_bytes_;
  return found;
}

result<void> pack_reader::verify(const pack_record& record) {
  constexpr std::size_t piece_bytes = std::size_t{256} << 10;
  const auto header_bytes = record.part10_offset - record.record_offset;
  if (header_bytes < record_header_fixed_bytes || header_bytes > longest_record_header_bytes)
    return fail(errc::corrupt, "verify a record of a pack: record header");
  std::vector<std::byte> piece(piece_bytes);
  const auto header = std::span{piece}.first(header_bytes);
  if (auto done = read(record.record_offset, header); !done) return done;
  auto checksum = checksum_of_header(header);
  for (std::uint64_t done_bytes = 0; done_bytes < record.part10_bytes;) {
    const auto into = std::span{piece}.first(std::min<std::uint64_t>(piece_bytes, record.part10_bytes - done_bytes));
    if (auto done = read(record.part10_offset + done_bytes, into); !done) return done;
    checksum = crc32c(into, checksum);
    done_bytes += into.size();
  }
  if (checksum != record.crc32c) return fail(errc::corrupt, "verify a record of a pack: checksum");
  return {};
}

}  // namespace penstock::storage
