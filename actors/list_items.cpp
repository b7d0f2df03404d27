#include "actors/list_items.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "actors/forecast_report.hpp"
#include "actors/time_source.hpp"
#include "conf/rules_queries.hpp"

namespace penstock::actors {
namespace {

using namespace messages;
using nlohmann::json;

constexpr std::array<std::string_view, 3> priorities{"low", "normal", "high"};
constexpr std::array<std::string_view, 6> states{"scheduled",  "processing", "completed",
                                                 "incomplete", "failed",     "cancelled"};

constexpr std::array request_fields{
    listed_field{"id", field_kind::decimal},
    listed_field{"state", field_kind::ranked, states},
    listed_field{"reason", field_kind::text},
    listed_field{"position", field_kind::number},
    listed_field{"pacs", field_kind::text},
    listed_field{"institution", field_kind::text},
    listed_field{"department", field_kind::text},
    listed_field{"StudyInstanceUID", field_kind::text},
    listed_field{"PatientID", field_kind::text},
    listed_field{"IssuerOfPatientID", field_kind::text},
    listed_field{"AccessionNumber", field_kind::text},
    listed_field{"StudyDate", field_kind::text},
    listed_field{"Modality", field_kind::words},
    listed_field{"priority", field_kind::ranked, priorities},
    listed_field{"user", field_kind::text},
    listed_field{"submitted", field_kind::time},
    listed_field{"started", field_kind::time},
    listed_field{"ended", field_kind::time},
    listed_field{"attempts", field_kind::number},
    listed_field{"counts.expected", field_kind::number},
    listed_field{"counts.received", field_kind::number},
    listed_field{"counts.failed", field_kind::number},
    listed_field{"bytes", field_kind::number},
    listed_field{"error", field_kind::text},
};
constexpr std::array<std::string_view, 1> request_ids{"id"};

constexpr std::array study_fields{
    listed_field{"StudyInstanceUID", field_kind::text},
    listed_field{"AccessionNumber", field_kind::text},
    listed_field{"institution", field_kind::text},
    listed_field{"department", field_kind::text},
    listed_field{"pacs", field_kind::text},
    listed_field{"PatientID", field_kind::text},
    listed_field{"IssuerOfPatientID", field_kind::text},
    listed_field{"cached", field_kind::time},
    listed_field{"StudyDate", field_kind::text},
    listed_field{"StudyTime", field_kind::text},
    listed_field{"Modality", field_kind::words},
    listed_field{"bytes", field_kind::number},
    listed_field{"series", field_kind::number},
    listed_field{"instances", field_kind::number},
    listed_field{"complete", field_kind::flag},
    listed_field{"last_download_user", field_kind::text},
    listed_field{"last_download", field_kind::time},
};
constexpr std::array<std::string_view, 2> study_ids{"StudyInstanceUID", "pacs"};

constexpr std::array series_fields{
    listed_field{"StudyInstanceUID", field_kind::text},  listed_field{"pacs", field_kind::text},
    listed_field{"SeriesInstanceUID", field_kind::text}, listed_field{"SeriesNumber", field_kind::number},
    listed_field{"Modality", field_kind::text},          listed_field{"SeriesDescription", field_kind::text},
    listed_field{"instances", field_kind::number},       listed_field{"bytes", field_kind::number},
};
constexpr std::array<std::string_view, 2> series_ids{"SeriesInstanceUID", "pacs"};

constexpr std::array instance_fields{
    listed_field{"StudyInstanceUID", field_kind::text},  listed_field{"pacs", field_kind::text},
    listed_field{"SeriesInstanceUID", field_kind::text}, listed_field{"SeriesNumber", field_kind::number},
    listed_field{"SOPInstanceUID", field_kind::text},    listed_field{"InstanceNumber", field_kind::number},
    listed_field{"Modality", field_kind::text},          listed_field{"SOPClassUID", field_kind::text},
    listed_field{"TransferSyntaxUID", field_kind::text}, listed_field{"Rows", field_kind::number},
    listed_field{"Columns", field_kind::number},         listed_field{"NumberOfFrames", field_kind::number},
    listed_field{"bytes", field_kind::number},           listed_field{"dataset_sha256", field_kind::text},
};
constexpr std::array<std::string_view, 2> instance_ids{"SOPInstanceUID", "pacs"};

json time_or_null(std::int64_t at_us) { return at_us == 0 ? json{} : json(rfc3339(at_us)); }

/// Institution and department of a PACS, as far as known.
void put_place(json& item, const std::string& pacs, const item_context& context) {
  const auto* known = context.rules == nullptr ? nullptr : conf::find_pacs(*context.rules, pacs);
  const auto outlook = context.outlook.find(pacs);
  const bool told = outlook != context.outlook.end() && !outlook->second.institution.empty();
  item["pacs"] = pacs;
  item["institution"] = told ? outlook->second.institution : known != nullptr ? known->institution : "";
  item["department"] = known != nullptr ? known->department : "";
}

}  // namespace

const listed_table& request_table() {
  static constexpr listed_table table{"requests", request_fields, R"([["id","desc"]])", request_ids};
  return table;
}

const listed_table& holding_table(holding_level level) {
  static constexpr listed_table studies{"items", study_fields, R"([["cached","desc"]])", study_ids};
  static constexpr listed_table series{"items", series_fields, R"([["SeriesNumber","asc"]])", series_ids};
  static constexpr listed_table instances{
      "items", instance_fields, R"([["SeriesNumber","asc"],["SeriesInstanceUID","asc"],["InstanceNumber","asc"]])",
      instance_ids};
  if (level == holding_level::study) return studies;
  return level == holding_level::series ? series : instances;
}

item_context context_of(const std::vector<pacs_outlook>& outlook, const conf::rules* rules, std::int64_t now_us) {
  item_context context;
  context.rules = rules;
  context.now_us = now_us;
  for (const auto& each : outlook) context.outlook.emplace(each.pacs, each);
  return context;
}

std::string reason_of(const request_row& row, const item_context& context) {
  if (row.state != request_state::scheduled || row.reason == waiting_reason::none) return {};
  const auto outlook = context.outlook.find(row.pacs);
  const bool told = outlook != context.outlook.end() && !outlook->second.reason.empty();
  const bool later = row.not_before_us > context.now_us;
  const bool retries = row.reason == waiting_reason::retry_later, follows = row.reason == waiting_reason::following;
  if (retries && later)
    return (row.error.empty() ? std::string{name_of(row.reason)} : row.error) + "; next try " +
           rfc3339(row.not_before_us);
  if (follows && later)
    return "all " + std::to_string(row.received) + " instances are here; looks for more at " +
           rfc3339(row.not_before_us);
  // A retry whose time has come lacks what any other lacks.
  if (retries || follows || row.reason == waiting_reason::ready) return told ? outlook->second.reason : "next in turn";
  std::string reason{name_of(row.reason)};
  if (told) reason += ": " + outlook->second.reason;
  return reason;
}

std::string estimate_of(const request_row& row, std::uint64_t position, const item_context& context) {
  const auto outlook = context.outlook.find(row.pacs);
  if (position == 0 || outlook == context.outlook.end() || context.rules == nullptr) return {};
  if (row.not_before_us > context.now_us) return {};  // the reason says when
  const auto& forecast = outlook->second.forecast;
  const auto* pacs = conf::find_pacs(*context.rules, row.pacs);
  if (pacs == nullptr) return {};
  const auto known = forecast.steps.empty() ? 0 : forecast.steps.back().starts;
  if (position > known && !forecast.never.empty()) return forecast.never;
  if (position > known && forecast.later_than_us == 0) return {};
  project_forecast line;
  line.steps = forecast.steps;
  line.waiting = std::max(position, known);
  line.starts = known;
  line.end = position > known ? forecast_end::beyond_starts : forecast_end::started;
  line.later_than_us = forecast.later_than_us;
  line.possible = line.waiting;
  return estimate_text(estimate_start(line, position), context.now_us, pacs->timezone);
}

bool may_name(const request_row& row, const item_context& context) {
  if (context.rules == nullptr) return true;
  const auto* project = conf::find_project(*context.rules, row.project);
  if (project == nullptr || !conf::may_use_pacs(*project, row.pacs)) return false;
  return !row.identity_verified || conf::cohort_has(*project, row.patient);
}

json request_item(const request_row& row, std::uint64_t position, const item_context& context) {
  const bool named = may_name(row, context);
  json item{{"id", std::to_string(row.number)},
            {"state", name_of(row.state)},
            {"reason", reason_of(row, context)},
            {"position", position == 0 ? json{} : json(position)},
            {"estimate", estimate_of(row, position, context)},
            {"StudyInstanceUID", named ? row.study.reveal() : ""},
            {"PatientID", named ? row.patient.patient_id.reveal() : ""},
            {"IssuerOfPatientID", named ? row.patient.issuer.reveal() : ""},
            {"AccessionNumber", named ? row.accession.reveal() : ""},
            {"StudyDate", named ? row.study_date : ""},
            {"Modality", named ? row.modality : ""},
            {"priority", name_of(row.priority)},
            {"user", row.user},
            {"submitted", time_or_null(row.submitted_us)},
            {"started", time_or_null(row.started_us)},
            {"ended", time_or_null(row.ended_us)},
            {"attempts", row.attempts},
            {"counts", {{"expected", row.expected}, {"received", row.received}, {"failed", row.failed}}},
            {"bytes", row.bytes},
            {"error", row.error}};
  put_place(item, row.pacs, context);
  return item;
}

json history_items(const request_row& row) {
  auto items = json::array();
  for (const auto& step : row.history)
    items.push_back({{"state", name_of(step.state)}, {"at", time_or_null(step.at_us)}, {"reason", step.reason}});
  return items;
}

json holding_item(const holding_row& row, const item_context& context) {
  json item{{"StudyInstanceUID", row.study.reveal()},
            {"AccessionNumber", row.accession.reveal()},
            {"PatientID", row.patient.patient_id.reveal()},
            {"IssuerOfPatientID", row.patient.issuer.reveal()},
            {"cached", time_or_null(row.cached_us)},
            {"StudyDate", row.study_date},
            {"StudyTime", row.study_time},
            {"Modality", row.modality},
            {"bytes", row.bytes},
            {"series", row.series},
            {"instances", row.instances},
            {"complete", row.complete},
            {"last_download_user", row.last_download_user},
            {"last_download", time_or_null(row.last_download_us)}};
  put_place(item, row.pacs, context);
  return item;
}

}  // namespace penstock::actors
