#pragma once
// What the subcommands of `open` share: a sealed download, opened with the user's key, and its images by their numbers.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/client/sealed_folder.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/sealed_key.hpp"

namespace penstock::commands {

struct open_flags {
  std::string folder;
  key_flags key;
};
void add_open_flags(CLI::App& command, open_flags& flags);

struct opened_folder {
  client::download_record record;
  client::sealed_folder images;
};
[[nodiscard]] result<opened_folder> open_folder(const context& at, const open_flags& flags);

/// Positions in the manifest, in the order of the files' names: image 1 is the first. Without what was never sent.
[[nodiscard]] std::vector<std::size_t> images_in_order(const client::sealed_folder& opened);

struct series_summary {
  std::string modality;
  std::int64_t number = 0;  ///< its Series Number
  std::uint64_t images = 0;
  std::uint64_t bytes = 0;
  std::size_t first_image = 0;       ///< its number in the download
  std::vector<std::size_t> objects;  ///< positions in the manifest
};
struct study_summary {
  std::string patient;
  std::map<std::uint32_t, series_summary> series;  ///< by their ordinals
};
/// What is in a download, by the ordinals of its studies. Without what was never sent.
[[nodiscard]] std::map<std::uint32_t, study_summary> summarise(const client::sealed_folder& opened);

/// The image that its number or the path of its file names. errc::not_found.
[[nodiscard]] result<std::size_t> selected(const client::sealed_folder& opened, const std::string& select);
/// Numbers of images: "3", "1-20,35"; empty for all. errc::bad_request, errc::not_found.
[[nodiscard]] result<std::vector<std::size_t>> image_numbers(const std::string& list, std::size_t images);

// Each adds its subcommands to `open`.
void add_open_view_commands(CLI::App& open, context& at);   // view, attributes
void add_open_export_command(CLI::App& open, context& at);  // export
void add_open_send_command(CLI::App& open, context& at);    // send

}  // namespace penstock::commands
