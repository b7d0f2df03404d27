#pragma once
// Ordinary DICOM files on the researcher's disk, under names that people read: for `open export` and `download
// --plain`.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "storage/secret_bytes.hpp"
#include "tools/client/plain_layout.hpp"
#include "tools/penstock/decoder_child.hpp"

namespace penstock::commands {

using messages::result;

struct plain_flags {
  std::string layout;
  bool dicomdir = false;
};
void add_plain_flags(CLI::App& command, plain_flags& flags);
/// Without --layout: readable, or media with --dicomdir, which takes no other. errc::bad_request.
[[nodiscard]] result<client::plain_layout> layout_of(const plain_flags& flags);

/// The Part 10 file of an object, by its position in the manifest.
using read_object = std::function<result<storage::secret_bytes>(std::size_t object)>;

/// The paths of a layout, whose words are read from the first image of each series in the sandboxed child. A series
/// whose first image cannot be read is named by its number.
[[nodiscard]] std::vector<std::string> name_files(const client::download_manifest& manifest,
                                                  const std::vector<client::placement>& places,
                                                  client::plain_layout layout, decoder_child& reader,
                                                  const read_object& read);

/// Writes a new file of mode 0600 with the directories above it; not synced.
[[nodiscard]] result<void> write_plain_file(const std::filesystem::path& path, std::span<const std::uint8_t> content);
/// Everything written below `folder` is on the disk afterwards.
[[nodiscard]] result<void> sync_everything(const std::filesystem::path& folder);
/// Gives a file that `name_files` named its new path, and removes directories that this empties.
[[nodiscard]] result<void> move_plain_file(const std::filesystem::path& folder, const std::string& from,
                                           const std::string& to);

/// How files of a download in the clear are to be called.
struct plain_output {
  client::plain_layout layout = client::plain_layout::readable;
  bool dicomdir = false;
  decoder_child reader;

  /// Before there is a key in memory.
  static result<plain_output> prepare(const plain_flags& flags);
};

/// A download in the clear writes its files under their ordinals; their names are in them.
[[nodiscard]] result<void> name_received_files(const std::filesystem::path& folder,
                                               const client::download_manifest& manifest, plain_output& output);

/// Makes `folder`/DICOMDIR with DCMTK's dcmmkdir. errc::not_found when that is not installed.
[[nodiscard]] result<void> write_dicomdir(const std::filesystem::path& folder);

}  // namespace penstock::commands
