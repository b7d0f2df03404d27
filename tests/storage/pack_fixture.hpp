#pragma once
// A file in memory that can fail, and small packs made in it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/pack_reader.hpp"
#include "storage/pack_writer.hpp"

namespace penstock::storage::testing {

using bytes = std::vector<std::byte>;

inline bytes bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

/// The disk below a memory_file, kept by the test. A write beyond `room` is torn: what fits is written, then it fails.
struct memory_disk {
  bytes contents;
  std::uint64_t room = UINT64_MAX;
  int syncs = 0;
};

class memory_file final : public file {
 public:
  explicit memory_file(memory_disk& disk) : disk_(disk) {}

  messages::result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const auto& from = disk_.contents;
    if (offset >= from.size()) return std::size_t{0};
    const auto count = std::min<std::size_t>(into.size(), from.size() - offset);
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  }

  messages::result<void> write_at(std::uint64_t offset, std::span<const std::byte> from) override {
    const auto fits = std::min<std::uint64_t>(from.size(), disk_.room - std::min(offset, disk_.room));
    if (disk_.contents.size() < offset + fits) disk_.contents.resize(offset + fits);
    std::copy_n(from.begin(), fits, disk_.contents.begin() + static_cast<std::ptrdiff_t>(offset));
    if (fits < from.size()) return messages::fail(messages::errc::no_space, "write memory");
    return {};
  }

  messages::result<std::uint64_t> size() override { return disk_.contents.size(); }

  messages::result<void> truncate(std::uint64_t length) override {
    disk_.contents.resize(length);
    return {};
  }

  messages::result<void> sync() override {
    ++disk_.syncs;
    return {};
  }

 private:
  memory_disk& disk_;
};

inline pack_id fixed_pack_id() {
  pack_id id{};
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::byte>(i + 1);
  return id;
}

inline instance_identity instance(int number) {
  return {messages::dicom_uid{"1.2.840.10008.5.1.4.1.1.4"}, messages::dicom_uid{"1.2.3." + std::to_string(number)},
          "1.2.840.10008.1.2.1", "SCANNER"};
}

inline pack_writer writer_on(memory_disk& disk, pack_writer_options options = {}) {
  return pack_writer::start(std::make_unique<memory_file>(disk), fixed_pack_id(), options).value();
}

inline messages::result<pack_reader> reader_on(memory_disk& disk) {
  return pack_reader::adopt(std::make_unique<memory_file>(disk));
}

inline pack_record add(pack_writer& writer, int number, const bytes& dataset) {
  (void)writer.begin_record(instance(number)).ok();
  (void)writer.write(dataset).ok();
  return writer.finish_record().value();
}

inline bytes dataset_of(pack_reader& reader, const pack_record& record) {
  bytes read(record.dataset_bytes);
  return reader.read(record.dataset_offset, read) ? read : bytes{};
}

/// Three small instances: the pack of tests/golden/pack_v1.pack.
inline memory_disk small_pack() {
  memory_disk disk;
  auto writer = writer_on(disk);
  add(writer, 1, bytes_of("first data set"));
  add(writer, 2, {});
  add(writer, 3, bytes_of("third data set, of odd length"));
  (void)writer.flush().ok();
  return disk;
}

}  // namespace penstock::storage::testing
