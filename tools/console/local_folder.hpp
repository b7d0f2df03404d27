#pragma once
// Folders of downloads on this disk, without their keys. These wait for the disk: not for the loop.

#include <filesystem>
#include <optional>
#include <vector>

#include "tools/console/local_files.hpp"

namespace penstock::console {

/// Of one place that is searched.
constexpr std::size_t most_folders = 1000;
/// Of one folder in the clear.
constexpr std::size_t most_plain_images = 100'000;

/// Nothing when there are no images in it.
[[nodiscard]] std::optional<local_folder> look_at_folder(const std::filesystem::path& folder);
[[nodiscard]] result<std::vector<local_folder>> find_folders(const std::filesystem::path& root);
/// Ordinary DICOM files below `folder`, relative, in the order of their names.
[[nodiscard]] std::vector<std::string> plain_images_in(const std::filesystem::path& folder);
/// errc::held_by_another while somebody works in it.
[[nodiscard]] result<removed_files> remove_folder(const local_folder& folder);

}  // namespace penstock::console
