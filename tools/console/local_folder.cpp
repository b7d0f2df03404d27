#include "tools/console/local_folder.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include "tools/client/download_folder.hpp"
#include "tools/client/download_record.hpp"

namespace penstock::console {
namespace {

namespace fs = std::filesystem;
using messages::errc;
using messages::fail;

constexpr std::string_view sealed_ending = ".sealed";

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string_view take_part(std::string_view& path) {
  const auto end = std::min(path.find('/'), path.size());
  const auto part = path.substr(0, end);
  path.remove_prefix(std::min(end + 1, path.size()));
  return part;
}

bool is_plain_image(const fs::path& path) { return path.extension() == ".dcm" || path.extension() == ".DCM"; }

/// Calls `each` with every file below `folder`, its path relative to it, until it says that it is enough.
template <class Each>
void for_each_file(const fs::path& folder, Each each) {
  std::error_code error;
  for (fs::recursive_directory_iterator at{folder, error}, end; at != end && !error; at.increment(error)) {
    std::error_code none;
    if (!at->is_regular_file(none) || at->is_symlink(none)) continue;
    const auto bytes = at->file_size(none);
    if (!each(at->path().lexically_relative(folder), none ? 0 : bytes)) return;
  }
}

bool belongs_to(const local_folder& folder, const fs::path& relative) {
  return folder.sealed ? is_file_of_sealed_download(relative.generic_string())
                       : is_plain_image(relative) || relative == "DICOMDIR";
}

/// Directories that have become empty, the deepest first; then the folder itself.
void remove_empty_directories(const fs::path& folder) {
  std::vector<fs::path> directories{folder};
  std::error_code error;
  for (fs::recursive_directory_iterator at{folder, error}, end; at != end && !error; at.increment(error))
    if (std::error_code none; at->is_directory(none) && !at->is_symlink(none)) directories.push_back(at->path());
  for (auto one = directories.rbegin(); one != directories.rend(); ++one)
    if (std::error_code none; fs::is_empty(*one, none) && !none) fs::remove(*one, none);
}

}  // namespace

bool is_file_of_sealed_download(const std::string& relative_path) {
  std::string_view path = relative_path;
  for (const std::string_view half_written : {client::partial_suffix, ".new"})
    if (path.ends_with(half_written)) path.remove_suffix(half_written.size());
  if (path == client::download_record_name || path == client::sealed_index_name) return true;
  if (!path.ends_with(sealed_ending)) return false;
  path.remove_suffix(sealed_ending.size());
  for (int i = 0; i < 3; ++i)
    if (!is_number(take_part(path))) return false;
  return path.empty();
}

folder_content content_of_paths(const std::vector<std::string>& relative_paths) {
  folder_content content;
  const auto under = [](auto& list, const std::string& label) -> auto& {
    const auto found = std::find_if(list.begin(), list.end(), [&](const auto& one) { return one.label == label; });
    if (found != list.end()) return *found;
    list.push_back({label, {}});
    return list.back();
  };
  for (std::size_t i = 0; i < relative_paths.size(); ++i) {
    fs::path above = fs::path{relative_paths[i]}.parent_path();
    std::string names[3];
    for (auto& name : names) {
      name = above.filename().string();
      above = above.parent_path();
    }
    auto& patient = under(content, names[2].empty() ? "(no patient)" : names[2]);
    auto& study = under(patient.studies, names[1].empty() ? "(no study)" : names[1]);
    auto& series = under(study.series, names[0].empty() ? "(no series)" : names[0]);
    series.images.push_back({i, fs::path{relative_paths[i]}.filename().string()});
  }
  return content;
}

std::vector<std::string> plain_images_in(const fs::path& folder) {
  std::vector<std::string> found;
  for_each_file(folder, [&](const fs::path& path, std::uint64_t) {
    if (is_plain_image(path)) found.push_back(path.generic_string());
    return found.size() < most_plain_images;
  });
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<local_folder> look_at_folder(const fs::path& folder) {
  local_folder about;
  about.path = folder.string();
  if (const auto record = client::load_record(folder); record) {
    about.state = record->state;
    about.project = record->project;
  } else if (record.error().code == errc::not_found) {
    about.sealed = false;
  } else {
    about.state = "damaged";
  }
  std::size_t seen = 0;
  for_each_file(folder, [&](const fs::path& path, std::uint64_t bytes) {
    const bool image =
        about.sealed ? path.extension() == sealed_ending && path.has_parent_path() : is_plain_image(path);
    about.images += image ? 1 : 0;
    if (belongs_to(about, path)) about.bytes += bytes;
    return about.sealed || ++seen < most_plain_images;
  });
  if (!about.sealed && about.images == 0) return std::nullopt;
  return about;
}

result<std::vector<local_folder>> find_folders(const fs::path& root) {
  std::error_code error;
  if (!fs::is_directory(root, error)) return fail(errc::not_found, root.string() + " is no folder");
  std::vector<local_folder> found;
  const bool is_one = fs::exists(root / client::download_record_name, error);
  if (!is_one)
    for (fs::directory_iterator at{root, error}, end; at != end && !error; at.increment(error)) {
      std::error_code none;
      if (found.size() == most_folders || at->path().filename().string().starts_with(".")) continue;
      if (!at->is_directory(none) || at->is_symlink(none)) continue;
      if (auto one = look_at_folder(at->path())) found.push_back(std::move(*one));
    }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  if (found.empty())
    if (auto one = look_at_folder(root)) found.push_back(std::move(*one));
  return found;
}

result<removed_files> remove_folder(const local_folder& folder) {
  const auto lock = client::lock_directory(folder.path);
  if (!lock) return lock.error();
  std::vector<fs::path> ours;
  removed_files removed;
  for_each_file(folder.path, [&](const fs::path& path, std::uint64_t bytes) {
    if (!belongs_to(folder, path)) return ++removed.left, true;
    removed.bytes += bytes;
    // The record goes last: what is cut short can still be opened, and deleted again.
    ours.insert(path == client::download_record_name ? ours.begin() : ours.end(), folder.path / path);
    return true;
  });
  for (auto one = ours.rbegin(); one != ours.rend(); ++one) {
    std::error_code error;
    if (fs::remove(*one, error); error)
      return fail(errc::io_error, "cannot delete " + one->string() + ": " + error.message());
    ++removed.files;
  }
  remove_empty_directories(folder.path);
  return removed;
}

}  // namespace penstock::console
