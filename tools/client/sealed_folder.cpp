#include "tools/client/sealed_folder.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "storage/digest.hpp"
#include "storage/sealed_reader.hpp"

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;

std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

result<storage::secret_bytes> read_object(const download_facts& facts, std::uint32_t index,
                                          const std::filesystem::path& path, std::uint64_t limit_bytes) {
  auto reader = storage::sealed_reader::open_file(facts.key, {facts.download, index, 0, facts.segment_bytes}, path);
  if (!reader) return reader.error();
  if (reader->plain_bytes() > limit_bytes) return fail(errc::too_large, path.string());
  auto plain = storage::secret_bytes::of_size(reader->plain_bytes());
  std::size_t filled = 0;
  const auto room = plain.writable();
  auto read = reader->read_all([&](std::span<const std::uint8_t> bytes) -> result<void> {
    if (bytes.size() > room.size() - filled) return fail(errc::corrupt, path.string() + ": longer than it says");
    std::copy(bytes.begin(), bytes.end(), room.begin() + static_cast<std::ptrdiff_t>(filled));
    filled += bytes.size();
    return {};
  });
  if (!read) return read.error();
  return plain;
}

}  // namespace

result<download_manifest> read_sealed_index(const std::filesystem::path& folder, const download_facts& facts) {
  auto plain = read_object(facts, 0, folder / sealed_index_name, largest_manifest_bytes);
  if (!plain) return plain.error();
  return parse_manifest(as_text(plain->view()));
}

result<sealed_folder> sealed_folder::open(std::filesystem::path folder, const download_record& record,
                                          storage::secret_bytes key) {
  sealed_folder opened;
  opened.folder_ = std::move(folder);
  opened.facts_ = {record.download, std::move(key), record.segment_bytes, record.objects, record.bytes};
  auto manifest = read_sealed_index(opened.folder_, opened.facts_);
  if (!manifest) return manifest.error();
  opened.manifest_ = std::move(*manifest);
  opened.places_ = place_objects(opened.manifest_);
  return opened;
}

result<storage::secret_bytes> sealed_folder::read(std::size_t object) const {
  return read_object(facts_, manifest_.objects[object].index, path_of(object), largest_instance_bytes);
}

result<void> sealed_folder::verify(std::size_t object) const {
  const auto& about = manifest_.objects[object];
  auto reader = storage::sealed_reader::open_file(facts_.key, {facts_.download, about.index, 0, facts_.segment_bytes},
                                                  path_of(object));
  if (!reader) return reader.error();
  if (reader->plain_bytes() != about.plain_bytes)
    return fail(errc::authentication_failed, path_of(object).string() + ": not of the size that the index says");
  storage::sha256_stream digest;
  std::uint64_t data_set = 0;
  std::uint64_t seen = 0;
  auto read = reader->read_all([&](std::span<const std::uint8_t> bytes) -> result<void> {
    if (seen == 0) data_set = data_set_offset(as_text(bytes)).value_or(about.plain_bytes);
    const auto skipped = std::min<std::uint64_t>(bytes.size(), data_set - std::min(data_set, seen));
    digest.update(std::as_bytes(bytes.subspan(skipped)));
    seen += bytes.size();
    return {};
  });
  if (!read) return read;
  if (about.dataset_sha256.empty()) return {};
  std::string expected = about.dataset_sha256;
  std::transform(expected.begin(), expected.end(), expected.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (storage::to_hex(digest.finish()) != expected)
    return fail(errc::authentication_failed, path_of(object).string() + ": its data set is not the one of the index");
  return {};
}

std::optional<std::uint64_t> data_set_offset(std::string_view part10) {
  constexpr std::size_t preamble_and_prefix = 132;
  constexpr std::size_t group_length_element = 12;  // tag, VR "UL", length 4, value: always explicit little endian
  constexpr std::string_view group_length_tag{"\x02\x00\x00\x00UL\x04\x00", 8};
  if (part10.size() < preamble_and_prefix + group_length_element || part10.substr(128, 4) != "DICM") return {};
  const auto element = part10.substr(preamble_and_prefix, group_length_element);
  if (!element.starts_with(group_length_tag)) return {};
  std::uint32_t length = 0;
  for (int i = 3; i >= 0; --i)
    length = length << 8 | static_cast<std::uint8_t>(element[8 + static_cast<std::size_t>(i)]);
  return preamble_and_prefix + group_length_element + std::uint64_t{length};
}

std::string_view data_set_of(std::string_view part10) {
  const auto begin = data_set_offset(part10);
  return begin && *begin <= part10.size() ? part10.substr(*begin) : std::string_view{};
}

}  // namespace penstock::client
