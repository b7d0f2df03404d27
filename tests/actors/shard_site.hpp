#pragma once
// A shard on a disk of its own: `site` outlives the process that `running` stands for.

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <span>
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

/// A file whose bytes the disk does not give.
class unreadable_file final : public storage::file {
 public:
  result<std::size_t> read_at(std::uint64_t, std::span<std::byte>) override { return fail(errc::io_error, "read"); }
  result<void> write_at(std::uint64_t, std::span<const std::byte>) override { return fail(errc::io_error, "write"); }
  result<std::uint64_t> size() override { return std::uint64_t{1} << 20; }
  result<void> truncate(std::uint64_t) override { return fail(errc::io_error, "truncate"); }
  result<void> sync() override { return fail(errc::io_error, "sync"); }
};

/// Fails what it is told to fail, as a full or failing disk does.
class full_disk final : public storage::file_system {
 public:
  enum class trouble { opening, reading };
  bool is_full = false;
  bool removes = true;
  std::map<std::string, trouble> troubled;

  result<std::unique_ptr<storage::file>> open_for_reading(const std::string& path) override {
    const auto found = troubled.find(path);
    if (found == troubled.end()) return storage::posix_files().open_for_reading(path);
    if (found->second == trouble::opening) return fail(errc::io_error, "open a pack");
    return std::unique_ptr<storage::file>{std::make_unique<unreadable_file>()};
  }
  result<std::unique_ptr<storage::file>> create(const std::string& path) override {
    return storage::posix_files().create(path);
  }
  result<void> rename(const std::string& from, const std::string& to) override {
    if (is_full) return fail(errc::no_space, "rename a pack");
    return storage::posix_files().rename(from, to);
  }
  result<void> remove(const std::string& path) override {
    if (!removes) return fail(errc::io_error, "remove a pack");
    return storage::posix_files().remove(path);
  }
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
  /// Ends the actor as a fault would; the custodian starts it again.
  void restart_shard() {
    auto pending = self->request(shard, caf::infinite, describe_shard{});
    settle();
    caf::strong_actor_ptr child;
    pending.receive([&](const shard_described&) { child = self->current_sender(); }, [](const caf::error&) {});
    caf::anon_send_exit(child, caf::exit_reason::kill);
    advance(std::chrono::seconds{1});
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
