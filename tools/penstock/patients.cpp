// patients find.

#include "tools/penstock/search.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

exit_code run_find(context& at, const search_flags& flags) {
  auto args = search_args(at, flags);
  if (!args) return at.report(args.error());
  auto findings = follow_search(at, "patients.find", std::move(*args), "patients");
  if (!findings) return at.report(findings.error());
  const auto code = code_of_outcomes(findings->rows);
  if (at.json) {
    at.show(json{{"patients", findings->found}, {"rows", findings->rows}, {"counts", count_outcomes(findings->rows)}});
    return code;
  }
  table patients{
      {{"MRN"}, {"Issuer"}, {"Name"}, {"Born"}, {"Sex"}, {"Studies", alignment::right}, {"PACS"}, {"Institution"}}};
  for (const auto& one : findings->found)
    patients.add({text_in(one, "PatientID"), text_in(one, "IssuerOfPatientID"),
                  person_name(text_in(one, "PatientName")), study_time(text_in(one, "PatientBirthDate"), ""),
                  text_in(one, "PatientSex"), text_in(one, "studies"), text_in(one, "pacs"),
                  text_in(one, "institution")});
  if (patients.empty())
    at.say("No patient was found.");
  else
    at.show(patients);
  show_outcomes(at, findings->rows);
  return code;
}

}  // namespace

void add_patients_commands(CLI::App& program, context& at) {
  auto* patients = program.add_subcommand("patients", "Patients of the project's cohort")->require_subcommand(1);
  auto* find = patients->add_subcommand("find", "Find patients by MRN: what was found, then one outcome a line");
  const auto flags = std::make_shared<search_flags>();
  add_place_flags(*find, *flags);
  find->callback([&at, flags] { at.action = [&at, flags] { return run_find(at, *flags); }; });
}

}  // namespace penstock::commands
