// studies find, series find.

#include <array>

#include "tools/penstock/list_output.hpp"
#include "tools/penstock/pager.hpp"
#include "tools/penstock/search.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

struct study_flags {
  search_flags search;
  list_flags list;
  bool show_uids = false;
};

struct series_flags {
  std::string pacs;
  std::string study;
  list_flags list;
};

/// Many archives do not say how many images there are.
std::string images_of(const json& item, const char* member) {
  const auto count = text_in(item, member);
  return count == "0" ? "" : count;
}

constexpr std::array study_columns{
    list_column{"accession", "AccessionNumber", "Accession"},
    list_column{"mrn", "PatientID", "MRN"},
    list_column{.name = "name",
                .field = "PatientName",
                .heading = "Name",
                .draw = [](const json& row) { return cell{person_name(text_in(row, "PatientName"))}; }},
    list_column{.name = "study-date",
                .field = "StudyDate",
                .heading = "Study date/time",
                .kind = column_kind::date,
                .draw = study_time_cell},
    list_column{"modality", "ModalitiesInStudy", "Modality", column_kind::words},
    list_column{.name = "images",
                .field = "NumberOfStudyRelatedInstances",
                .heading = "Images",
                .kind = column_kind::number,
                .draw = [](const json& row) { return cell{images_of(row, "NumberOfStudyRelatedInstances")}; }},
    list_column{"description", "StudyDescription", "Description"},
    list_column{"pacs", "pacs", "PACS"},
    list_column{"cached", "cached", "Cached"},
    list_column{"institution", "institution", "Institution", column_kind::text, false},
    list_column{"department", "department", "Department", column_kind::text, false},
    list_column{"issuer", "IssuerOfPatientID", "Issuer", column_kind::text, false},
    list_column{"study-time", "StudyTime", "Study time", column_kind::text, false},
    list_column{"availability", "InstanceAvailability", "Availability", column_kind::text, false},
    list_column{"uid", "StudyInstanceUID", "Study Instance UID", column_kind::text, false}};

constexpr std::array series_columns{
    list_column{"number", "SeriesNumber", "Number", column_kind::number},
    list_column{"modality", "Modality", "Modality"},
    list_column{.name = "images",
                .field = "NumberOfSeriesRelatedInstances",
                .heading = "Images",
                .kind = column_kind::number,
                .draw = [](const json& row) { return cell{images_of(row, "NumberOfSeriesRelatedInstances")}; }},
    list_column{"description", "SeriesDescription", "Description"},
    list_column{"uid", "SeriesInstanceUID", "Series Instance UID"}};

std::string columns_of(const study_flags& flags) {
  if (!flags.show_uids || !flags.list.columns.empty()) return flags.list.columns;
  std::string named;
  for (const auto& column : study_columns)
    if (column.shown || column.name == "uid") named += std::string{column.name} + ",";
  return named;
}

exit_code run_find(context& at, const study_flags& flags) {
  auto args = search_args(at, flags.search);
  if (!args) return at.report(args.error());
  auto findings = follow_search(at, "studies.find", std::move(*args), "studies");
  if (!findings) return at.report(findings.error());
  if (auto written = write_outcomes(flags.search.outcome_file, {{"find", &findings->rows}}); !written)
    return at.report(written.error());
  auto chosen = choose_rows(at, findings->found, flags.list, study_columns);
  if (!chosen) return at.report(chosen.error());
  name_institutions(at, *chosen);
  const page whole;
  const auto found = chosen->size();
  const listed what{
      json{{"studies", std::move(*chosen)}, {"rows", findings->rows}, {"counts", count_outcomes(findings->rows)}},
      "studies", "No study was found."};
  if (auto shown = show_list(at, what, study_columns, columns_of(flags)); !shown) return at.report(shown.error());
  show_outcomes(at, findings->rows);
  if (found != 0) at.say("To get them: 'penstock request' with the same flags.");
  return code_of_outcomes(findings->rows);
}

exit_code run_series(context& at, const series_flags& flags) {
  const json args{{"pacs", flags.pacs}, {"StudyInstanceUID", flags.study}};
  auto findings = follow_search(at, "series.find", args, "series");
  if (!findings) return at.report(findings.error());
  auto chosen = choose_rows(at, findings->found, flags.list, series_columns);
  if (!chosen) return at.report(chosen.error());
  const page whole;
  const listed what{json{{"series", std::move(*chosen)}}, "series", "The study has no series there."};
  auto shown = show_list(at, what, series_columns, flags.list.columns);
  return shown ? exit_code::ok : at.report(shown.error());
}

}  // namespace

void add_studies_commands(CLI::App& program, context& at) {
  auto* studies = program.add_subcommand("studies", "Studies of the project's patients")->require_subcommand(1);
  auto* find =
      studies->add_subcommand("find", "Find studies by MRN or accession: what was found, then one outcome a line");
  const auto flags = std::make_shared<study_flags>();
  add_place_flags(*find, flags->search);
  add_study_flags(*find, flags->search);
  add_list_flags(*find, at, flags->list, study_columns);
  find->add_flag("--uids", flags->show_uids, "Show Study Instance UIDs, too");
  find->callback([&at, flags] { at.action = [&at, flags] { return run_find(at, *flags); }; });

  auto* series = program.add_subcommand("series", "Series of a study")->require_subcommand(1);
  auto* find_series = series->add_subcommand("find", "List the series of one study at its PACS");
  const auto where = std::make_shared<series_flags>();
  find_series->add_option("--pacs", where->pacs, "Where the study is")->type_name("ID")->required();
  find_series->add_option("UID", where->study, "Study Instance UID")->required();
  add_list_flags(*find_series, at, where->list, series_columns);
  find_series->callback([&at, where] { at.action = [&at, where] { return run_series(at, *where); }; });
}

}  // namespace penstock::commands
