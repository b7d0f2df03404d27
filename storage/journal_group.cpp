#include "storage/journal_group.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "storage/codec.hpp"
#include "storage/journal_keys.hpp"
#include "storage/utc_time.hpp"

namespace penstock::storage {

using messages::append_entries;
using messages::errc;
using messages::fail;
using messages::journal_entry;
using messages::result;

namespace {

bool is_usable_topic(const std::string& topic, std::size_t limit) {
  return !topic.empty() && topic.size() <= limit &&
         std::all_of(topic.begin(), topic.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::size_t bytes_of(const journal_entry& entry) {
  std::size_t bytes = 0;
  for (const auto& row : entry.rows) bytes += row.key.size() + row.value.size();
  for (const auto& event : entry.events) bytes += event.json.size();
  return bytes;
}

}  // namespace

struct journal_group::prepared_event {
  std::string topic;
  nlohmann::json body;
};

struct journal_group::prepared_entry {
  composed_leaf leaf;
  std::vector<prepared_event> events;
};

journal_group::journal_group(const row_store& core, const journal_options& options, const merkle_tree& tree,
                             const name_counts& generations, const name_counts& last_events)
    : core_(core),
      options_(options),
      generations_(generations),
      last_events_(last_events),
      at_us_(options.clock.utc_us()),
      boottime_ns_(options.clock.boottime_ns()),
      at_text_(rfc3339_utc(at_us_)),
      tree_(tree) {}

result<messages::entries_committed> journal_group::add(const append_entries& append) {
  if (auto known = check_writer(append); !known) return known.error();
  if (auto fresh = check_operation(append); !fresh) return fresh.error();
  auto prepared = prepare(append);
  if (!prepared) return prepared.error();

  const auto first = tree_.size() + 1;
  for (std::size_t i = 0; i < prepared->size(); ++i) put(append.entries[i], std::move((*prepared)[i]));
  if (!append.op_key.empty()) {
    batch_.put(column::rows, journal_keys::operation(append.op_key),
               encode(remembered_operation{append.op_answer, at_us_}));
    operations_.insert(append.op_key);
  }
  return messages::entries_committed{first, tree_.size()};
}

void journal_group::erase_side_car(std::uint64_t sequence) {
  batch_.erase(column::side_car, journal_keys::number(sequence));
}

void journal_group::close() {
  for (const auto& [topic, last] : touched_topics_)
    batch_.put(column::meta, journal_keys::topic(topic), std::to_string(last));
  const nlohmann::json head{{"v", 1}, {"size", tree_.size()}, {"root", to_hex(tree_.root())}, {"at_us", at_us_}};
  batch_.put(column::meta, std::string{journal_keys::head}, head.dump());
  if (const auto seen = read_latest_time(core_); seen && *seen < at_us_)
    batch_.put(column::meta, std::string{journal_keys::latest_time}, std::to_string(at_us_));
}

result<void> journal_group::check_writer(const append_entries& append) const {
  const auto enrolled = generations_.find(append.writer);
  if (enrolled == generations_.end()) return fail(errc::conflict, "journal append: writer is not enrolled");
  if (enrolled->second == append.generation) return {};
  return fail(errc::conflict, "journal append of " + append.writer + ": generation " +
                                  std::to_string(append.generation) + ", enrolled is " +
                                  std::to_string(enrolled->second));
}

result<void> journal_group::check_operation(const append_entries& append) const {
  if (append.op_key.empty()) return {};
  if (append.op_key.size() + append.op_answer.size() > options_.limits.row_bytes)
    return fail(errc::too_large, "journal append of " + append.writer + ": remembered answer");
  bool applied = operations_.contains(append.op_key);
  if (!applied) {
    auto row = core_.get(column::rows, journal_keys::operation(append.op_key));
    if (!row) return row.error();
    applied = row->has_value();
  }
  if (applied) return fail(errc::conflict, "journal append of " + append.writer + ": operation was already applied");
  return {};
}

result<void> journal_group::check_rows(const journal_entry& entry) const {
  for (const auto& row : entry.rows) {
    if (row.key.empty()) return fail(errc::bad_request, "journal entry " + entry.kind + ": a row without a key");
    if (row.key.size() + row.value.size() > options_.limits.row_bytes)
      return fail(errc::too_large, "journal entry " + entry.kind + ": a row of more than " +
                                       std::to_string(options_.limits.row_bytes) + " bytes");
  }
  return {};
}

result<std::uint64_t> journal_group::last_event(const std::string& topic) const {
  if (const auto met = topics_.find(topic); met != topics_.end()) return met->second;
  if (const auto known = last_events_.find(topic); known != last_events_.end()) return known->second;
  return read_last_event(core_, topic);
}

result<journal_group::prepared_event> journal_group::prepare(const messages::topic_event& event,
                                                             const std::string& kind) {
  if (!is_usable_topic(event.topic, options_.limits.name_bytes))
    return fail(errc::bad_request, "journal entry " + kind + ": unusable topic");
  if (event.json.size() > options_.limits.event_bytes)
    return fail(errc::too_large, "journal entry " + kind + ": event for " + event.topic);
  auto body = nlohmann::json::parse(event.json, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object())
    return fail(errc::bad_request, "journal entry " + kind + ": event for " + event.topic + " is not a JSON object");
  auto last = last_event(event.topic);
  if (!last) return last.error();
  topics_.emplace(event.topic, *last);
  if (!body.contains("kind")) body["kind"] = kind;
  return prepared_event{event.topic, std::move(body)};
}

result<journal_group::prepared_entry> journal_group::prepare(const journal_entry& entry, std::uint64_t sequence) {
  if (auto rows = check_rows(entry); !rows) return rows.error();
  auto leaf = compose_leaf(entry, {sequence, at_us_, boottime_ns_, options_.clock.boot_id}, options_.limits.leaf_bytes,
                           options_.random);
  if (!leaf) return leaf.error();
  prepared_entry prepared{std::move(*leaf), {}};
  for (const auto& event : entry.events) {
    auto ready = prepare(event, entry.kind);
    if (!ready) return ready.error();
    prepared.events.push_back(std::move(*ready));
  }
  return prepared;
}

result<std::vector<journal_group::prepared_entry>> journal_group::prepare(const append_entries& append) {
  if (append.entries.size() > options_.limits.entries_in_an_append)
    return fail(errc::too_large, "journal append of " + append.writer + ": " + std::to_string(append.entries.size()) +
                                     " entries, at most " + std::to_string(options_.limits.entries_in_an_append));
  std::vector<prepared_entry> prepared;
  prepared.reserve(append.entries.size());
  std::size_t bytes = 0;
  for (const auto& entry : append.entries) {
    auto ready = prepare(entry, tree_.size() + 1 + prepared.size());
    if (!ready) return ready.error();
    bytes += bytes_of(entry) + ready->leaf.text.size() + ready->leaf.side_car.size();
    if (bytes > options_.limits.append_bytes)
      return fail(errc::too_large, "journal append of " + append.writer + ": more than " +
                                       std::to_string(options_.limits.append_bytes) + " bytes");
    prepared.push_back(std::move(*ready));
  }
  return prepared;
}

void journal_group::put(const journal_entry& entry, prepared_entry&& prepared) {
  tree_.append(hash_of_leaf(prepared.leaf.text), [this](tree_position at, const tree_hash& hash) {
    batch_.put(column::tree, journal_keys::tree_node(at), std::string{as_text(hash)});
  });
  const auto key = journal_keys::number(tree_.size());
  batch_.put(column::entries, key, std::move(prepared.leaf.text));
  if (!prepared.leaf.side_car.empty()) batch_.put(column::side_car, key, std::move(prepared.leaf.side_car));
  for (const auto& row : entry.rows) {
    if (row.erase)
      batch_.erase(column::rows, row.key);
    else
      batch_.put(column::rows, row.key, row.value);
  }
  for (auto& event : prepared.events) put(std::move(event));
}

void journal_group::put(prepared_event&& event) {
  const auto sequence = ++topics_[event.topic];
  touched_topics_[event.topic] = sequence;
  event.body["seq"] = sequence;
  event.body["at"] = at_text_;
  auto text = event.body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  batch_.put(column::events, journal_keys::event(event.topic, sequence), text);
  events_.push_back({std::move(event.topic), sequence, std::move(text)});
}

}  // namespace penstock::storage
