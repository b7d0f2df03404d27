#include "storage/core_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <system_error>
#include <utility>

#include "storage/durable_file.hpp"
#include "storage/fence.hpp"
#include "storage/journal_reader.hpp"

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::failure;
using messages::result;
namespace fs = std::filesystem;

namespace {

using opened_store = result<std::shared_ptr<row_store>>;

/// However many requests wait: the queue lies on the disk.
constexpr std::size_t memory_bytes = std::size_t{24} << 20;
constexpr const char* may_be_accepted =
    ". Find out where the missing part went; an administrator may then take the journal as it is (--accept-rollback)";

fs::path examined_beside(const fs::path& directory) { return directory.string() + ".examined"; }

fs::path damaged_beside(const fs::path& directory) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return directory.string() + ".damaged-" +
         std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

/// Table files never change, so a link is a copy; everything else may be written to when the copy is opened.
result<void> copy_database(const fs::path& from, const fs::path& to) {
  std::error_code problem;
  fs::remove_all(to, problem);
  if (!problem) fs::create_directory(to, problem);
  for (fs::directory_iterator file{from, problem}, last; !problem && file != last; file.increment(problem)) {
    if (!file->is_regular_file() || file->path().filename() == "LOCK") continue;
    const auto target = to / file->path().filename();
    if (file->path().extension() == ".sst")
      fs::create_hard_link(file->path(), target, problem);
    else
      fs::copy_file(file->path(), target, problem);
    if (problem) break;
  }
  if (problem) return fail(errc::io_error, "copy database " + from.string() + ": " + problem.message());
  return {};
}

/// Whether the part before the damage still holds everything the fence has seen.
result<void> examine_copy(const fs::path& copy, const tree_checkpoint& fence) {
  auto store = open_core_rows(copy, log_damage::cut_at_damage);
  if (!store) return store.error();
  return check_fence(**store, fence);
}

/// What an examination left beside the database is kept for whoever looks into the damage.
result<fs::path> set_aside_examined(const fs::path& directory) {
  const auto kept = damaged_beside(directory);
  if (::rename(examined_beside(directory).c_str(), kept.c_str()) != 0)
    return failure_of_errno("rename to " + kept.string());
  if (auto synced = sync_directory(directory.parent_path()); !synced) return synced.error();
  return kept;
}

/// The log is damaged before its end. Its copy, cut at the damage, takes its place when the fence is within it.
opened_store cut_at_damage(const core_store_options& options, const failure& damage,
                           const std::optional<tree_checkpoint>& fence) {
  if (!fence && !options.accept_rollback)
    return fail(errc::corrupt, damage.context + "; there is no fence to say what it must hold" + may_be_accepted);
  const auto copy = examined_beside(options.directory);
  if (auto copied = copy_database(options.directory, copy); !copied) return copied.error();
  const auto wanted = options.accept_rollback ? tree_checkpoint{} : *fence;
  if (auto enough = examine_copy(copy, wanted); !enough) {
    std::error_code ignored;
    fs::remove_all(copy, ignored);
    return fail(errc::corrupt, damage.context + "; cut at the damage: " + enough.error().context + may_be_accepted);
  }
  if (auto exchanged = exchange_names(options.directory, copy); !exchanged) return exchanged.error();
  if (auto synced = sync_directory(options.directory.parent_path()); !synced) return synced.error();
  return open_core_rows(options.directory, log_damage::refuse);
}

/// A start that was interrupted after the exchange is finished here too, and then warns like the one before it.
result<void> warn_of_examined(const fs::path& directory, opened_core& core) {
  std::error_code ignored;
  if (!fs::exists(examined_beside(directory), ignored)) return {};
  auto kept = set_aside_examined(directory);
  if (!kept) return kept.error();
  core.newest_may_be_missing = true;
  core.warnings.push_back(
      "the log of the core database was damaged and was cut at the damage, not before its fence; "
      "what was acknowledged within the last second before the stop may be missing; the damaged "
      "database is kept in " +
      kept->string());
  return {};
}

result<void> compare_with_fence(const core_store_options& options, const std::optional<tree_checkpoint>& fence,
                                opened_core& core) {
  auto head = read_head(*core.store);
  if (!head) return head.error();
  if (!fence && head->size == 0) return write_fence(options.fence, *head);
  const auto missing = fail(errc::corrupt, "journal holds " + std::to_string(head->size) + " entries, but its fence " +
                                               options.fence.string() + " is missing");
  auto within = fence ? check_fence(*core.store, *fence) : result<void>{missing};
  if (within) return {};
  auto restored = take_restored_fence(*core.store, options.fence);
  if (!restored || *restored) return restored ? result<void>{} : restored.error();
  if (!options.accept_rollback) return fail(within.error().code, within.error().context + may_be_accepted);
  core.accepted = within.error().context;
  core.newest_may_be_missing = true;
  core.warnings.push_back("accepted by the administrator: " + core.accepted);
  return {};
}

/// A fence that cannot be understood is as good as none, once an administrator has looked into it.
result<std::optional<tree_checkpoint>> fence_of(const core_store_options& options) {
  auto fence = read_fence(options.fence);
  if (fence || fence.error().code != errc::corrupt) return fence;
  if (options.accept_rollback) return std::optional<tree_checkpoint>{};
  return fail(errc::corrupt, fence.error().context + may_be_accepted);
}

}  // namespace

opened_store open_core_rows(const fs::path& directory, log_damage on_damage) {
  row_store_options options;
  options.columns = {column::entries, column::side_car, column::tree, column::rows, column::events, column::meta};
  options.on_log_damage = on_damage;
  options.block_cache_bytes = memory_bytes;
  options.write_buffer_bytes = memory_bytes / 2;
  return row_store::open(directory, options);
}

result<opened_core> open_core_store(const core_store_options& options) {
  auto fence = fence_of(options);
  if (!fence) return fence.error();
  std::error_code problem;
  fs::create_directories(options.directory, problem);
  if (problem) return fail(errc::io_error, "create " + options.directory.string() + ": " + problem.message());

  auto store = open_core_rows(options.directory, log_damage::refuse);
  if (!store && store.error().code == errc::corrupt) store = cut_at_damage(options, store.error(), *fence);
  if (!store) return store.error();
  const auto unverified = (*store)->verify(options.verified_at_start_bytes);
  if (!unverified) return unverified.error();
  opened_core core{std::move(*store), {}, false, {}, *unverified};
  if (auto warned = warn_of_examined(options.directory, core); !warned) return warned.error();
  if (auto within = compare_with_fence(options, *fence, core); !within) return within.error();
  return core;
}

}  // namespace penstock::storage
