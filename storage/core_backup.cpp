#include "storage/core_backup.hpp"

#include <rocksdb/db.h>
#include <rocksdb/utilities/backup_engine.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <system_error>
#include <utility>

#include "storage/core_store.hpp"
#include "storage/database_failure.hpp"
#include "storage/durable_file.hpp"
#include "storage/journal_reader.hpp"
#include "storage/journal_verifier.hpp"
#include "storage/recovery_record.hpp"
#include "storage/utc_time.hpp"

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::failure;
using messages::result;
namespace fs = std::filesystem;

namespace {

/// So that a backup never takes the disk from those who are served.
constexpr std::uint64_t bytes_a_second = std::uint64_t{100} << 20;
constexpr std::int64_t a_second_us = 1'000'000;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

rocksdb::BackupEngineOptions engine_options(const fs::path& directory) {
  rocksdb::BackupEngineOptions options{directory.string()};
  options.backup_rate_limit = bytes_a_second;
  return options;
}

result<core_backup> described(const rocksdb::BackupInfo& info) {
  auto reached = parse_fence(info.app_metadata, "backup " + std::to_string(info.backup_id));
  if (!reached) return reached.error();
  return core_backup{info.backup_id, info.timestamp * a_second_us, info.size, *reached};
}

result<std::unique_ptr<rocksdb::BackupEngineReadOnly>> open_backups(const fs::path& directory) {
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored))
    return fail(errc::not_found, "there is no directory of backups " + directory.string());
  rocksdb::BackupEngineReadOnly* opened = nullptr;
  const auto status = rocksdb::BackupEngineReadOnly::Open(engine_options(directory), rocksdb::Env::Default(), &opened);
  if (!status.ok()) return failed_with(status, "open backups " + directory.string());
  return std::unique_ptr<rocksdb::BackupEngineReadOnly>{opened};
}

result<core_backup> choose(const std::vector<core_backup>& all, std::optional<std::uint32_t> number,
                           const fs::path& directory) {
  if (all.empty()) return fail(errc::not_found, "there is no backup in " + directory.string());
  if (!number) return all.back();
  for (const auto& one : all)
    if (one.number == *number) return one;
  return fail(errc::not_found, "there is no backup " + std::to_string(*number) + " in " + directory.string());
}

result<void> sync_files(const fs::path& directory) {
  std::error_code problem;
  for (fs::directory_iterator file{directory, problem}, last; !problem && file != last; file.increment(problem))
    if (auto synced = file->is_regular_file() ? sync_file(file->path()) : result<void>{}; !synced) return synced;
  if (problem) return fail(errc::io_error, "read " + directory.string() + ": " + problem.message());
  return sync_directory(directory);
}

/// What the fence of the state that is replaced says of what is lost; whatever it says, entries may be missing, since
/// it is up to a second old.
std::string what_is_missing(const core_backup& from, std::uint64_t entries, const fs::path& old_fence) {
  auto text = "restored from backup " + std::to_string(from.number) + " of " + rfc3339_utc(from.at_us) + " with " +
              std::to_string(entries) + " entries; ";
  const auto fence = read_fence(old_fence);
  if (!fence || !*fence) return text + "how many entries came after it is not known";
  if ((*fence)->size <= entries) return text + "no entry after them is known of";
  return text + std::to_string((*fence)->size - entries) + " entries that were acknowledged until " +
         rfc3339_utc((*fence)->at_us) + " are missing";
}

/// The copy proves itself, and says from then on what it lacks. Its fence waits beside the one in force, which the
/// database that is still in place needs.
result<void> prove_and_record(const fs::path& copy, const fs::path& fence, restored_core& done) {
  auto store = open_core_rows(copy, log_damage::refuse);
  if (!store) return store.error();
  auto proven = verify_journal(**store, done.from.reached);
  if (!proven) return proven.error();
  done.entries = proven->entries;
  done.missing = what_is_missing(done.from, done.entries, fence);
  const opened_core opened{*store, {done.missing}, true, done.missing};
  return record_recovery(opened, fence_of_restored(fence));
}

result<void> copy_and_prove(rocksdb::BackupEngineReadOnly& engine, const fs::path& copy, const fs::path& fence,
                            restored_core& done) {
  std::error_code problem;
  fs::remove_all(copy, problem);
  if (problem) return fail(errc::io_error, "remove " + copy.string() + ": " + problem.message());
  if (auto made = make_private_directory(copy); !made) return made;
  const auto status = engine.RestoreDBFromBackup(done.from.number, copy.string(), copy.string());
  if (!status.ok()) return failed_with(status, "copy backup " + std::to_string(done.from.number));
  if (auto synced = sync_files(copy); !synced) return synced;
  return prove_and_record(copy, fence, done);
}

/// Where the old database is kept, if there was one. The copy gets that name first: so there is always a database in
/// place, and none that is kept is taken for an unfinished copy.
result<fs::path> put_in_place(const fs::path& copy, const fs::path& core) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  fs::path kept =
      core.string() + ".replaced-" + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::error_code problem;
  fs::rename(copy, kept, problem);
  if (problem) return fail(errc::io_error, "put the restored database in place: " + problem.message());
  if (auto exchanged = exchange_names(core, kept); !exchanged) {
    fs::remove_all(kept, problem);
    return exchanged.error();
  }
  return kept;
}

/// A journal that finds no room ends the server: no backup is worth that.
result<void> judge_room(rocksdb::DB& core, const fs::path& directory) {
  struct stat state {};
  struct stat backups {};
  if (::stat(core.GetName().c_str(), &state) != 0 || ::stat(directory.c_str(), &backups) != 0)
    return failure_of_errno("look at " + directory.string());
  if (state.st_dev != backups.st_dev) return {};
  std::error_code problem;
  const auto free = fs::space(directory, problem).available;
  if (problem) return fail(errc::io_error, "measure the room of " + directory.string() + ": " + problem.message());
  std::uint64_t bytes = 0;
  if (!core.GetAggregatedIntProperty(rocksdb::DB::Properties::kLiveSstFilesSize, &bytes) ||
      fits_beside_state(free, bytes))
    return {};
  return fail(errc::no_space, directory.string() + " is on the disk of the state, which has " +
                                  std::to_string(free / mebibyte) + " MiB free; a backup takes up to " +
                                  std::to_string(bytes / mebibyte) + " MiB and must leave " +
                                  std::to_string(room_to_admit_bytes / mebibyte) + " MiB");
}

/// After the exchange is durable. A start does the same when this did not come to its end.
result<void> put_fence_in_place(const state_directory& into) {
  const auto fence = into.fence();
  auto done = sync_directory(into.root());
  if (done && ::rename(fence_of_restored(fence).c_str(), fence.c_str()) != 0)
    done = failure_of_errno("rename to " + fence.string());
  if (done) done = sync_directory(fence.parent_path());
  if (done) return {};
  return fail(done.error().code,
              "the restored database is in place, start penstockd to go on from here: " + done.error().context);
}

}  // namespace

result<core_backup> back_up_core(const row_store& core, const fs::path& directory, std::uint32_t keep) {
  if (auto made = make_private_directory(directory); !made) return made.error();
  if (auto room = judge_room(*core.engine(), directory); !room) return room.error();
  auto reached = read_head(core);
  if (!reached) return reached.error();
  rocksdb::BackupEngine* opened = nullptr;
  rocksdb::Status status = rocksdb::BackupEngine::Open(engine_options(directory), rocksdb::Env::Default(), &opened);
  if (!status.ok()) return failed_with(status, "open backups " + directory.string());
  const std::unique_ptr<rocksdb::BackupEngine> engine{opened};
  rocksdb::CreateBackupOptions options;
  options.flush_before_backup = true;
  rocksdb::BackupID number = 0;
  status = engine->CreateNewBackupWithMetadata(options, core.engine(), fence_text(*reached), &number);
  if (!status.ok()) {
    engine->GarbageCollect().PermitUncheckedError();  // what was copied of it takes room
    return failed_with(status, "back up to " + directory.string());
  }
  rocksdb::BackupInfo info;
  status = engine->GetBackupInfo(number, &info);
  if (!status.ok()) return failed_with(status, "look at the new backup");
  status = engine->PurgeOldBackups(keep);
  if (!status.ok()) return failed_with(status, "remove old backups");
  return described(info);
}

result<std::vector<core_backup>> list_backups(const fs::path& directory) {
  auto engine = open_backups(directory);
  if (!engine) return engine.error();
  std::vector<rocksdb::BackupInfo> infos;
  (*engine)->GetBackupInfo(&infos);
  std::vector<core_backup> all;
  for (const auto& info : infos) {
    auto one = described(info);
    if (!one) return one.error();
    all.push_back(*one);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return all;
}

result<restored_core> restore_core(const fs::path& directory, std::optional<std::uint32_t> number,
                                   const state_directory& into) {
  auto all = list_backups(directory);
  if (!all) return all.error();
  auto from = choose(*all, number, directory);
  if (!from) return from.error();
  auto engine = open_backups(directory);
  if (!engine) return engine.error();
  const auto status = (*engine)->VerifyBackup(from->number, true);
  if (!status.ok()) return failed_with(status, "backup " + std::to_string(from->number) + " is damaged");
  const auto copy = into.root() / "core.restoring";
  std::error_code ignored;
  restored_core done{*from, 0, {}, {}};
  const auto proven = copy_and_prove(**engine, copy, into.fence(), done);
  auto replaced = proven ? put_in_place(copy, into.core()) : result<fs::path>{proven.error()};
  if (!replaced) {
    engine->reset();  // its threads may still be copying
    fs::remove_all(copy, ignored);
    if (proven) fs::remove(fence_of_restored(into.fence()), ignored);
    return replaced.error();
  }
  if (auto fenced = put_fence_in_place(into); !fenced) return fenced.error();
  if (!fs::remove(*replaced, ignored)) done.replaced = *replaced;  // an empty one was no database
  return done;
}

}  // namespace penstock::storage
