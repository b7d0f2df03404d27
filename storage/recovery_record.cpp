#include "storage/recovery_record.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "storage/fence.hpp"
#include "storage/journal_reader.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::storage {

using messages::result;

namespace {

constexpr const char* writer = "start";

messages::journal_entry entry_of(const opened_core& opened, const missing_since& found) {
  messages::journal_entry entry;
  entry.kind = opened.accepted.empty() ? "journal.cut" : "journal.accepted";
  entry.details =
      nlohmann::json{{"why", opened.warnings}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  entry.rows.push_back(put_row(keys::newest_missing(), found));
  return entry;
}

}  // namespace

result<void> record_recovery(const opened_core& opened, const std::filesystem::path& fence, journal_options options) {
  if (!opened.newest_may_be_missing) return {};
  auto latest_us = read_latest_time(*opened.store);
  if (!latest_us) return latest_us.error();
  missing_since found{options.clock.utc_us(), options.clock.boot_id, options.clock.boottime_ns(), false};
  found.clock_in_doubt = found.since_us < *latest_us;
  auto log = journal_log::open(opened.store, std::move(options));
  if (!log) return log.error();
  auto generation = log->enrol(writer);
  if (!generation) return generation.error();
  messages::append_entries append;
  append.writer = writer;
  append.generation = *generation;
  append.entries.push_back(entry_of(opened, found));
  auto committed = log->append({append});
  if (!committed) return committed.error();
  if (!committed->outcomes.front()) return committed->outcomes.front().error();
  return opened.accepted.empty() ? result<void>{} : write_fence(fence, log->checkpoint());
}

result<std::optional<missing_since>> newest_missing_since(const row_reader& core) {
  return read_row<missing_since>(core, keys::newest_missing(), "newest missing");
}

}  // namespace penstock::storage
