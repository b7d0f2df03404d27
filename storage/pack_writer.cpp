#include "storage/pack_writer.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "storage/crc32c.hpp"
#include "storage/pack_reader.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using messages::fail;
using messages::failure;
using messages::result;

bool fits(std::string_view text, std::size_t shortest, std::size_t longest) {
  return text.size() >= shortest && text.size() <= longest;
}

bool is_storable(const instance_identity& identity) {
  return fits(identity.sop_class.reveal(), 1, longest_uid_bytes) &&
         fits(identity.sop_instance.reveal(), 1, longest_uid_bytes) &&
         fits(identity.transfer_syntax, 1, longest_uid_bytes) && fits(identity.sending_ae, 0, longest_ae_title_bytes);
}

}  // namespace

pack_writer::pack_writer(std::unique_ptr<file> into, const pack_id& id, pack_writer_options options)
    : file_(std::move(into)), id_(id), options_(options) {
  buffer_.reserve(options_.buffer_bytes);
}

result<pack_writer> pack_writer::start(std::unique_ptr<file> into, const pack_id& id, pack_writer_options options) {
  auto size = into->size();
  if (!size) return size.error();
  if (*size != 0) return fail(errc::conflict, "start a pack: the file is not empty");
  pack_writer writer{std::move(into), id, options};
  if (auto done = writer.append(encode_file_header(id)); !done) return done.error();
  writer.committed_bytes_ = writer.end();
  return writer;
}

failure pack_writer::broken(failure problem) {
  failure_ = problem;
  return problem;
}

result<void> pack_writer::usable(bool within_record) const {
  if (failure_) return *failure_;
  if (within_record != open_.has_value())
    return fail(errc::conflict, within_record ? "pack: no record was begun" : "pack: a record is not finished");
  return {};
}

result<void> pack_writer::write_through(std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  if (auto done = file_->write_at(flushed_bytes_, bytes); !done) return broken(done.error());
  flushed_bytes_ += bytes.size();
  return {};
}

result<void> pack_writer::flush() {
  if (failure_) return *failure_;
  if (auto done = write_through(buffer_); !done) return done;
  buffer_.clear();
  return {};
}

result<void> pack_writer::append(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > options_.buffer_bytes) {
    if (auto done = flush(); !done) return done;
    if (bytes.size() >= options_.buffer_bytes) return write_through(bytes);
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  return {};
}

result<void> pack_writer::begin_record(const instance_identity& identity) {
  if (!is_storable(identity)) return fail(errc::bad_request, "pack: a UID or AE title is empty or too long");
  return begin_record(identity, encode_file_meta(identity));
}

result<void> pack_writer::begin_record(const instance_identity& identity, std::span<const std::byte> meta) {
  if (auto ready = usable(false); !ready) return ready;
  if (!is_storable(identity)) return fail(errc::bad_request, "pack: a UID or AE title is empty or too long");
  const auto header = encode_record_header(identity, static_cast<std::uint32_t>(meta.size()));
  pack_record facts{.sop_class = identity.sop_class,
                    .sop_instance = identity.sop_instance,
                    .transfer_syntax = identity.transfer_syntax,
                    .sending_ae = identity.sending_ae,
                    .record_offset = end(),
                    .part10_offset = end() + header.size(),
                    .part10_bytes = meta.size(),
                    .dataset_offset = end() + header.size() + meta.size(),
                    .dataset_bytes = 0,
                    .crc32c = 0};
  open_ = open_record{std::move(facts), crc32c(meta, checksum_of_header(header))};
  if (auto done = append(header); !done) return done;
  return append(meta);
}

result<void> pack_writer::write(std::span<const std::byte> bytes) {
  if (auto ready = usable(true); !ready) return ready;
  if (bytes.size() > options_.most_part10_bytes - std::min(open_->facts.part10_bytes, options_.most_part10_bytes))
    return fail(errc::too_large, "pack: the instance is larger than allowed");
  open_->checksum = crc32c(bytes, open_->checksum);
  open_->facts.part10_bytes += bytes.size();
  open_->facts.dataset_bytes += bytes.size();
  return append(bytes);
}

result<void> pack_writer::fill_in_length(std::uint64_t record_offset, std::uint64_t part10_bytes) {
  const auto position = record_offset + part10_bytes_position;
  std::array<std::byte, 8> length{};
  put_u64(length, part10_bytes);
  if (record_offset >= flushed_bytes_) {
    std::copy(length.begin(), length.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(position - flushed_bytes_));
    return {};
  }
  if (position + length.size() > flushed_bytes_)
    if (auto done = flush(); !done) return done;
  if (auto done = file_->write_at(position, length); !done) return broken(done.error());
  return {};
}

result<pack_record> pack_writer::finish_record() {
  if (auto ready = usable(true); !ready) return ready.error();
  auto& facts = open_->facts;
  facts.crc32c = open_->checksum;
  if (auto done = fill_in_length(facts.record_offset, facts.part10_bytes); !done) return done.error();
  const commit_block block{facts.record_offset, facts.part10_bytes, facts.dataset_bytes, facts.crc32c};
  if (auto done = append(encode_commit_block(block, id_)); !done) return done.error();
  auto finished = std::move(facts);
  open_.reset();
  ++records_;
  committed_bytes_ = end();
  return finished;
}

result<void> pack_writer::abandon_record() {
  if (!open_) return {};
  open_.reset();
  if (flushed_bytes_ <= committed_bytes_) {
    buffer_.resize(std::min<std::size_t>(buffer_.size(), committed_bytes_ - flushed_bytes_));
    return {};
  }
  buffer_.clear();
  flushed_bytes_ = committed_bytes_;
  if (auto done = file_->truncate(committed_bytes_); !done) return broken(done.error());
  return {};
}

result<void> pack_writer::sync() {
  if (auto done = flush(); !done) return done;
  if (auto done = file_->sync(); !done) return broken(done.error());
  return {};
}

result<pack_record> copy_record(pack_reader& from, const pack_record& record, pack_writer& to) {
  constexpr std::size_t piece_bytes = std::size_t{256} << 10;
  std::vector<std::byte> piece(std::max(piece_bytes, longest_meta_bytes));
  const auto meta = std::span{piece}.first(std::min(longest_meta_bytes, record.part10_bytes - record.dataset_bytes));
  if (auto done = from.read(record.part10_offset, meta); !done) return done.error();
  auto done = to.begin_record({record.sop_class, record.sop_instance, record.transfer_syntax, record.sending_ae}, meta);
  for (std::uint64_t copied = 0; done && copied < record.dataset_bytes;) {
    const auto into = std::span{piece}.first(std::min<std::uint64_t>(piece_bytes, record.dataset_bytes - copied));
    done = from.read(record.dataset_offset + copied, into);
    if (done) done = to.write(into);
    copied += into.size();
  }
  if (done && to.checksum() != record.crc32c) done = fail(errc::corrupt, "copy a record of a pack: checksum");
  if (done) return to.finish_record();
  if (auto undone = to.abandon_record(); !undone) return undone.error();
  return done.error();
}

}  // namespace penstock::storage
