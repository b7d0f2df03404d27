#include "tools/penstock/holding_flags.hpp"

#include <array>

#include "messages/ids.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;

/// What one command of the protocol may name.
constexpr std::size_t most_studies = 10'000;

constexpr std::array columns{
    list_column{"accession", "AccessionNumber", "Accession"},
    list_column{.name = "institution", .field = "institution", .heading = "Institution", .draw = institution_cell},
    list_column{"department", "department", "Department"},
    list_column{"mrn", "PatientID", "MRN"},
    list_column{"cached", "cached", "Cached", column_kind::time},
    list_column{.name = "study-date",
                .field = "StudyDate",
                .heading = "Study date/time",
                .kind = column_kind::date,
                .draw = study_time_cell},
    list_column{"modality", "Modality", "Modality", column_kind::words},
    list_column{"size", "bytes", "Size", column_kind::bytes},
    list_column{"downloaded-by", "last_download_user", "Last download by"},
    list_column{"downloaded", "last_download", "Last download", column_kind::time},
    list_column{"images", "instances", "Images", column_kind::number, false},
    list_column{"series", "series", "Series", column_kind::number, false},
    list_column{"complete", "complete", "Complete", column_kind::flag, false},
    list_column{"pacs", "pacs", "PACS", column_kind::text, false},
    list_column{"study-time", "StudyTime", "Study time", column_kind::text, false},
    list_column{"issuer", "IssuerOfPatientID", "Issuer", column_kind::text, false},
    list_column{"uid", "StudyInstanceUID", "Study Instance UID", column_kind::text, false}};

}  // namespace

list_columns holding_columns() { return columns; }

void add_holding_flags(CLI::App& command, holding_flags& flags) {
  command.add_option("--mrn", flags.mrns, "Studies of these patients")->type_name("MRN");
  command.add_option("--modality", flags.modalities, "Studies with these")->type_name("MR,CT");
  command.add_option("--study-date", flags.study_date, "A day, or a range")->type_name("2009-01-01..2012-01-01");
  command.add_option("--institution", flags.institution, "Studies of these institutions")->type_name("ID[,ID]");
  add_filter_flags(command, flags.filter, columns);
}

void add_study_choice(CLI::App& command, holding_flags& flags) {
  command.add_option("--study", flags.studies, "Studies by Study Instance UID")->type_name("UID");
  command.add_flag("--all", flags.all, "All that the project has");
}

/// The flags of their own are short ways to say --where.
result<json> filter_of(context& at, const holding_flags& flags) {
  auto wishes = flags.filter;
  if (!flags.institution.empty()) wishes.where.push_back("institution=" + flags.institution);
  if (!flags.study_date.empty()) wishes.where.push_back("study-date=" + flags.study_date);
  if (!flags.modalities.empty()) {
    if (auto codes = parse_modalities(flags.modalities); !codes) return codes.error();
    wishes.where.push_back("modality=" + flags.modalities);
  }
  auto filter = wire_filter(at, wishes, columns);
  if (!filter || flags.mrns.empty()) return filter;
  if (filter->contains("PatientID")) return fail(errc::bad_request, "name the patients in one way only");
  (*filter)["PatientID"] = json{{"list", flags.mrns}};
  return filter;
}

result<json> studies_of(context& at, const holding_flags& flags) {
  auto filter = filter_of(at, flags);
  if (!filter) return filter.error();
  if (!flags.studies.empty()) {
    if (!filter->empty() || flags.all) return fail(errc::bad_request, "choose by --study, or by other flags; not both");
    for (const auto& uid : flags.studies)
      if (!messages::is_valid_uid(uid)) return fail(errc::bad_request, "--study: not a DICOM UID");
    return json(flags.studies);
  }
  if (filter->empty() && !flags.all)
    return fail(errc::bad_request,
                "say which studies: --study UID, --mrn, --mrns FILE, --modality, --study-date, --where, or --all");
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
