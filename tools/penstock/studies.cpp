// studies find, series find.

#include "tools/penstock/search.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

struct study_flags {
  search_flags search;
  bool show_uids = false;
};

struct series_flags {
  std::string pacs;
  std::string study;
};

/// Many archives do not say how many images there are.
std::string images_of(const json& item, const char* member) {
  const auto count = text_in(item, member);
  return count == "0" ? "" : count;
}

void show_studies(const context& at, const json& studies, bool show_uids) {
  std::vector<column> columns{{"Accession"},       {"MRN"},      {"Name"},
                              {"Study date/time"}, {"Modality"}, {"Images", alignment::right},
                              {"Description"},     {"PACS"},     {"Cached"}};
  if (show_uids) columns.push_back({"Study Instance UID"});
  table rows{std::move(columns)};
  for (const auto& one : studies) {
    std::vector<cell> row{text_in(one, "AccessionNumber"),
                          text_in(one, "PatientID"),
                          person_name(text_in(one, "PatientName")),
                          study_time(text_in(one, "StudyDate"), text_in(one, "StudyTime")),
                          list_in(one, "ModalitiesInStudy"),
                          images_of(one, "NumberOfStudyRelatedInstances"),
                          text_in(one, "StudyDescription"),
                          text_in(one, "pacs"),
                          text_in(one, "cached")};
    if (show_uids) row.emplace_back(text_in(one, "StudyInstanceUID"));
    rows.add(std::move(row));
  }
  if (rows.empty())
    at.say("No study was found.");
  else
    at.show(rows);
}

exit_code run_find(context& at, const study_flags& flags) {
  auto args = search_args(at, flags.search);
  if (!args) return at.report(args.error());
  auto findings = follow_search(at, "studies.find", std::move(*args), "studies");
  if (!findings) return at.report(findings.error());
  if (at.json) {
    at.show(json{{"studies", findings->found}, {"rows", findings->rows}, {"counts", count_outcomes(findings->rows)}});
  } else {
    show_studies(at, findings->found, flags.show_uids);
    show_outcomes(at, findings->rows);
    if (!findings->found.empty()) at.say("To get them: 'penstock request' with the same flags.");
  }
  return code_of_outcomes(findings->rows);
}

exit_code run_series(context& at, const series_flags& flags) {
  const json args{{"pacs", flags.pacs}, {"StudyInstanceUID", flags.study}};
  auto findings = follow_search(at, "series.find", args, "series");
  if (!findings) return at.report(findings.error());
  if (at.json) {
    at.show(json{{"series", findings->found}});
    return exit_code::ok;
  }
  table rows{{{"Number", alignment::right},
              {"Modality"},
              {"Images", alignment::right},
              {"Description"},
              {"Series Instance UID"}}};
  for (const auto& one : findings->found)
    rows.add({text_in(one, "SeriesNumber"), text_in(one, "Modality"), images_of(one, "NumberOfSeriesRelatedInstances"),
              text_in(one, "SeriesDescription"), text_in(one, "SeriesInstanceUID")});
  if (rows.empty())
    at.say("The study has no series there.");
  else
    at.show(rows);
  return exit_code::ok;
}

}  // namespace

void add_studies_commands(CLI::App& program, context& at) {
  auto* studies = program.add_subcommand("studies", "Studies of the project's patients")->require_subcommand(1);
  auto* find =
      studies->add_subcommand("find", "Find studies by MRN or accession: what was found, then one outcome a line");
  const auto flags = std::make_shared<study_flags>();
  add_place_flags(*find, flags->search);
  add_study_flags(*find, flags->search);
  find->add_flag("--uids", flags->show_uids, "Show Study Instance UIDs, too");
  find->callback([&at, flags] { at.action = [&at, flags] { return run_find(at, *flags); }; });

  auto* series = program.add_subcommand("series", "Series of a study")->require_subcommand(1);
  auto* find_series = series->add_subcommand("find", "List the series of one study at its PACS");
  const auto where = std::make_shared<series_flags>();
  find_series->add_option("--pacs", where->pacs, "Where the study is")->type_name("ID")->required();
  find_series->add_option("UID", where->study, "Study Instance UID")->required();
  find_series->callback([&at, where] { at.action = [&at, where] { return run_series(at, *where); }; });
}

}  // namespace penstock::commands
