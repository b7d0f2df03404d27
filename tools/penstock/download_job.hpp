#pragma once
// One download into one folder, from its beginning or from where it was.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/client/download_folder.hpp"
#include "tools/client/download_record.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/plain_files.hpp"
#include "tools/penstock/sealed_key.hpp"

namespace penstock::commands {

/// How a download ended that came to its end.
struct download_end {
  std::string folder;
  std::string download;  ///< empty when it is not kept sealed
  bool sealed = false;
  bool resumed = false;
  std::uint64_t images = 0;
  std::uint64_t bytes = 0;
  std::vector<std::uint32_t> missing;  ///< objects that the server could not send
  std::optional<std::size_t> verified;
  double seconds = 0;
};

struct download_options {
  std::string heading;  ///< of its line on the terminal
  bool verify = false;
  bool progress_for_programs = false;
};

/// Gives the key of a download that is here.
using key_opener = std::function<result<client::opened_key>(const client::download_record&)>;

// Studies of the project's cache into a folder that is new or empty. A failure says how to go on; errc::shutting_down
// after Ctrl-C.
[[nodiscard]] result<download_end> begin_sealed_download(context& at, const std::filesystem::path& folder,
                                                         const nlohmann::json& studies, const new_holder& key,
                                                         const download_options& options);
[[nodiscard]] result<download_end> begin_plain_download(context& at, const std::filesystem::path& folder,
                                                        const nlohmann::json& studies, plain_output& output,
                                                        const download_options& options);
/// What is in the folder is looked at first; nothing is asked of the server when nothing is missing.
[[nodiscard]] result<download_end> resume_download_in(context& at, const std::filesystem::path& folder,
                                                      const key_opener& open, const download_options& options);

/// Whether the folder is new, empty, or holds what a kill left of a record that was being written.
[[nodiscard]] bool can_begin_in(const std::filesystem::path& folder);

}  // namespace penstock::commands
