#include "actors/pack_shelf.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <system_error>
#include <utility>

#include "messages/ids.hpp"
#include "storage/digest.hpp"

namespace penstock::actors {
namespace {

namespace fs = std::filesystem;
using messages::errc;
using messages::fail;
using messages::result;

constexpr std::string_view part_suffix = ".part";
constexpr std::string_view pack_suffix = ".pack";
constexpr std::size_t stem_digits = 16;
constexpr std::size_t fan_out_digits = 2;
constexpr std::size_t most_part_number_digits = 6;

messages::failure failed(std::string_view operation, const fs::path& path, const std::error_code& why) {
  const auto code = why == std::errc::no_space_on_device ? errc::no_space : errc::io_error;
  return fail(code, std::string{operation} + " " + path.string() + ": " + why.message());
}

bool all_of(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

/// "<stem>-<n>" of a file name with that suffix.
std::optional<std::string> pack_id_in(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  if (name.size() < stem_digits + 2 || name[stem_digits] != '-') return std::nullopt;
  const auto number = name.substr(stem_digits + 1);
  const bool usable = all_of(name.substr(0, stem_digits), "0123456789abcdef") && all_of(number, "0123456789") &&
                      number.size() <= most_part_number_digits;
  return usable ? std::optional{std::string{name}} : std::nullopt;
}

result<bool> is_file(const fs::path& path) {
  std::error_code why;
  const auto type = fs::status(path, why).type();
  if (type == fs::file_type::none || type == fs::file_type::unknown) return failed("look at", path, why);
  return type == fs::file_type::regular;
}

}  // namespace

result<void> pack_shelf::make_folder(const fs::path& folder) {
  if (on_disk_.contains(folder)) return {};
  std::error_code why;
  const auto parent = folder.parent_path();
  const bool ours = folder.native().size() > root_.native().size();
  if (!parent.empty() && (ours || !fs::is_directory(parent, why)))
    if (auto made = make_folder(parent); !made) return made;
  if (fs::create_directory(folder, why))
    fs::permissions(folder, fs::perms::owner_all, why);
  else if (why)
    return failed("make folder", folder, why);
  if (auto synced = files_->sync_directory(parent.string()); !synced) return synced;
  on_disk_.insert(folder);
  return {};
}

result<void> pack_shelf::prepare() {
  if (auto made = make_folder(incoming()); !made) return made;
  return make_folder(settled());
}

std::string pack_shelf::new_stem() {
  std::array<std::uint8_t, stem_digits / 2> bytes{};
  storage::fill_random(bytes);
  return storage::to_hex(bytes);
}

std::optional<std::string> pack_shelf::pack_id_of_part(std::string_view part) { return pack_id_in(part, part_suffix); }

fs::path pack_shelf::incoming_path(const std::string& pack_id) const {
  return incoming() / (pack_id + std::string{part_suffix});
}

fs::path pack_shelf::settled_path(const std::string& pacs, const std::string& pack_id) const {
  return settled() / pacs / pack_id.substr(0, fan_out_digits) / (pack_id + std::string{pack_suffix});
}

result<bool> pack_shelf::is_settled(const std::string& pacs, const std::string& pack_id) const {
  return is_file(settled_path(pacs, pack_id));
}

result<bool> pack_shelf::is_gone(const std::string& pacs, const std::string& pack_id) const {
  auto there = is_settled(pacs, pack_id);
  if (!there || *there) return there ? result<bool>{false} : there;
  auto bare = is_bare();
  if (!bare) return bare;
  if (*bare) return fail(errc::io_error, settled().string() + " holds nothing at all: is its disk mounted?");
  return true;
}

result<bool> pack_shelf::is_bare() const {
  std::error_code why;
  const bool bare = fs::is_empty(settled(), why);
  if (why) return failed("read folder", settled(), why);
  return bare;
}

result<std::optional<fs::path>> pack_shelf::find(const std::string& pacs, const std::string& pack_id) const {
  for (const auto& path : {incoming_path(pack_id), settled_path(pacs, pack_id)}) {
    auto there = is_file(path);
    if (!there) return there.error();
    if (*there) return std::optional{path};
  }
  return std::optional<fs::path>{};
}

result<void> pack_shelf::settle(const std::string& pacs, const std::string& pack_id) {
  auto already = is_settled(pacs, pack_id);
  if (!already) return already.error();
  if (*already) return {};
  const auto from = incoming_path(pack_id);
  const auto to = settled_path(pacs, pack_id);
  if (auto made = make_folder(to.parent_path()); !made) return made;
  auto part = files_->open_for_reading(from.string());
  if (!part) return part.error();
  if (auto synced = (*part)->sync(); !synced) return synced;
  return files_->rename(from.string(), to.string());
}

result<void> pack_shelf::sync_folders(const std::string& pacs, const std::vector<std::string>& pack_ids) {
  std::set<fs::path> folders{incoming()};
  for (const auto& id : pack_ids) folders.insert(settled_path(pacs, id).parent_path());
  std::error_code why;
  for (const auto& folder : folders)
    if (fs::is_directory(folder, why))
      if (auto synced = files_->sync_directory(folder.string()); !synced) return synced;
  return {};
}

result<void> pack_shelf::discard(const std::string& pacs, const std::vector<std::string>& pack_ids) {
  if (pack_ids.empty()) return {};
  for (const auto& id : pack_ids)
    for (;;) {
      const auto path = find(pacs, id);
      if (!path) return path.error();
      if (!*path) break;
      if (auto removed = files_->remove((*path)->string()); !removed) return removed;
    }
  return sync_folders(pacs, pack_ids);
}

result<void> pack_shelf::clear_incoming() {
  std::error_code why;
  std::vector<fs::path> left;
  for (fs::directory_iterator at{incoming(), why}, end; !why && at != end; at.increment(why))
    if (at->path().extension() == part_suffix) left.push_back(at->path());
  if (why) return failed("read folder", incoming(), why);
  for (const auto& path : left)
    if (auto removed = files_->remove(path.string()); !removed) return removed;
  return files_->sync_directory(incoming().string());
}

result<std::vector<shelved_pack>> pack_shelf::list() const {
  std::error_code why;
  std::vector<std::pair<fs::file_time_type, shelved_pack>> found;
  for (fs::recursive_directory_iterator at{settled(), why}, end; !why && at != end; at.increment(why)) {
    const auto id = pack_id_in(at->path().filename().string(), pack_suffix);
    if (!id || at.depth() != 2) continue;
    auto pacs = at->path().parent_path().parent_path().filename().string();
    if (!messages::is_valid_name(pacs)) continue;
    const auto written = at->last_write_time(why);
    found.emplace_back(written, shelved_pack{std::move(pacs), *id, at->path()});
  }
  if (why) return failed("read folder", settled(), why);
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<shelved_pack> packs;
  packs.reserve(found.size());
  for (auto& [written, pack] : found) packs.push_back(std::move(pack));
  return packs;
}

}  // namespace penstock::actors
