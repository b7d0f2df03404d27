#include "storage/journal_reader.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "storage/codec.hpp"
#include "storage/journal_keys.hpp"

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::failure;
using messages::result;

namespace {

/// Meta rows count in decimal digits.
result<std::uint64_t> read_count(const row_reader& core, const std::string& key) {
  auto row = core.get(column::meta, key);
  if (!row) return row.error();
  if (!row->has_value()) return std::uint64_t{0};
  std::uint64_t count = 0;
  const auto& text = **row;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
    return fail(errc::corrupt, "journal meta row " + key + ": not a number");
  return count;
}

failure broken_side_car(std::uint64_t sequence) {
  return fail(errc::corrupt, "journal side car of entry " + std::to_string(sequence));
}

}  // namespace

result<tree_checkpoint> read_head(const row_reader& core) {
  auto row = core.get(column::meta, journal_keys::head);
  if (!row) return row.error();
  if (!row->has_value()) return tree_checkpoint{};
  try {
    const auto json = nlohmann::json::parse(**row);
    const auto root = from_hex(json.at("root").get<std::string>(), sizeof(tree_hash));
    if (json.at("v") != 1 || !root) return fail(errc::corrupt, "journal head: not of version 1");
    tree_checkpoint head{json.at("size").get<std::uint64_t>(), {}, json.at("at_us").get<std::int64_t>()};
    std::copy(root->begin(), root->end(), head.root.begin());
    return head;
  } catch (const nlohmann::json::exception&) {
    return fail(errc::corrupt, "journal head: not JSON");
  }
}

result<std::int64_t> read_latest_time(const row_reader& core) {
  auto row = core.get(column::meta, journal_keys::latest_time);
  if (!row) return row.error();
  return row->has_value() ? std::strtoll((*row)->c_str(), nullptr, 10) : 0;
}

result<std::vector<stored_entry>> read_entries(const row_reader& core, std::uint64_t from, std::size_t limit) {
  std::vector<stored_entry> entries;
  const row_range range{.from = journal_keys::number(from), .limit = limit};
  auto end = core.scan(column::entries, range, [&](std::string_view key, std::string_view leaf) {
    entries.push_back({journal_keys::number_at_end(key), std::string{leaf}});
    return true;
  });
  if (!end) return end.error();
  return entries;
}

result<std::vector<messages::protected_field>> read_identifiers(const row_reader& core, std::uint64_t sequence) {
  auto row = core.get(column::side_car, journal_keys::number(sequence));
  if (!row) return row.error();
  std::vector<messages::protected_field> identifiers;
  if (!row->has_value()) return identifiers;
  try {
    const auto json = nlohmann::json::parse(**row);
    for (const auto& [name, held] : json.items())
      identifiers.push_back({name, messages::protected_text{held.at("value").get<std::string>()}});
    return identifiers;
  } catch (const nlohmann::json::exception&) {
    return broken_side_car(sequence);
  }
}

result<std::vector<messages::topic_entry>> read_events(const row_reader& core, std::string_view topic,
                                                       std::uint64_t from, std::size_t limit) {
  std::vector<messages::topic_entry> events;
  const row_range range{
      .from = journal_keys::event(topic, from), .prefix = journal_keys::events_of(topic), .limit = limit};
  auto end = core.scan(column::events, range, [&](std::string_view key, std::string_view json) {
    events.push_back({std::string{topic}, journal_keys::number_at_end(key), std::string{json}});
    return true;
  });
  if (!end) return end.error();
  return events;
}

result<std::uint64_t> read_last_event(const row_reader& core, std::string_view topic) {
  return read_count(core, journal_keys::topic(topic));
}

result<std::optional<remembered_operation>> read_operation(const row_reader& core, std::string_view op_key) {
  auto row = core.get(column::rows, journal_keys::operation(op_key));
  if (!row) return row.error();
  if (!row->has_value()) return std::optional<remembered_operation>{};
  auto decoded = decode<remembered_operation>(**row, "remembered operation");
  if (!decoded) return decoded.error();
  return std::optional{std::move(*decoded)};
}

tree_node_getter node_getter(const row_reader& core) {
  return [&core](tree_position at) -> result<tree_hash> {
    auto row = core.get(column::tree, journal_keys::tree_node(at));
    if (!row) return row.error();
    tree_hash hash;
    if (!row->has_value() || (*row)->size() != hash.size())
      return fail(errc::corrupt, "journal tree: node " + std::to_string(at.index) + " of level " +
                                     std::to_string(at.level) + " is missing");
    std::copy((*row)->begin(), (*row)->end(), hash.begin());
    return hash;
  };
}

}  // namespace penstock::storage
