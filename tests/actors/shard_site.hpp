#pragma once
// A shard on a disk of its own: `site` outlives the process that `running` stands for.

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/cache_shard.hpp"
#include "tests/actors/shard_support.hpp"
#include "tests/support/sim_world.hpp"

namespace penstock::tests {

using namespace penstock::messages;
namespace fs = std::filesystem;

const dicom_uid study{"1.2.3"};
const medical_record_number patient{protected_text{"0012345"}, protected_text{"GH"}};

inline object numbered(int number) {
  object made;
  made.instance = "1.2.3.1." + std::to_string(number);
  made.instance_number = number;
  return made;
}

inline dicom_uid uid(int number) { return dicom_uid{"1.2.3.1." + std::to_string(number)}; }

/// Fails what it is told to fail, as a full disk does.
class full_disk final : public storage::file_system {
 public:
  bool is_full = false;

  result<std::unique_ptr<storage::file>> open_for_reading(const std::string& path) override {
    return storage::posix_files().open_for_reading(path);
  }
  result<std::unique_ptr<storage::file>> create(const std::string& path) override {
    return storage::posix_files().create(path);
  }
  result<void> rename(const std::string& from, const std::string& to) override {
    if (is_full) return fail(errc::no_space, "rename a pack");
    return storage::posix_files().rename(from, to);
  }
  result<void> remove(const std::string& path) override { return storage::posix_files().remove(path); }
  result<void> sync_directory(const std::string& path) override { return storage::posix_files().sync_directory(path); }
};

inline std::size_t files_below(const fs::path& folder) {
  std::size_t files = 0;
  std::error_code gone;
  for (const auto& entry : fs::recursive_directory_iterator{folder, gone}) files += entry.is_regular_file();
  return files;
}

/// What outlives a process: the directory and the claims.
struct site {
  temporary_directory directory;
  std::set<std::string> unclaimed;
  full_disk disk;
  actors::cache_shard_options options = fresh_options();

  fs::path packs() const { return directory.path() / "packs"; }
  fs::path catalogue() const { return directory.path() / "catalogue"; }
  fs::path incoming() const { return packs() / "incoming"; }
  fs::path settled() const { return packs() / "settled"; }

  /// As a new process starts.
  actors::cache_shard_options fresh_options() {
    actors::cache_shard_options made;
    made.packs = packs();
    made.catalogue = catalogue();
    made.node = "node-1";
    made.is_claimed = [this](const std::string&, const dicom_uid& of) { return !unclaimed.contains(of.reveal()); };
    made.files = &disk;
    return made;
  }
};

struct running : sim_world {
  explicit running(const actors::cache_shard_options& options)
      : shard(keep(actors::start_cache_shard(
            sys, options, [this](const caf::error&, std::chrono::milliseconds) { ++restarts; },
            actors::hosting::scheduled))) {
    settle();
  }

  /// Delivers the parts under a reserved stem and settles them.
  result<study_settled> deliver(const std::vector<std::vector<object>>& parts, std::vector<dicom_uid> expected) {
    const auto reserved = ask<pack_reserved>(shard, reserve_pack{"gh-rad", study, {}, {}, {}}).value();
    settle_study arrived;
    arrived.project = "alz";
    arrived.request = 17;
    arrived.permit = 4;
    arrived.pacs = "gh-rad";
    arrived.study = study;
    arrived.expected = std::move(expected);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      arrived.parts.push_back(reserved.stem + "-" + std::to_string(i + 1) + ".part");
      write_part(reserved.directory, arrived.parts.back(), parts[i]);
    }
    last = arrived;
    return ask<study_settled>(shard, arrived);
  }
  objects_located locate(std::vector<dicom_uid> instances) {
    return ask<objects_located>(shard, locate_objects{"gh-rad", study, std::move(instances)}).value();
  }
  shard_described describe() { return ask<shard_described>(shard, describe_shard{}).value(); }

  int restarts = 0;
  settle_study last;
  cache_shard_actor shard;
};

inline void overwrite(const fs::path& path, std::uint64_t offset, char with) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(with);
}

inline fs::path only_file_below(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator{folder})
    if (entry.is_regular_file()) return entry.path();
  return {};
}

}  // namespace penstock::tests
