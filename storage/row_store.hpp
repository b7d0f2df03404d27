#pragma once
// Ordered rows in columns: the one wrapper of RocksDB. The core database and each shard's catalogue are such stores.
// Reads are const and may come from any thread; commits come from the one owner of the store.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/result.hpp"

namespace rocksdb {
class DB;
}

namespace penstock::storage {

/// A store has those columns that it was opened with; asking for another one is errc::internal.
enum class column : std::uint8_t {
  // the core database (JOURNAL.md)
  entries,
  side_car,
  tree,
  rows,
  events,
  meta,
  // a shard's catalogue (catalogue.hpp)
  packs,
  instances,
};

[[nodiscard]] std::string_view name_of(column which);

/// Rows in key order. Only keys that start with `prefix` are visited, beginning with the first one that is not before
/// `from` (backwards: the last one that is not after it); an empty `from` means the prefix's first (last) key.
struct row_range {
  std::string from = {};
  std::string prefix = {};
  std::size_t limit = SIZE_MAX;
  bool backwards = false;
};

/// `more` is true when the limit, or the visitor, stopped the scan before the range was through.
struct scan_end {
  std::size_t visited = 0;
  bool more = false;
};

/// Returns false to stop. The views are valid during the call.
using row_visitor = std::function<bool(std::string_view key, std::string_view value)>;

/// What a store and a snapshot of it have in common. Failures: errc::corrupt (a block fails its checksum), io_error.
class row_reader {
 public:
  virtual ~row_reader() = default;
  /// The value, or nothing when there is no such row.
  [[nodiscard]] virtual messages::result<std::optional<std::string>> get(column where, std::string_view key) const = 0;
  [[nodiscard]] virtual messages::result<scan_end> scan(column where, const row_range& range,
                                                        const row_visitor& visit) const = 0;
};

/// Changes that take effect together, in the order in which they were added.
class row_batch {
 public:
  struct operation {
    column where;
    std::string key;
    std::string value;
    bool erase;
  };

  void put(column where, std::string key, std::string value) {
    operations_.push_back({where, std::move(key), std::move(value), false});
  }
  void erase(column where, std::string key) { operations_.push_back({where, std::move(key), {}, true}); }
  [[nodiscard]] const std::vector<operation>& operations() const { return operations_; }
  [[nodiscard]] bool empty() const { return operations_.empty(); }

 private:
  std::vector<operation> operations_;
};

/// What a damaged write-ahead log means. `refuse` opens a log that merely lacks its end (a write that was cut), and
/// refuses one that is damaged before its end. `cut_at_damage` silently drops everything after the first damage: only
/// for what can be made again, and for the examined copy of a refused store.
enum class log_damage : std::uint8_t { refuse, cut_at_damage };

struct row_store_options {
  std::vector<column> columns;
  log_damage on_log_damage = log_damage::refuse;
  std::size_t block_cache_bytes = std::size_t{64} << 20;
  std::size_t write_buffer_bytes = std::size_t{32} << 20;
};

class row_store final : public row_reader {
 public:
  /// Creates the store when `directory` is empty. errc::corrupt, io_error, no_space, or held_by_another when another
  /// process has it open; the text names the directory.
  [[nodiscard]] static messages::result<std::shared_ptr<row_store>> open(const std::filesystem::path& directory,
                                                                         const row_store_options& options);
  ~row_store() override;
  row_store(const row_store&) = delete;
  row_store& operator=(const row_store&) = delete;

  [[nodiscard]] messages::result<std::optional<std::string>> get(column where, std::string_view key) const override;
  [[nodiscard]] messages::result<scan_end> scan(column where, const row_range& range,
                                                const row_visitor& visit) const override;

  /// The store as it is now, for pages that belong together. It may outlive the store object.
  [[nodiscard]] std::unique_ptr<row_reader> snapshot() const;

  /// All of `batch` or nothing, synced to the disk. After a failure the outcome on disk is unknown until the store is
  /// opened again, so the store counts as failed: every later commit is refused with the first failure's text.
  [[nodiscard]] messages::result<void> commit(const row_batch& batch);

  /// Reads every block of the table files, newest first, until `most_bytes` are read or `goes_on` says no (asked before
  /// each file); how many bytes were left unread. errc::corrupt names the file and the place of the first block that is
  /// damaged. Any thread, while the store is in use.
  [[nodiscard]] messages::result<std::uint64_t> verify(
      std::uint64_t most_bytes, const std::function<bool()>& goes_on = [] { return true; }) const;
  /// For copies of the whole (core_backup.cpp).
  [[nodiscard]] rocksdb::DB* engine() const;

  /// Set once a commit failed or the database met an error in the background: what came first. The owner must stop
  /// acknowledging.
  [[nodiscard]] std::optional<messages::failure> what_failed() const;

 private:
  struct database;
  class view;
  explicit row_store(std::shared_ptr<database> opened);
  std::shared_ptr<database> database_;
};

}  // namespace penstock::storage
