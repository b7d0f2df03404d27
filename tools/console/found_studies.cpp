#include "tools/console/found_studies.hpp"

#include <charconv>
#include <unordered_map>

#include "tools/penstock/context.hpp"
#include "tools/penstock/submit.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

using commands::list_in;
using commands::number_in;
using commands::text_in;
using nlohmann::json;

constexpr auto column(study_value value) { return static_cast<std::size_t>(value); }
constexpr auto column(holding_value value) { return static_cast<std::size_t>(value); }

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string id_of(std::string_view pacs, std::string_view study) {
  return std::string{pacs} + "\n" + std::string{study};
}

std::string_view value_of(const row_store& requests, row_store::slot at, request_value which) {
  return requests.value(at, static_cast<std::size_t>(which));
}

std::string here_in(const json& match) {
  const auto cached = text_in(match, "cached");
  if (cached == "yes") return "cached";
  return cached == "moving" ? "scheduled" : "";
}

bool is_under_way(std::string_view here) { return here == "scheduled" || here == "processing"; }

}  // namespace

void found_studies::set(const std::string& id, study_value which, std::string_view text) {
  rows_.set(id, column(which), text);
}

std::string found_studies::value(const std::string& id, study_value which) const {
  const auto at = rows_.find(id);
  return at ? std::string{rows_.value(*at, column(which))} : std::string{};
}

void found_studies::clear() {
  rows_.clear();
  pacs_.clear();
  overflowed_ = false;
}

void found_studies::learn(const search_news& news) {
  if (news.found.empty()) return;
  pacs_.insert(news.pacs);
  for (const auto& match : news.found)
    if (match.is_object()) learn_study(news.pacs, match);
  stale_ = true;
}

void found_studies::learn_study(const std::string& pacs, const json& match) {
  const auto study = text_in(match, "StudyInstanceUID");
  if (study.empty()) return;
  std::vector<std::string> values(column(study_value::count));
  const auto put = [&](study_value which, std::string text) { values[column(which)] = std::move(text); };
  const auto images = number_in(match, "NumberOfStudyRelatedInstances");
  put(study_value::accession, text_in(match, "AccessionNumber"));
  put(study_value::mrn, text_in(match, "PatientID"));
  put(study_value::study_date, commands::study_time(text_in(match, "StudyDate"), text_in(match, "StudyTime")));
  put(study_value::modality, list_in(match, "ModalitiesInStudy"));
  if (images != 0) put(study_value::images, std::to_string(images));
  put(study_value::description, text_in(match, "StudyDescription"));
  put(study_value::name, commands::person_name(text_in(match, "PatientName")));
  put(study_value::pacs, pacs);
  put(study_value::institution, text_in(match, "institution"));
  put(study_value::department, text_in(match, "department"));
  put(study_value::availability, text_in(match, "InstanceAvailability"));
  put(study_value::study, study);
  put(study_value::here, here_in(match));
  put(study_value::here_when_found, here_in(match));
  overflowed_ = !rows_.put(id_of(pacs, study), values) || overflowed_;
}

commands::study_weights found_studies::weigh() const {
  commands::study_weights known;
  const auto& holdings = project_.holdings();
  for (row_store::slot at = 0; at < holdings.end_slot(); ++at) {
    if (!holdings.is_row(at)) continue;
    const auto text = [&](holding_value which) { return holdings.value(at, column(which)); };
    known.add(std::string{text(holding_value::modality)}, number(text(holding_value::bytes)),
              number(text(holding_value::images)));
  }
  return known;
}

void found_studies::follow_request(row_store::slot at) {
  const auto& requests = project_.requests();
  const auto id = id_of(value_of(requests, at, request_value::pacs), value_of(requests, at, request_value::study));
  if (!rows_.find(id)) return;
  // Ids of requests grow: an older one says nothing of a study that was asked for again.
  const auto& request = requests.id(at);
  const auto known = value(id, study_value::request);
  if (number(request) < number(known)) return;
  set(id, study_value::request, request);
  set(id, study_value::progress, value_of(requests, at, request_value::progress));
  if (value(id, study_value::here) != "cached")
    set(id, study_value::here, value_of(requests, at, request_value::state));
}

void found_studies::follow_holding(row_store::slot at) {
  const auto& holdings = project_.holdings();
  for (const auto& pacs : pacs_) {
    const auto id = id_of(pacs, holdings.id(at));
    set(id, study_value::here, "cached");
    set(id, study_value::estimate, holdings.value(at, column(holding_value::bytes)));
  }
}

std::string found_studies::guess(row_store::slot at, const commands::study_weights& weights) const {
  const auto bytes = weights.of(std::string{rows_.value(at, column(study_value::modality))},
                                number(rows_.value(at, column(study_value::images))));
  return bytes ? std::to_string(*bytes) : std::string{};
}

void found_studies::change(row_store::slot at, study_value which, std::string_view text) {
  if (rows_.value(at, column(which)) != text) rows_.set(rows_.id(at), column(which), text);
}

/// Each row is changed once: what stays as it was is no change.
void found_studies::follow_all() {
  const auto& requests = project_.requests();
  const auto& holdings = project_.holdings();
  listed_ = listed_ || (holdings.version() != 0 && !project_.reading(listing::holdings));
  const bool lists_say_all = listed_ && !project_.overflowed();
  const auto weights = weigh();
  std::unordered_map<std::string, row_store::slot> newest;
  for (row_store::slot at = 0; at < requests.end_slot(); ++at) {
    if (!requests.is_row(at)) continue;
    const auto id = id_of(value_of(requests, at, request_value::pacs), value_of(requests, at, request_value::study));
    const auto [known, is_new] = newest.emplace(id, at);
    if (!is_new && number(requests.id(at)) > number(requests.id(known->second))) known->second = at;
  }
  for (row_store::slot at = 0; at < rows_.end_slot(); ++at) {
    if (!rows_.is_row(at)) continue;
    const auto found = newest.find(rows_.id(at));
    const bool asked = found != newest.end();
    std::string here{lists_say_all ? std::string_view{} : rows_.value(at, column(study_value::here_when_found))};
    if (asked && here != "cached") here = value_of(requests, found->second, request_value::state);
    const auto held = holdings.find(rows_.value(at, column(study_value::study)));
    if (held) here = "cached";
    change(at, study_value::request, asked ? requests.id(found->second) : "");
    change(at, study_value::progress, asked ? value_of(requests, found->second, request_value::progress) : "");
    change(at, study_value::here, here);
    change(at, study_value::estimate,
           held ? std::string{holdings.value(*held, column(holding_value::bytes))} : guess(at, weights));
  }
  requests_version_ = requests.version();
  holdings_version_ = holdings.version();
  stale_ = false;
}

/// False when something is gone, or too much has changed to know what.
bool found_studies::follow_touched() {
  const auto& requests = project_.requests();
  const auto& holdings = project_.holdings();
  const auto held = holdings.touched_since(holdings_version_);
  const auto asked = requests.touched_since(requests_version_);
  if (!held || !asked) return false;
  for (const auto at : *held)
    if (!holdings.is_row(at)) return false;
  for (const auto at : *asked)
    if (!requests.is_row(at)) return false;
  for (const auto at : *held) follow_holding(at);
  for (const auto at : *asked) follow_request(at);
  requests_version_ = requests.version();
  holdings_version_ = holdings.version();
  return true;
}

void found_studies::follow() {
  const bool same =
      requests_version_ == project_.requests().version() && holdings_version_ == project_.holdings().version();
  if (rows_.size() == 0 || (same && !stale_)) return;
  if (stale_ || !listed_ || !follow_touched()) follow_all();
}

std::uint64_t found_studies::estimate_of(const std::set<std::string>& ids) const {
  std::uint64_t bytes = 0;
  for (const auto& id : ids) {
    const auto at = rows_.find(id);
    if (!at) continue;
    const auto here = rows_.value(*at, column(study_value::here));
    if (here != "cached" && !is_under_way(here)) bytes += number(rows_.value(*at, column(study_value::estimate)));
  }
  return bytes;
}

request_plan found_studies::plan(const std::vector<std::string>& ids) const {
  request_plan plan;
  std::set<std::string> patients;
  for (const auto& id : ids) {
    if (!rows_.find(id)) continue;
    const auto here = value(id, study_value::here);
    patients.insert(value(id, study_value::pacs) + "\n" + value(id, study_value::mrn));
    ++plan.sizes.studies;
    if (here == "cached" || is_under_way(here)) {
      ++(here == "cached" ? plan.cached : plan.under_way);
      continue;
    }
    plan.to_ask.push_back(id);
    if (const auto bytes = value(id, study_value::estimate); !bytes.empty())
      plan.sizes.bytes = plan.sizes.bytes.value_or(0) + number(bytes);
  }
  plan.patients = patients.size();
  plan.sizes.to_fetch = plan.to_ask.size();
  const auto& quota = project_.quota();
  const auto taken = quota.used + quota.reserved;
  plan.sizes.free_quota = quota.quota > taken ? quota.quota - taken : 0;
  return plan;
}

json found_studies::item_of(const std::string& id) const {
  return commands::item_of_found_study({{"pacs", value(id, study_value::pacs)},
                                        {"StudyInstanceUID", value(id, study_value::study)},
                                        {"PatientID", value(id, study_value::mrn)},
                                        {"AccessionNumber", value(id, study_value::accession)}});
}

std::size_t found_studies::learn_outcomes(const std::vector<std::string>& ids, const json& answer) {
  std::size_t taken = 0;
  for (const auto& row : commands::array_in(answer, "rows")) {
    const auto item = number_in(row, "item");
    if (item >= ids.size()) continue;
    const auto outcome = text_in(row, "outcome");
    const auto why = text_in(row, "message");
    set(ids[item], study_value::outcome, why.empty() ? outcome : outcome + ": " + why);
    if (commands::was_taken_on(outcome)) ++taken;
  }
  return taken;
}

void found_studies::learn_failure(const std::vector<std::string>& ids, const std::string& why) {
  for (const auto& id : ids) set(id, study_value::outcome, "not known: " + why);
}

}  // namespace penstock::console
