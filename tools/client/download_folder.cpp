#include "tools/client/download_folder.hpp"

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "storage/sealed_reader.hpp"
#include "tools/client/sealed_folder.hpp"

namespace penstock::client {
namespace {

namespace fs = std::filesystem;
using messages::errc;
using messages::fail;

/// Small files are synced together: the first sync of a batch pays for all. Bounds open files, too, and what must be
/// read again after a kill.
constexpr std::size_t sync_batch_files = 64;
constexpr std::uint64_t sync_batch_bytes = 64ULL * 1024 * 1024;

fs::path partial(fs::path path) {
  path += partial_suffix;
  return path;
}

/// Whether `path` is a whole file of `sealed_bytes`.
bool is_whole(const fs::path& path, std::uint64_t sealed_bytes) {
  std::error_code error;
  return fs::file_size(path, error) == sealed_bytes && !error;
}

/// How many segments of `file`, from its start, authenticate.
result<std::uint64_t> authentic_segments(const file_descriptor& file, storage::segment_opener& opener,
                                         const storage::sealed_layout& layout) {
  const auto bytes = size_of(file);
  if (!bytes) return bytes.error();
  std::vector<std::uint8_t> buffer;
  std::uint64_t segment = 0;
  for (; segment < layout.segments(); ++segment) {
    const auto offset = layout.sealed_offset(segment);
    buffer.resize(layout.sealed_length(segment));
    if (offset + buffer.size() > *bytes) break;
    if (auto read = read_at(file, buffer, offset); !read) return read.error();
    if (!opener.open(segment, layout.is_last(segment), buffer)) break;
  }
  return segment;
}

/// What a stop left of the object at `found.position`; nothing of it when its header or first segment is not authentic.
/// True when it is whole, and now has its name.
result<bool> take_up_partial(const fs::path& folder, const download_facts& facts, const storage::sealed_layout& layout,
                             folder_progress& found) {
  const auto relative = std::exchange(found.partial_path, {});
  const auto path = partial(folder / relative);
  std::error_code error;
  if (fs::file_size(path, error) < storage::sealed_header_bytes || error) return false;
  auto file = open_for_writing(path);
  if (!file) return file.error();
  storage::sealed_header header{};
  if (auto read = read_at(*file, header, 0); !read) return read.error();
  auto opener =
      storage::segment_opener::create(facts.key, {facts.download, found.position.object, layout.plain_bytes()}, header);
  if (!opener) return false;
  const auto segments = authentic_segments(*file, *opener, layout);
  if (!segments) return segments.error();
  const bool whole = *segments == layout.segments();
  const auto bytes = whole ? layout.sealed_bytes() : *segments * facts.segment_bytes;
  if (auto cut = truncate(*file, bytes); !cut) return cut.error();
  if (whole) {
    if (auto synced = sync(*file); !synced) return synced.error();
    if (std::rename(path.c_str(), (folder / relative).c_str()) != 0)
      return fail(errc::io_error, "rename a finished file in " + folder.string());
    if (auto synced = sync_directory(path.parent_path()); !synced) return synced.error();
    return true;
  }
  if (*segments == 0) return false;
  found.header = header;
  found.partial_path = relative;
  found.position.segment = *segments;
  return false;
}

}  // namespace

sealed_folder_store::sealed_folder_store(fs::path folder) : folder_(std::move(folder)) {}

std::string sealed_folder_store::path_of(const arriving_object& object) const {
  return object.place == nullptr ? sealed_index_name : sealed_path(*object.place);
}

result<void> sealed_folder_store::reopen(const std::string& relative_path) {
  current_path_ = folder_ / relative_path;
  auto file = open_for_writing(partial(current_path_));
  if (!file) return file.error();
  current_ = std::move(*file);
  current_bytes_ = 0;
  return {};
}

result<void> sealed_folder_store::begin(const arriving_object& object) {
  const auto relative = path_of(object);
  if (auto made = make_private_directory((folder_ / relative).parent_path()); !made) return made;
  if (auto opened = reopen(relative); !opened) return opened;
  return truncate(current_, 0);
}

result<void> sealed_folder_store::take(std::uint64_t sealed_offset, std::span<const std::uint8_t> sealed, std::uint64_t,
                                       std::span<const std::uint8_t>) {
  current_bytes_ += sealed.size();
  return write_at(current_, sealed, sealed_offset);
}

result<void> sealed_folder_store::finish() {
  unsynced_.push_back({std::move(current_), current_path_});
  unsynced_bytes_ += current_bytes_;
  current_ = file_descriptor{};
  const bool is_index = current_path_.filename() == sealed_index_name;
  const bool enough = unsynced_.size() >= sync_batch_files || unsynced_bytes_ >= sync_batch_bytes;
  return is_index || enough ? flush() : result<void>{};
}

void sealed_folder_store::discard() {
  current_ = file_descriptor{};
  std::error_code ignored;
  fs::remove(partial(current_path_), ignored);
}

result<void> sealed_folder_store::flush() {
  std::set<fs::path> directories;
  for (const auto& written : unsynced_)
    if (auto synced = sync(written.file); !synced) return synced;
  for (const auto& written : unsynced_) {
    if (std::rename(partial(written.path).c_str(), written.path.c_str()) != 0)
      return fail(errc::io_error, "rename a finished file in " + folder_.string());
    for (auto directory = written.path.parent_path(); directory.native().size() >= folder_.native().size();
         directory = directory.parent_path()) {
      directories.insert(directory);
      if (directory == folder_) break;
    }
  }
  unsynced_.clear();
  unsynced_bytes_ = 0;
  for (const auto& directory : directories)
    if (auto synced = sync_directory(directory); !synced) return synced;
  return {};
}

std::string plain_folder_store::path_of(const arriving_object& object) const {
  return plain_path(*object.place, object.about->modality);
}

result<void> plain_folder_store::begin(const arriving_object& object) {
  is_manifest_ = object.place == nullptr;
  return is_manifest_ ? result<void>{} : sealed_folder_store::begin(object);
}

result<void> plain_folder_store::take(std::uint64_t, std::span<const std::uint8_t>, std::uint64_t plain_offset,
                                      std::span<const std::uint8_t> plain) {
  return is_manifest_ ? result<void>{} : write_at(current(), plain, plain_offset);
}

result<void> plain_folder_store::finish() { return is_manifest_ ? result<void>{} : sealed_folder_store::finish(); }

result<folder_progress> find_progress(const fs::path& folder, const download_facts& facts) {
  folder_progress found;
  const auto index_path = folder / sealed_index_name;
  std::error_code error;
  if (!fs::exists(index_path, error)) return found;
  auto manifest = read_sealed_index(folder, facts);
  if (!manifest) return manifest.error();
  found.manifest = std::move(*manifest);
  found.index_bytes = fs::file_size(index_path, error);
  const auto places = place_objects(*found.manifest);
  const auto& objects = found.manifest->objects;
  found.position.object = next_available(*found.manifest, 1);
  while (found.position.object <= objects.size()) {
    const auto at = found.position.object - 1;
    const auto layout = storage::sealed_layout::of_plain(objects[at].plain_bytes, facts.segment_bytes);
    if (!layout) return layout.error();
    found.partial_path = sealed_path(places[at]);
    if (!is_whole(folder / found.partial_path, layout->sealed_bytes())) {
      auto taken_up = take_up_partial(folder, facts, *layout, found);
      if (!taken_up) return taken_up.error();
      if (!*taken_up) return found;
    }
    found.partial_path.clear();
    found.position.object = next_available(*found.manifest, found.position.object + 1);
  }
  return found;
}

std::uint64_t room_needed(const download_facts& facts, const download_receiver& receiver, std::uint64_t block_bytes) {
  const auto bytes_left = facts.bytes - std::min(facts.bytes, receiver.sealed_bytes_received());
  const auto objects_left = facts.objects - std::min(facts.objects, receiver.objects_finished());
  return bytes_left == 0 ? 0 : bytes_left + objects_left * block_bytes;
}

}  // namespace penstock::client
