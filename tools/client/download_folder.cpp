#include "tools/client/download_folder.hpp"

#include <cstdio>
#include <set>

#include "storage/codec.hpp"
#include "storage/sealed_reader.hpp"
#include "tools/client/sealed_folder.hpp"

namespace penstock::client {
namespace {

namespace fs = std::filesystem;
using messages::errc;
using messages::fail;

constexpr std::size_t largest_record_bytes = 64 * 1024;
/// Small files are synced together: the first sync of a batch pays for all. Bounds open files, too.
constexpr std::size_t sync_batch_files = 64;

fs::path partial(fs::path path) {
  path += partial_suffix;
  return path;
}

/// Whether `path` is a whole file of `sealed_bytes`.
bool is_whole(const fs::path& path, std::uint64_t sealed_bytes) {
  std::error_code error;
  return fs::file_size(path, error) == sealed_bytes && !error;
}

result<void> look_at_partial(const fs::path& folder, std::uint32_t segment_bytes, folder_progress& found) {
  std::error_code error;
  const auto path = partial(folder / found.partial_path);
  const auto bytes = fs::file_size(path, error);
  const auto whole_segments = error ? 0 : bytes / segment_bytes;
  if (whole_segments == 0) {
    found.partial_path.clear();
    return {};
  }
  auto file = open_for_writing(path);
  if (!file) return file.error();
  storage::sealed_header header{};
  if (auto read = read_at(*file, header, 0); !read) return read;
  if (auto cut = truncate(*file, whole_segments * segment_bytes); !cut) return cut;
  found.header = header;
  found.position.segment = whole_segments;
  return {};
}

}  // namespace

result<void> save_record(const fs::path& folder, const download_record& record) {
  return replace_file(folder / download_record_name, storage::to_json_value(record).dump(2) + "\n");
}

result<download_record> load_record(const fs::path& folder) {
  auto text = read_small_file(folder / download_record_name, largest_record_bytes);
  if (!text && text.error().code == errc::not_found)
    return fail(errc::not_found, folder.string() + " holds no download (there is no " + download_record_name + ")");
  if (!text) return text.error();
  auto record = storage::decode<download_record>(*text, download_record_name);
  if (!record) return record;
  if (record->version != download_record_version)
    return fail(errc::corrupt, (folder / download_record_name).string() + " is of another version of Penstock");
  return record;
}

sealed_folder_store::sealed_folder_store(fs::path folder) : folder_(std::move(folder)) {}

std::string sealed_folder_store::path_of(const arriving_object& object) const {
  return object.place == nullptr ? sealed_index_name : sealed_path(*object.place);
}

result<void> sealed_folder_store::reopen(const std::string& relative_path) {
  current_path_ = folder_ / relative_path;
  auto file = open_for_writing(partial(current_path_));
  if (!file) return file.error();
  current_ = std::move(*file);
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
  return write_at(current_, sealed, sealed_offset);
}

result<void> sealed_folder_store::finish() {
  unsynced_.push_back({std::move(current_), current_path_});
  current_ = file_descriptor{};
  const bool is_index = current_path_.filename() == sealed_index_name;
  return is_index || unsynced_.size() >= sync_batch_files ? flush() : result<void>{};
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
  auto index = next_available(*found.manifest, 1);
  for (; index <= objects.size(); index = next_available(*found.manifest, index + 1)) {
    const auto layout = storage::sealed_layout::of_plain(objects[index - 1].plain_bytes, facts.segment_bytes);
    if (!layout) return layout.error();
    if (is_whole(folder / sealed_path(places[index - 1]), layout->sealed_bytes())) continue;
    found.partial_path = sealed_path(places[index - 1]);
    break;
  }
  found.position = {index, 0};
  if (found.partial_path.empty()) return found;
  if (auto looked = look_at_partial(folder, facts.segment_bytes, found); !looked) return looked.error();
  return found;
}

}  // namespace penstock::client
