#pragma once
// What `pull` remembers of its work, in penstock-pull.json of its folder. Nothing about patients: requests by their
// numbers, counts, and the folders of the downloads. What else is needed is asked of the server again.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "messages/fields.hpp"
#include "messages/result.hpp"

namespace penstock::commands {

using messages::result;

constexpr auto pull_record_name = "penstock-pull.json";
constexpr std::uint32_t pull_record_version = 1;

/// One message of `requests.submit`. Its answer is remembered by the server under `op`.
struct submitted_batch {
  std::string op;
  std::uint64_t items = 0;
  bool answered = false;
  PENSTOCK_FIELDS(op, items, answered);
};

/// One download: the folder is named by its number, "0001".
struct pulled_batch {
  std::string folder;
  std::vector<std::string> requests;
  bool done = false;
  std::uint64_t images = 0;
  std::uint64_t missing = 0;  ///< images that could not be sent
  PENSTOCK_FIELDS(folder, requests, done, images, missing);
};

struct pull_record {
  std::uint32_t version = pull_record_version;
  std::string project;
  bool plain = false;
  std::vector<submitted_batch> submitted;
  std::vector<std::string> requests;
  std::uint64_t cached_before = 0;             ///< studies that had no request any more; the first batch has them
  std::map<std::string, std::uint64_t> lines;  ///< outcomes of the input lines
  std::map<std::string, std::uint64_t> asked;  ///< outcomes of the studies
  std::vector<pulled_batch> batches;
  bool done = false;
  PENSTOCK_FIELDS(version, project, plain, submitted, requests, cached_before, lines, asked, batches, done);
};

[[nodiscard]] result<void> save_pull(const std::filesystem::path& folder, const pull_record& record);
/// errc::not_found when `folder` holds no pull, errc::corrupt when it is of another version.
[[nodiscard]] result<pull_record> load_pull(const std::filesystem::path& folder);

/// Requests that no batch has yet.
[[nodiscard]] std::vector<std::string> not_in_a_batch(const pull_record& record);
[[nodiscard]] std::string next_folder(const pull_record& record);

}  // namespace penstock::commands
