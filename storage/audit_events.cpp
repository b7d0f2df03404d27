#include "storage/audit_events.hpp"

#include <nlohmann/json.hpp>

#include "storage/journal_reader.hpp"
#include "storage/utc_time.hpp"

namespace penstock::storage {

using messages::errc;
using messages::journal_entry;
using messages::result;
using messages::topic_entry;
using nlohmann::json;

topic_entry audit_event(const journal_entry& entry, std::uint64_t sequence, std::int64_t at_us) {
  json event{{"seq", sequence}, {"at", rfc3339_utc(at_us)}, {"kind", entry.kind}};
  if (!entry.user.empty()) event["user"] = entry.user;
  if (!entry.project.empty()) event["project"] = entry.project;
  if (!entry.pacs.empty()) event["pacs"] = entry.pacs;
  if (!entry.request.empty()) event["request"] = entry.request;
  return {std::string{audit_topic}, sequence, event.dump(-1, ' ', false, json::error_handler_t::replace)};
}

result<std::vector<topic_entry>> read_audit_events(const row_reader& core, std::uint64_t from, std::size_t limit) {
  auto entries = read_entries(core, from, limit);
  if (!entries) return entries.error();
  std::vector<topic_entry> events;
  events.reserve(entries->size());
  for (const auto& stored : *entries) {
    try {
      const auto leaf = json::parse(stored.leaf);
      journal_entry entry;
      entry.kind = leaf.at("kind").get<std::string>();
      entry.user = leaf.at("user").get<std::string>();
      entry.project = leaf.at("project").get<std::string>();
      entry.pacs = leaf.at("pacs").get<std::string>();
      entry.request = leaf.at("request").get<std::string>();
      events.push_back(audit_event(entry, stored.sequence, leaf.at("at_us").get<std::int64_t>()));
    } catch (const json::exception&) {
      return messages::fail(errc::corrupt, "journal entry " + std::to_string(stored.sequence) + ": not a leaf");
    }
  }
  return events;
}

}  // namespace penstock::storage
