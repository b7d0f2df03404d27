#include "tools/console/live.hpp"

#include "messages/requests.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

using client::question;
using commands::array_in;
using commands::list_in;
using commands::number_in;
using commands::text_in;
using nlohmann::json;

constexpr auto column(request_value value) { return static_cast<std::size_t>(value); }
constexpr auto column(holding_value value) { return static_cast<std::size_t>(value); }

const json& member(const json& object, const char* name) {
  static const json none = json::object();
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : none;
}

std::string reason_in(const json& item) {
  const auto reason = text_in(item, "reason");
  return reason.empty() ? text_in(item, "error") : reason;
}

bool is_terminal(std::string_view state_name) {
  auto state = messages::request_state::scheduled;
  return messages::parse(state_name, state) && messages::is_terminal(state);
}

row_shape shape_of_requests() {
  using enum request_value;
  return {column(count),
          {column(state), column(reason), column(modality), column(estimate), column(pacs), column(institution),
           column(priority), column(user), column(study_date)},
          column(state)};
}

row_shape shape_of_holdings() {
  using enum holding_value;
  return {
      column(count),
      {column(institution), column(department), column(modality), column(last_download_user), column(last_download)},
      std::nullopt};
}

}  // namespace

std::string progress_in(const json& item) {
  const auto& counts = member(item, "counts");
  const auto received = number_in(counts, "received");
  const auto expected = number_in(counts, "expected");
  if (received == 0 && expected == 0) return {};
  return std::to_string(received) + "/" + std::to_string(expected);
}

live_project::live_project(std::string project)
    : project_(std::move(project)), requests_(shape_of_requests()), holdings_(shape_of_holdings()) {}

question live_project::question_for(listing which, bool whole, const json& cursor) const {
  json args{{"limit", page_rows}};
  if (!cursor.is_null()) args["cursor"] = cursor;
  if (which == listing::holdings) {
    args["level"] = "study";
    args["sort"] = json::array({json::array({"cached", "desc"})});
    return {"cache.list", project_, std::move(args), "", {}};
  }
  args["sort"] = json::array({json::array({"submitted", "desc"})});
  if (!whole) args["filter"] = {{"state", {{"in", json::array({"scheduled", "processing"})}}}};
  return {"requests.list", project_, std::move(args), "", {}};
}

question live_project::begin(listing which) {
  state_of(which) = {true, true, {}, 0, {}};
  wished_[static_cast<std::size_t>(which)] = false;
  return question_for(which, true, json{});
}

question live_project::refresh(listing which) {
  state_of(which) = {true, false, {}, 0, {}};
  return question_for(which, false, json{});
}

std::optional<question> live_project::learn_page(listing which, const json& page) {
  auto& reading = state_of(which);
  if (!reading.under_way) return std::nullopt;
  const auto& items = array_in(page, which == listing::requests ? "requests" : "items");
  for (const auto& item : items) {
    if (!item.is_object()) continue;
    if (which == listing::requests)
      learn_request(item);
    else
      learn_holding(item);
  }
  const auto next = page.find("next");
  const bool more = reading.whole && next != page.end() && !next->is_null() && *next != "" && !items.empty();
  if (more && reading.seen_rows < row_store::most_rows) return question_for(which, true, *next);
  overflowed_ = overflowed_ || more;
  if (reading.whole && !more) drop_unseen(which);
  reading = {};
  return std::nullopt;
}

void live_project::drop_unseen(listing which) {
  auto& rows = which == listing::requests ? requests_ : holdings_;
  const auto& reading = state_of(which);
  for (row_store::slot at = 0; at < rows.end_slot(); ++at) {
    if (!rows.is_row(at)) continue;
    const bool seen = at < reading.seen.size() && reading.seen[at];
    const auto id = rows.id(at);
    if (!seen && !reading.newer.contains(id)) rows.erase(id);
  }
}

void live_project::learn_request(const json& item) {
  const auto id = text_in(item, "id");
  if (id.empty()) return;
  auto& reading = state_of(listing::requests);
  if (reading.newer.contains(id)) return;
  std::vector<std::string> values(column(request_value::count));
  const auto set = [&](request_value which, std::string text) { values[column(which)] = std::move(text); };
  set(request_value::state, text_in(item, "state"));
  set(request_value::accession, text_in(item, "AccessionNumber"));
  set(request_value::mrn, text_in(item, "PatientID"));
  set(request_value::modality, list_in(item, "Modality"));
  set(request_value::pacs, text_in(item, "pacs"));
  set(request_value::institution, text_in(item, "institution"));
  set(request_value::position, text_in(item, "position"));
  set(request_value::progress, progress_in(item));
  set(request_value::bytes, text_in(item, "bytes"));
  set(request_value::priority, text_in(item, "priority"));
  set(request_value::user, text_in(item, "user"));
  set(request_value::submitted, text_in(item, "submitted"));
  set(request_value::estimate, text_in(item, "estimate"));
  set(request_value::reason, reason_in(item));
  set(request_value::study, text_in(item, "StudyInstanceUID"));
  set(request_value::study_date, text_in(item, "StudyDate"));
  set(request_value::attempts, text_in(item, "attempts"));
  set(request_value::ended, text_in(item, "ended"));
  overflowed_ = !requests_.put(id, values) || overflowed_;
  mark_seen(reading, requests_.find(id));
}

void live_project::mark_seen(reading_state& reading, std::optional<row_store::slot> at) {
  ++reading.seen_rows;
  if (!at) return;
  reading.seen.resize(std::max(reading.seen.size(), std::size_t{*at} + 1));
  reading.seen[*at] = true;
}

void live_project::learn_holding(const json& item) {
  const auto study = text_in(item, "StudyInstanceUID");
  if (study.empty()) return;
  auto& reading = state_of(listing::holdings);
  if (reading.newer.contains(study)) return;
  std::vector<std::string> values(column(holding_value::count));
  const auto set = [&](holding_value which, std::string text) { values[column(which)] = std::move(text); };
  set(holding_value::accession, text_in(item, "AccessionNumber"));
  set(holding_value::institution, text_in(item, "institution"));
  set(holding_value::department, text_in(item, "department"));
  set(holding_value::mrn, text_in(item, "PatientID"));
  set(holding_value::cached, text_in(item, "cached"));
  set(holding_value::study_date, commands::study_time(text_in(item, "StudyDate"), text_in(item, "StudyTime")));
  set(holding_value::modality, list_in(item, "Modality"));
  set(holding_value::bytes, text_in(item, "bytes"));
  set(holding_value::last_download_user, text_in(item, "last_download_user"));
  set(holding_value::last_download, text_in(item, "last_download"));
  set(holding_value::study, study);
  set(holding_value::images, text_in(item, "instances"));
  overflowed_ = !holdings_.put(study, values) || overflowed_;
  mark_seen(reading, holdings_.find(study));
}

void live_project::learn_usage(const json& usage) {
  quota_ = {number_in(usage, "quota"), number_in(usage, "used"), number_in(usage, "reserved"),
            number_in(usage, "studies")};
}

void live_project::learn_event(const client::topic_event& event) {
  if (event.kind != client::event_kind::event) return;
  if (event.topic == cache_topic()) return learn_holding_event(event.body);
  learn_request_event(event.body);
}

void live_project::learn_request_event(const json& event) {
  const auto id = text_in(event, "request");
  if (id.empty()) return;
  const auto kind = text_in(event, "kind");
  auto& reading = state_of(listing::requests);
  if (reading.under_way) reading.newer.insert(id);
  if (kind == "request.deleted") return requests_.erase(id);
  const bool known = requests_.find(id).has_value();
  if (!known && kind == "progress") return;
  const auto& study = member(event, "study");
  if (!known) {
    std::vector<std::string> values(column(request_value::count));
    values[column(request_value::accession)] = text_in(study, "AccessionNumber");
    values[column(request_value::mrn)] = text_in(study, "PatientID");
    values[column(request_value::modality)] = list_in(study, "Modality");
    values[column(request_value::pacs)] = text_in(study, "pacs");
    values[column(request_value::study)] = text_in(study, "StudyInstanceUID");
    values[column(request_value::study_date)] = text_in(study, "StudyDate");
    values[column(request_value::user)] = text_in(event, "user");
    overflowed_ = !requests_.put(id, values) || overflowed_;
  }
  const auto set = [&](request_value which, const std::string& text) { requests_.set(id, column(which), text); };
  if (const auto progress = progress_in(event); !progress.empty()) set(request_value::progress, progress);
  if (event.contains("bytes")) set(request_value::bytes, text_in(event, "bytes"));
  if (kind == "progress") return;
  const auto state = text_in(event, "state");
  set(request_value::state, state);
  set(request_value::reason, text_in(event, "reason"));
  if (state != "scheduled") {
    set(request_value::position, "");
    set(request_value::estimate, "");
  }
  if (is_terminal(state)) set(request_value::ended, text_in(event, "at"));
  // What an event does not tell: institution, priority, position, times.
  wished_[static_cast<std::size_t>(listing::requests)] = true;
}

void live_project::learn_holding_event(const json& event) {
  const auto study = text_in(member(event, "study"), "StudyInstanceUID");
  const auto kind = text_in(event, "kind");
  wished_[static_cast<std::size_t>(listing::holdings)] = true;
  if (study.empty()) return;
  auto& reading = state_of(listing::holdings);
  const bool gone = kind == "holding.deleted" || kind == "holding.lost" || kind == "holding.purged";
  if (gone) {
    if (reading.under_way) reading.newer.insert(study);
    holdings_.erase(study);
  } else if (kind == "download.opened") {
    holdings_.set(study, column(holding_value::last_download_user), text_in(event, "user"));
    holdings_.set(study, column(holding_value::last_download), text_in(event, "at"));
  }
}

bool live_project::take_wish(listing which) {
  auto& wish = wished_[static_cast<std::size_t>(which)];
  if (!wish || reading(which)) return false;
  wish = false;
  return true;
}

bool live_project::anything_waits() const { return requests_.counts().contains("scheduled"); }

}  // namespace penstock::console
