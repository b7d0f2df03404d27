#include "storage/recovery_record.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "messages/fields.hpp"
#include "storage/fence.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::storage {

using messages::result;

namespace {

constexpr const char* writer = "start";

struct missing_row {
  std::int64_t since_us = 0;
  PENSTOCK_FIELDS(since_us);
};

messages::journal_entry entry_of(const opened_core& opened, std::int64_t now_us) {
  messages::journal_entry entry;
  entry.kind = opened.accepted.empty() ? "journal.cut" : "journal.accepted";
  entry.details =
      nlohmann::json{{"why", opened.warnings}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  entry.rows.push_back(put_row(keys::newest_missing(), missing_row{now_us}));
  return entry;
}

}  // namespace

result<void> record_recovery(const opened_core& opened, const std::filesystem::path& fence, journal_options options) {
  if (!opened.newest_may_be_missing) return {};
  const auto now_us = options.clock.utc_us();
  auto log = journal_log::open(opened.store, std::move(options));
  if (!log) return log.error();
  auto generation = log->enrol(writer);
  if (!generation) return generation.error();
  messages::append_entries append;
  append.writer = writer;
  append.generation = *generation;
  append.entries.push_back(entry_of(opened, now_us));
  auto committed = log->append({append});
  if (!committed) return committed.error();
  if (!committed->outcomes.front()) return committed->outcomes.front().error();
  return opened.accepted.empty() ? result<void>{} : write_fence(fence, log->checkpoint());
}

result<std::optional<std::int64_t>> newest_missing_since(const row_reader& core) {
  auto row = read_row<missing_row>(core, keys::newest_missing(), "newest missing");
  if (!row) return row.error();
  return *row ? std::optional{(**row).since_us} : std::nullopt;
}

}  // namespace penstock::storage
