#include "tools/penstock/holding_flags.hpp"

#include "messages/ids.hpp"
#include "tools/penstock/input_lists.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;

/// What one command of the protocol may name.
constexpr std::size_t most_studies = 10'000;

}  // namespace

void add_holding_flags(CLI::App& command, holding_flags& flags) {
  command.add_option("--mrn", flags.mrns, "Studies of these patients")->type_name("MRN");
  command.add_option("--modality", flags.modalities, "Studies with these")->type_name("MR,CT");
  command.add_option("--study-date", flags.study_date, "A day, or a range")->type_name("2009-01-01..2012-01-01");
  command.add_option("--institution", flags.institution, "Studies of these institutions")->type_name("ID[,ID]");
}

void add_study_choice(CLI::App& command, holding_flags& flags) {
  command.add_option("--study", flags.studies, "Studies by Study Instance UID")->type_name("UID");
  command.add_flag("--all", flags.all, "All that the project has");
}

result<json> filter_of(const holding_flags& flags) {
  json filter = json::object();
  if (!flags.mrns.empty()) filter["PatientID"] = json{{"list", flags.mrns}};
  if (!flags.institution.empty()) filter["institution"] = json{{"in", split_commas(flags.institution)}};
  if (!flags.modalities.empty()) {
    auto modalities = parse_modalities(flags.modalities);
    if (!modalities) return modalities.error();
    filter["Modality"] = json{{"in", *modalities}};
  }
  if (!flags.study_date.empty()) {
    auto range = parse_date_range(flags.study_date);
    if (!range) return range.error();
    const auto dash = range->find('-');
    json days = json::object();
    if (dash != 0) days["from"] = range->substr(0, dash);
    if (dash == std::string::npos)
      days["to"] = *range;
    else if (dash + 1 < range->size())
      days["to"] = range->substr(dash + 1);
    filter["StudyDate"] = days;
  }
  return filter;
}

result<json> studies_of(context& at, const holding_flags& flags) {
  auto filter = filter_of(flags);
  if (!filter) return filter.error();
  if (!flags.studies.empty()) {
    if (!filter->empty() || flags.all) return fail(errc::bad_request, "choose by --study, or by other flags; not both");
    for (const auto& uid : flags.studies)
      if (!messages::is_valid_uid(uid)) return fail(errc::bad_request, "--study: not a DICOM UID");
    return json(flags.studies);
  }
  if (filter->empty() && !flags.all)
    return fail(errc::bad_request, "say which studies: --study UID, --mrn, --modality, --study-date, or --all");
  auto listed =
      ask_all_pages(at, "cache.list", json{{"level", "study"}, {"filter", *filter}}, "items", most_studies + 1);
  if (!listed) return listed.error();
  json studies = json::array();
  for (const auto& item : array_in(*listed, "items")) studies.push_back(text_in(item, "StudyInstanceUID"));
  if (studies.empty()) return fail(errc::not_found, "the project's cache holds no such study");
  if (studies.size() > most_studies)
    return fail(errc::too_large, "more than " + std::to_string(most_studies) + " studies at once; choose fewer");
  return studies;
}

}  // namespace penstock::commands
