// patients find.

#include <array>

#include "tools/penstock/list_output.hpp"
#include "tools/penstock/pager.hpp"
#include "tools/penstock/search.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

struct patient_flags {
  search_flags search;
  list_flags list;
};

constexpr std::array patient_columns{
    list_column{"mrn", "PatientID", "MRN"},
    list_column{"issuer", "IssuerOfPatientID", "Issuer"},
    list_column{.name = "name",
                .field = "PatientName",
                .heading = "Name",
                .draw = [](const json& row) { return cell{person_name(text_in(row, "PatientName"))}; }},
    list_column{"born", "PatientBirthDate", "Born", column_kind::date},
    list_column{"sex", "PatientSex", "Sex"},
    list_column{"studies", "studies", "Studies", column_kind::number},
    list_column{"pacs", "pacs", "PACS"},
    list_column{"institution", "institution", "Institution"}};

exit_code run_find(context& at, const patient_flags& flags) {
  auto args = search_args(at, flags.search);
  if (!args) return at.report(args.error());
  auto findings = follow_search(at, "patients.find", std::move(*args), "patients");
  if (!findings) return at.report(findings.error());
  if (auto written = write_outcomes(flags.search.outcome_file, {{"find", &findings->rows}}); !written)
    return at.report(written.error());
  auto chosen = choose_rows(at, findings->found, flags.list, patient_columns);
  if (!chosen) return at.report(chosen.error());
  name_institutions(at, *chosen);
  const page whole;
  const listed what{
      json{{"patients", std::move(*chosen)}, {"rows", findings->rows}, {"counts", count_outcomes(findings->rows)}},
      "patients", "No patient was found."};
  if (auto shown = show_list(at, what, patient_columns, flags.list.columns); !shown) return at.report(shown.error());
  show_outcomes(at, findings->rows);
  return code_of_outcomes(findings->rows);
}

}  // namespace

void add_patients_commands(CLI::App& program, context& at) {
  auto* patients = program.add_subcommand("patients", "Patients of the project's cohort")->require_subcommand(1);
  auto* find = patients->add_subcommand("find", "Find patients by MRN: what was found, then one outcome a line");
  const auto flags = std::make_shared<patient_flags>();
  add_place_flags(*find, flags->search);
  add_list_flags(*find, at, flags->list, patient_columns);
  find->callback([&at, flags] { at.action = [&at, flags] { return run_find(at, *flags); }; });
}

}  // namespace penstock::commands
