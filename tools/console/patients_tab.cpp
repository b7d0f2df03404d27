#include "tools/console/patients_tab.hpp"

#include <algorithm>

#include "tools/console/changes.hpp"
#include "tools/console/search_status.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

constexpr auto column(patient_value value) { return static_cast<std::size_t>(value); }

std::string outcome_shown(std::string_view outcome) {
  std::string text{outcome};
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}
std::string date_shown(std::string_view date) { return commands::study_time(date, ""); }

}  // namespace

std::vector<column_spec> patient_columns() {
  using enum value_kind;
  return {{"Line", number, 6},         {"Outcome", text, 13, outcome_shown, true},
          {"MRN", text, 10},           {"Patient", text, 25},
          {"Studies", number, 7},      {"PACS", text, 9, {}, true},
          {"Why", text, 42, {}, true}, {"Born", time, 10, date_shown, true},
          {"Sex", text, 3, {}, true},  {"Institution", text, 18, {}, true},
          {"Issuer", text, 12}};
}

role patient_look(std::size_t which, std::string_view value) {
  if (which != column(patient_value::outcome)) return role::plain;
  if (value == "found") return role::good;
  return value == "unavailable" || value == "truncated" ? role::warning : role::bad;
}

patients_tab::patients_tab(desk& at, std::string project, std::unique_ptr<found_patients> found,
                           std::shared_ptr<patients_on_their_way> chosen)
    : search_tab(at, place::patients, found->rows(), patient_columns(), patient_look, std::move(project)),
      found_(std::move(found)),
      chosen_(std::move(chosen)) {}

std::string patients_tab::empty_text() const {
  return run().begun() ? nothing_found(run()) : "Paste MRNs here, or press n: which patients, and at which PACS.";
}

std::string patients_tab::more_summary() const {
  return found_->overflowed() ? "there are more than " + std::to_string(row_store::most_rows) : "";
}

std::vector<std::pair<action, std::string>> patients_tab::buttons() const {
  if (run().begun() && !run().over()) return {{action::cancel_search, "Stop"}, {action::find_studies, "Find studies"}};
  return {{action::new_search, "Find patients"}, {action::find_studies, "Find studies"}};
}

std::string patients_tab::words_below() const {
  const auto at = found_->rows().find(table().cursor_id());
  return at ? std::string{found_->rows().value(*at, column(patient_value::reason))} : std::string{};
}

void patients_tab::ask_for_numbers(const std::string& pasted) {
  with_pacs([this, pasted](std::vector<form_option> options) {
    at().lay_over(std::make_unique<form_box>(
        "Find patients", std::vector<std::string>{},
        std::vector<form_field>{numbers_field("MRNs", pasted), file_field(), pacs_field(std::move(options))},
        "Find patients", [this](const auto& form) { return begin_from(form); }));
  });
}

std::string patients_tab::begin_from(const std::vector<form_field>& form) {
  auto lines = numbers_of(form[0], form[1], commands::mrn_headings());
  if (!lines) return lines.error().context;
  const auto pacs = take_pacs(form[2]);
  if (pacs.empty()) return "choose at least one PACS";
  auto asked = at_each(pacs, lines->size());
  begin({project(), "patients.find", "mrns", "patients", std::move(*lines), std::move(asked)});
  return {};
}

bool patients_tab::act_on_found(action what) {
  if (what != action::find_studies) return false;
  find_studies();
  return true;
}

void patients_tab::find_studies() {
  auto chosen = found_->choose(table().chosen());
  if (chosen.mrns.empty()) return at().say("choose patients that were found: Space marks them", role::warning);
  const auto hidden = table().marked_unseen();
  *chosen_ = std::move(chosen);
  at().show(action::show_studies);
  if (hidden != 0) at().say(count_of(hidden, "chosen row is", "chosen rows are") + " hidden by filters, and counts");
}

void patients_tab::open_row(const std::string& id) {
  at().lay_over(std::make_unique<fact_box>("Patient", facts_of(found_->rows(), table().columns(), id)));
}

}  // namespace penstock::console
