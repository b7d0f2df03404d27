#include "storage/row_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <system_error>
#include <utility>

#include "storage/database_failure.hpp"

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::failure;
using messages::result;

namespace {

constexpr std::array column_names{
    std::string_view{"entries"}, std::string_view{"side_car"}, std::string_view{"tree"},  std::string_view{"rows"},
    std::string_view{"events"},  std::string_view{"meta"},     std::string_view{"packs"}, std::string_view{"instances"},
};
constexpr int background_jobs = 2;
constexpr int open_files = 512;
constexpr double bloom_bits_a_key = 10;
constexpr std::size_t log_line_bytes = 1024;

std::size_t index_of(column which) { return static_cast<std::size_t>(which); }

rocksdb::Slice slice_of(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view_of(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

/// The first key after all that start with `prefix`; empty when there is none.
std::string end_of_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

/// Keeps the first failure of a store; set by commits and by RocksDB's own threads.
class failure_keeper final : public rocksdb::EventListener {
 public:
  void keep(failure problem) {
    const std::lock_guard lock{mutex_};
    if (!first_) first_ = std::move(problem);
  }
  std::optional<failure> first() const {
    const std::lock_guard lock{mutex_};
    return first_;
  }
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    keep(failed_with(*status, "database in the background"));
  }

 private:
  mutable std::mutex mutex_;
  std::optional<failure> first_;
};

/// What RocksDB has to say goes to the log of the process. A file of its own beside the data, which it would make
/// otherwise, ends the process when the disk is full: it asserts that a file is not written to after an error.
class database_log final : public rocksdb::Logger {
 public:
  explicit database_log(std::string directory)
      : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), directory_(std::move(directory)), log_(spdlog::default_logger()) {}

  using Logger::Logv;
  /// Versions and options, at every open.
  void LogHeader(const char*, va_list) override {}
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    const bool wanted = level >= GetInfoLogLevel() && level < rocksdb::InfoLogLevel::HEADER_LEVEL;
    if (!wanted || !log_) return;
    std::array<char, log_line_bytes> line{};
    std::vsnprintf(line.data(), line.size(), format, arguments);
    std::replace_if(
        line.begin(), line.end(), [](char each) { return each > 0 && each < ' '; }, ' ');
    const auto as = level == rocksdb::InfoLogLevel::WARN_LEVEL ? spdlog::level::warn : spdlog::level::err;
    log_->log(as, "database {}: {}", directory_, line.data());
  }

 private:
  std::string directory_;
  std::shared_ptr<spdlog::logger> log_;  ///< held: RocksDB's threads may speak while the process lets its logs go
};

rocksdb::DBOptions database_options(const std::filesystem::path& directory, const row_store_options& options,
                                    const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.paranoid_checks = true;
  db.max_bgerror_resume_count = 0;
  db.wal_recovery_mode = options.on_log_damage == log_damage::refuse
                             ? rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords
                             : rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.wal_compression = rocksdb::kNoCompression;
  db.recycle_log_file_num = 0;
  db.manual_wal_flush = false;
  // What is not flushed yet takes its room from the cache: together they stay within its size.
  db.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes, cache);
  db.max_total_wal_size = 2 * options.write_buffer_bytes;
  db.max_background_jobs = background_jobs;
  db.max_file_opening_threads = background_jobs;
  db.max_open_files = open_files;
  db.info_log = std::make_shared<database_log>(directory.string());
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.allow_data_in_errors = false;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

rocksdb::ColumnFamilyOptions column_options(const row_store_options& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // In parts: a filter of a large file, read whole for one key, would push everything else out of a small cache.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(bloom_bits_a_key));
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = options.write_buffer_bytes;
  family.level_compaction_dynamic_level_bytes = true;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

}  // namespace

std::string_view name_of(column which) { return column_names.at(index_of(which)); }

struct row_store::database {
  std::filesystem::path directory;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> opened;
  std::array<rocksdb::ColumnFamilyHandle*, column_names.size()> by_column{};
  std::shared_ptr<failure_keeper> failures = std::make_shared<failure_keeper>();

  ~database() {
    for (auto* handle : opened) db->DestroyColumnFamilyHandle(handle);
  }

  std::string name(column where) const {
    return "database " + directory.filename().string() + " column " + std::string{name_of(where)};
  }
  failure lacks(column where) const { return fail(errc::internal, name(where) + ": not opened"); }

  result<std::optional<std::string>> get(const rocksdb::Snapshot* at, column where, std::string_view key) const {
    auto* family = by_column.at(index_of(where));
    if (family == nullptr) return lacks(where);
    rocksdb::ReadOptions reading;
    reading.snapshot = at;
    std::string value;
    const auto status = db->Get(reading, family, slice_of(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>{};
    if (!status.ok()) return failed_with(status, "read " + name(where));
    return std::optional<std::string>{std::move(value)};
  }

  result<scan_end> scan(const rocksdb::Snapshot* at, column where, const row_range& range,
                        const row_visitor& visit) const;
};

namespace {

void seek(rocksdb::Iterator& at, const row_range& range) {
  if (range.backwards && range.from.empty()) {
    at.SeekToLast();
  } else if (range.backwards) {
    at.SeekForPrev(range.from);
  } else {
    at.Seek(range.from < range.prefix ? range.prefix : range.from);
  }
}

}  // namespace

result<scan_end> row_store::database::scan(const rocksdb::Snapshot* at, column where, const row_range& range,
                                           const row_visitor& visit) const {
  auto* family = by_column.at(index_of(where));
  if (family == nullptr) return lacks(where);
  const auto end_key = end_of_prefix(range.prefix);
  const rocksdb::Slice lower = slice_of(range.prefix);
  const rocksdb::Slice upper = slice_of(end_key);
  rocksdb::ReadOptions reading;
  reading.snapshot = at;
  if (!range.prefix.empty()) reading.iterate_lower_bound = &lower;
  if (!end_key.empty()) reading.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> row{db->NewIterator(reading, family)};

  scan_end end;
  bool wanted = true;
  for (seek(*row, range); row->Valid(); range.backwards ? row->Prev() : row->Next()) {
    if (!view_of(row->key()).starts_with(range.prefix)) break;
    if (!wanted || end.visited == range.limit) {
      end.more = true;
      break;
    }
    ++end.visited;
    wanted = visit(view_of(row->key()), view_of(row->value()));
  }
  if (!row->status().ok()) return failed_with(row->status(), "scan " + name(where));
  return end;
}

/// Reads at one instant.
class row_store::view final : public row_reader {
 public:
  explicit view(std::shared_ptr<database> of) : database_(std::move(of)), at_(database_->db->GetSnapshot()) {}
  ~view() override { database_->db->ReleaseSnapshot(at_); }
  view(const view&) = delete;
  view& operator=(const view&) = delete;

  result<std::optional<std::string>> get(column where, std::string_view key) const override {
    return database_->get(at_, where, key);
  }
  result<scan_end> scan(column where, const row_range& range, const row_visitor& visit) const override {
    return database_->scan(at_, where, range, visit);
  }

 private:
  std::shared_ptr<database> database_;
  const rocksdb::Snapshot* at_;
};

row_store::row_store(std::shared_ptr<database> opened) : database_(std::move(opened)) {}
row_store::~row_store() = default;

result<std::shared_ptr<row_store>> row_store::open(const std::filesystem::path& directory,
                                                   const row_store_options& options) {
  std::error_code problem;
  std::filesystem::create_directories(directory, problem);
  if (problem) return fail(errc::io_error, "create " + directory.string() + ": " + problem.message());
  auto opened = std::make_shared<database>();
  opened->directory = directory;
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  auto db_options = database_options(directory, options, cache);
  db_options.listeners.push_back(opened->failures);
  const auto family_options = column_options(options, cache);
  std::vector<rocksdb::ColumnFamilyDescriptor> families{{rocksdb::kDefaultColumnFamilyName, family_options}};
  for (const auto which : options.columns) families.emplace_back(std::string{name_of(which)}, family_options);

  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(db_options, directory.string(), families, &opened->opened, &db);
  if (!status.ok()) return failed_with(status, "open database " + directory.string());
  opened->db.reset(db);
  for (std::size_t i = 0; i < options.columns.size(); ++i)
    opened->by_column.at(index_of(options.columns[i])) = opened->opened[i + 1];
  return std::shared_ptr<row_store>{new row_store{std::move(opened)}};
}

result<std::optional<std::string>> row_store::get(column where, std::string_view key) const {
  return database_->get(nullptr, where, key);
}

result<scan_end> row_store::scan(column where, const row_range& range, const row_visitor& visit) const {
  return database_->scan(nullptr, where, range, visit);
}

std::unique_ptr<row_reader> row_store::snapshot() const { return std::make_unique<view>(database_); }

result<void> row_store::commit(const row_batch& batch) {
  if (auto before = database_->failures->first())
    return fail(before->code, "commit refused since the store failed: " + before->context);
  rocksdb::WriteBatch changes;
  for (const auto& change : batch.operations()) {
    auto* family = database_->by_column.at(index_of(change.where));
    if (family == nullptr) return database_->lacks(change.where);
    const auto added =
        change.erase ? changes.Delete(family, change.key) : changes.Put(family, change.key, change.value);
    if (!added.ok()) return failed_with(added, "compose batch for " + database_->name(change.where));
  }
  rocksdb::WriteOptions writing;
  writing.sync = true;
  const auto status = database_->db->Write(writing, &changes);
  if (status.ok()) return {};
  auto problem = failed_with(status, "commit to database " + database_->directory.filename().string());
  database_->failures->keep(problem);
  return problem;
}

result<std::uint64_t> row_store::verify(std::uint64_t most_bytes, const std::function<bool()>& goes_on) const {
  std::vector<rocksdb::LiveFileMetaData> files;
  database_->db->GetLiveFilesMetaData(&files);
  std::sort(files.begin(), files.end(),
            [](const auto& left, const auto& right) { return left.largest_seqno > right.largest_seqno; });
  std::uint64_t left = 0;
  for (const auto& file : files) left += file.size;
  std::uint64_t read = 0;
  for (const auto& file : files) {
    if (read >= most_bytes || !goes_on()) break;
    const auto path = file.db_path + file.name;
    rocksdb::SstFileReader reader{rocksdb::Options{}};
    auto status = reader.Open(path);
    if (status.ok()) status = reader.VerifyChecksum();
    // Compactions take files away meanwhile; what they wrote instead was read by them.
    if (std::error_code none; !status.ok() && std::filesystem::exists(path, none))
      return failed_with(status, "verify database " + database_->directory.string());
    read += file.size;
    left -= file.size;
  }
  return left;
}

rocksdb::DB* row_store::engine() const { return database_->db.get(); }

std::optional<failure> row_store::what_failed() const { return database_->failures->first(); }

}  // namespace penstock::storage
