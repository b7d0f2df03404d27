// What leaves the building: who may take which studies out, and what was recorded before the first byte goes. The
// gateway asks twice: `authorise_download` says which instances they are, `record_download` journals what the shards
// have located of them. Nothing is sent, and no key is told, before the second answer.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "actors/project_queue_impl.hpp"
#include "actors/queue_entries.hpp"
#include "messages/type_ids.hpp"
#include "storage/digest.hpp"
#include "storage/journal_reader.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"
#include "storage/secret_bytes.hpp"

namespace penstock::actors {

using namespace messages;
namespace keys = storage::keys;
using nlohmann::json;

namespace {

/// Holdings that one download by series or instance may have to look into.
constexpr std::size_t most_holdings_searched = 10'000;
/// Rows of downloads and manifests that nobody needs any more, erased with the record of a new download.
constexpr std::size_t most_swept = 64;
/// Ids of downloads are at most 64 bytes (SEALED_STREAM.md): a longer project name is cut and told apart by its digest.
constexpr std::size_t most_name_bytes = 43;
constexpr std::size_t cut_name_bytes = 26;
constexpr std::size_t digest_bytes_of_name = 8;

using uid_set = std::set<dicom_uid>;

std::vector<dicom_uid> narrowed(std::vector<dicom_uid> manifest, const uid_set& to) {
  if (!to.empty()) std::erase_if(manifest, [&](const dicom_uid& uid) { return !to.contains(uid); });
  return manifest;
}

/// No valid name holds a '~', so that two projects never share an id.
std::string download_id(const std::string& project, std::uint64_t number) {
  if (project.size() <= most_name_bytes) return project + "-" + std::to_string(number);
  const auto digest = storage::sha256(project);
  return project.substr(0, cut_name_bytes) + "~" + storage::to_hex(std::span{digest}.first(digest_bytes_of_name)) +
         "-" + std::to_string(number);
}

bool same_text(const std::string& one, const std::string& other) {
  const auto bytes = [](const std::string& text) {
    return std::span{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  };
  return storage::equal_in_constant_time(bytes(one), bytes(other));
}

failure too_many_open() {
  return {errc::rate_limited,
          std::to_string(most_open_downloads) +
              " of your downloads in this project are open; resume them and take them to their end"};
}

download_recorded changed_answer(const std::string& download, std::vector<dicom_uid> changed) {
  return {download, std::move(changed)};
}

}  // namespace

result<void> project_queue::load_downloads() {
  if (downloads_loaded_) return {};
  auto all = storage::read_rows<download_row>(*options_.core, {.prefix = keys::downloads_of(options_.project)},
                                              "download", [&](std::string_view, download_row&& row) {
                                                downloads_.keep(row);
                                                return true;
                                              });
  if (!all) return all.error();
  downloads_loaded_ = true;
  return {};
}

/// The download that this operation has opened before; empty when it has opened none.
result<std::string> project_queue::opened_by(const caller& who) const {
  if (who.op.empty()) return std::string{};
  auto before = storage::read_operation(*options_.core, keys::operation(options_.project, who.user, who.op));
  if (!before) return before.error();
  if (!*before) return std::string{};
  const auto answer = json::parse((*before)->answer, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object() || !answer.contains("download"))
    return fail(errc::conflict, "op: it has named another change");
  return answer["download"].get<std::string>();
}

/// Somebody else's download, one that is over and one that never was look the same.
result<download_row> project_queue::find_download(const std::string& user, const std::string& download,
                                                  const std::string& key_check) const {
  auto row = storage::read_row<download_row>(*options_.core, keys::download(options_.project, download), "download");
  if (!row) return row.error();
  if (!*row || (*row)->user != user || download_book::is_over(**row, options_.clocks.utc_us()))
    return fail(errc::not_found, "you have no such download, or it was last used more than 24 hours ago");
  if (!same_text((*row)->key_check, key_check))
    return fail(errc::not_permitted, "key: it is not the key of this download");
  return std::move(**row);
}

result<download_content> project_queue::content_of(const std::string& download) const {
  auto content = storage::read_row<download_content>(*options_.core, keys::download_content(options_.project, download),
                                                     "content of a download");
  if (!content) return content.error();
  if (!*content) return fail(errc::corrupt, "download: nothing says what it holds");
  return std::move(**content);
}

/// A holding that may be taken out, and is not about to be deleted.
result<std::optional<holding_row>> project_queue::held(const std::string& pacs, const dicom_uid& study) {
  if (deleting_.contains(keys::holding(options_.project, pacs, study))) return std::optional<holding_row>{};
  auto holding = ledger_.holding(pacs, study);
  if (holding && *holding && is_suspended(**holding)) return std::optional<holding_row>{};
  return holding;
}

result<download_authorised> project_queue::gather_download(const authorise_download& command) {
  download_authorised grant;
  const uid_set only{command.instances.begin(), command.instances.end()};
  const auto add = [&](const holding_row& holding) -> result<void> {
    auto manifest = storage::read_row<instance_list>(
        *options_.core, keys::manifest(options_.project, holding.pacs, holding.study, holding.version), "manifest");
    if (!manifest) return manifest.error();
    if (!*manifest) return fail(errc::corrupt, "download: a holding has no manifest");
    auto instances = narrowed(std::move((*manifest)->instances), only);
    if (instances.empty()) return {};
    grant.parts.push_back({holding.pacs, holding.shard, holding.study, holding.version, std::move(instances)});
    return {};
  };
  uid_set seen;
  for (const auto& study : command.studies) {
    if (!seen.insert(study).second) continue;
    const auto before = grant.parts.size();
    for (const auto& [pacs, governor] : options_.governors) {
      auto holding = held(pacs, study);
      if (!holding) return holding.error();
      if (!*holding) continue;
      if (auto added = add(**holding); !added) return added.error();
    }
    if (grant.parts.size() == before)
      return fail(errc::not_found, "this project's repository does not hold a study of the list");
  }
  if (!command.studies.empty()) return grant;
  std::optional<failure> broken;
  auto all = storage::read_rows<holding_row>(
      *options_.core, {.prefix = keys::holdings_of(options_.project), .limit = most_holdings_searched}, "holding",
      [&](std::string_view key, holding_row&& row) {
        auto added = deleting_.contains(std::string{key}) || is_suspended(row) ? result<void>{} : add(row);
        if (!added) broken = added.error();
        return added.ok();
      });
  if (broken) return *broken;
  if (!all) return all.error();
  if (all->more) return fail(errc::too_large, "the project holds too many studies to look for it; name the studies");
  grant.series = command.series;
  return grant;
}

/// The instances of the versions that were opened, though a newer one may have come since.
result<download_authorised> project_queue::gather_again(const authorise_download& command) {
  auto row = find_download(command.who.user, command.resume, command.key_check);
  if (!row) return row.error();
  if (row->complete && !downloads_.has_room(row->user, row->download, options_.clocks.utc_us())) return too_many_open();
  auto content = content_of(row->download);
  if (!content) return content.error();
  download_authorised grant;
  grant.download = row->download;
  const uid_set only{content->instances.begin(), content->instances.end()};
  for (const auto& study : content->studies) {
    auto holding = held(study.pacs, study.study);
    if (!holding) return holding.error();
    auto manifest = storage::read_row<instance_list>(
        *options_.core, keys::manifest(options_.project, study.pacs, study.study, study.version), "manifest");
    if (!manifest) return manifest.error();
    if (!*holding || !*manifest) {
      grant.gone.push_back(study.study);
      continue;
    }
    grant.parts.push_back(
        {study.pacs, (**holding).shard, study.study, study.version, narrowed(std::move((*manifest)->instances), only)});
  }
  if (!grant.gone.empty()) grant.parts.clear();
  grant.series = std::move(content->series);
  return grant;
}

caf::result<download_authorised> project_queue::on_authorise(authorise_download& command) {
  if (auto no = refusal(command.who.user)) return to_caf(*no);
  if (auto loaded = load_downloads(); !loaded) return to_caf(loaded.error());
  if (!command.resume.empty()) {
    auto again = gather_again(command);
    return again ? caf::result<download_authorised>{std::move(*again)} : to_caf(again.error());
  }
  auto before = opened_by(command.who);
  if (!before) return to_caf(before.error());
  if (!before->empty()) {
    download_authorised repeated;
    repeated.download = std::move(*before);
    repeated.repeated = true;
    return repeated;
  }
  if (!downloads_.has_room(command.who.user, {}, options_.clocks.utc_us())) return to_caf(too_many_open());
  auto grant = gather_download(command);
  if (!grant) return to_caf(grant.error());
  if (grant->parts.empty()) return to_caf({errc::not_found, "nothing of the list is in this project's repository"});
  grant->download = download_id(options_.project, ++ledger_.counters.last_download);
  return std::move(*grant);
}

/// What of `studies` the project still holds, in the same version when that is asked for.
result<std::vector<downloaded_study>> project_queue::still_held(const std::vector<sealed_study>& studies,
                                                                bool same_version, std::vector<dicom_uid>& gone) {
  std::vector<downloaded_study> found;
  for (const auto& study : studies) {
    auto holding = held(study.pacs, study.study);
    if (!holding) return holding.error();
    if (!*holding || (same_version && (**holding).version != study.version)) {
      gone.push_back(study.study);
      continue;
    }
    auto open = ledger_.open_request(study.pacs, study.study);
    if (!open) return open.error();
    found.push_back({study, std::move(**holding), *open && changing_.contains((**open).number)});
  }
  return found;
}

caf::result<download_recorded> project_queue::on_record(record_download& command) {
  // The rules may have changed while the shards were asked.
  if (auto no = refusal(command.who.user)) return to_caf(*no);
  if (auto loaded = load_downloads(); !loaded) return to_caf(loaded.error());
  return command.resumed ? record_resumed(command) : record_opened(command);
}

caf::result<download_recorded> project_queue::record_opened(record_download& command) {
  const auto& who = command.who;
  const auto op_key = who.op.empty() ? std::string{} : keys::operation(options_.project, who.user, who.op);
  if (auto running = recording_.find(op_key); running != recording_.end()) {
    auto later = self_->make_response_promise<download_recorded>();
    running->second.push_back(later);
    return later;
  }
  auto before = opened_by(who);
  if (!before) return to_caf(before.error());
  if (!before->empty()) return download_recorded{*before, {}};
  const auto now_us = options_.clocks.utc_us();
  if (!downloads_.has_room(who.user, {}, now_us)) return to_caf(too_many_open());
  std::vector<dicom_uid> gone;
  auto studies = still_held(command.studies, /*same_version=*/true, gone);
  if (!studies) return to_caf(studies.error());
  if (!gone.empty()) return changed_answer(command.download, std::move(gone));
  const download_row row{command.download, options_.project, who.user, command.key_check, now_us, now_us, false};
  auto entries = download_opened(row, *studies);
  auto& head = entries.front();
  head.rows.push_back(storage::put_row(
      keys::download_content(options_.project, row.download),
      download_content{std::move(command.studies), std::move(command.series), std::move(command.instances)}));
  head.rows.push_back(ledger_.counters_row());
  std::vector<std::string> forgotten;
  if (auto swept = sweep_downloads(head, forgotten); !swept) return to_caf(swept.error());
  auto promise = self_->make_response_promise<download_recorded>();
  if (!op_key.empty()) recording_[op_key].push_back(promise);
  const auto waiting = [this, op_key, promise] {
    auto found = recording_.extract(op_key);
    return found ? std::move(found.mapped()) : std::vector<recorded_promise>{promise};
  };
  pen_.append(
      std::move(entries), op_key, json{{"download", row.download}}.dump(),
      [this, row, forgotten, waiting](const entries_committed&) {
        for (const auto& each : forgotten) downloads_.forget(each);
        downloads_.keep(row);
        for (auto& each : waiting()) each.deliver(download_recorded{row.download, {}});
      },
      [waiting](const failure& problem) {
        for (auto& each : waiting()) each.deliver(to_caf(problem));
      });
  return promise;
}

caf::result<download_recorded> project_queue::record_resumed(const record_download& command) {
  auto row = find_download(command.who.user, command.download, command.key_check);
  if (!row) return to_caf(row.error());
  auto content = content_of(row->download);
  if (!content) return to_caf(content.error());
  std::vector<dicom_uid> changed;
  auto studies = still_held(content->studies, /*same_version=*/false, changed);
  if (!studies) return to_caf(studies.error());
  for (const auto& was : content->studies) {
    const bool same = std::any_of(command.studies.begin(), command.studies.end(), [&](const sealed_study& is) {
      return is.pacs == was.pacs && is.study == was.study && is.contents == was.contents;
    });
    if (!same) changed.push_back(was.study);
  }
  if (!changed.empty()) return changed_answer(row->download, std::move(changed));
  row->active_us = options_.clocks.utc_us();
  row->complete = false;
  downloads_.keep(*row);  // at once, so that no sweep takes it for one that is over
  auto promise = self_->make_response_promise<download_recorded>();
  pen_.append(
      download_resumed(*row, *studies),
      [promise, download = row->download](const entries_committed&) mutable {
        promise.deliver(download_recorded{download, {}});
      },
      [promise](const failure& problem) mutable { promise.deliver(to_caf(problem)); });
  return promise;
}

/// Erases, with the entry that is about to be written, downloads that are over, and manifests of replaced versions that
/// no download needs which can still be resumed.
result<void> project_queue::sweep_downloads(journal_entry& entry, std::vector<std::string>& forgotten) {
  const auto now_us = options_.clocks.utc_us();
  forgotten = downloads_.over(now_us, most_swept);
  for (const auto& download : forgotten) {
    entry.rows.push_back(storage::erase_row(keys::download(options_.project, download)));
    entry.rows.push_back(storage::erase_row(keys::download_content(options_.project, download)));
  }
  const auto needed_from = downloads_.first_opened_us(now_us);
  auto old = storage::read_rows<superseded_manifest>(
      *options_.core, {.prefix = keys::superseded_of(options_.project), .limit = most_swept}, "superseded manifest",
      [&](std::string_view key, superseded_manifest&& row) {
        if (needed_from && row.at_us >= *needed_from) return false;
        entry.rows.push_back(storage::erase_row(std::string{key}));
        entry.rows.push_back(storage::erase_row(keys::manifest(options_.project, row.pacs, row.study, row.version)));
        return true;
      });
  if (!old) return old.error();
  return {};
}

/// Of any download, however long ago it was opened: an image may be written in the clear years later.
caf::result<answered> project_queue::on_exported(const note_export& command) {
  if (auto again = answered_before(command.who)) return std::move(*again);
  return commit_command(command.who, {download_exported(options_.project, command)}, "{}", [] {});
}

/// A session that is over counts as use. What cannot be recorded has still been sent: its opening stands in the
/// journal.
void project_queue::on_download_ended(const download_ended& ended) {
  if (!load_downloads()) return;
  auto row =
      storage::read_row<download_row>(*options_.core, keys::download(options_.project, ended.download), "download");
  if (!row || !*row) return;
  auto& download = **row;
  download.active_us = options_.clocks.utc_us();
  download.complete = download.complete || ended.complete;
  pen_.append(
      download_session_ended(download, ended),
      [this, download](const entries_committed&) { downloads_.keep(download); }, [](const failure&) {});
}

}  // namespace penstock::actors
