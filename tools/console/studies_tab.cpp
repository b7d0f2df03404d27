#include "tools/console/studies_tab.hpp"

#include <charconv>

#include "tools/console/changes.hpp"
#include "tools/console/requests_tab.hpp"
#include "tools/console/search_status.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

using messages::result;
using nlohmann::json;

constexpr auto column(study_value value) { return static_cast<std::size_t>(value); }

std::string size_shown(std::string_view bytes) {
  std::uint64_t value = 0;
  std::from_chars(bytes.data(), bytes.data() + bytes.size(), value);
  return value == 0 ? "" : commands::human_bytes(value);
}

form_field priority_field() {
  form_field field{form_field::kind::one_of, "Priority"};
  field.options = {{"low", "low", false}, {"normal", "normal", true}, {"high", "high", false}};
  field.cursor = 1;
  return field;
}

}  // namespace

std::vector<column_spec> study_columns() {
  using enum value_kind;
  return {{"Accession", text, 12},
          {"MRN", text, 10},
          {"Study date", time, 16, {}, true},
          {"Mod", text, 5, {}, true},
          {"Images", number, 6, {}, true},
          {"In cache", text, 11, {}, true},
          {"Est. size", number, 9, size_shown, true},
          {"Description", text, 22},
          {"Patient", text, 20},
          {"Progress", text, 9},
          {"Asked for", text, 20},
          {"PACS", text, 9, {}, true},
          {"Institution", text, 18, {}, true},
          {"Department", text, 10, {}, true},
          {"Availability", text, 12, {}, true},
          {"Study", text, 30}};
}

role study_look(std::size_t which, std::string_view value) {
  if (which != column(study_value::here)) return role::plain;
  return value == "cached" ? role::good : request_look(static_cast<std::size_t>(request_value::state), value);
}

std::vector<std::string> request_lines(const request_plan& plan, std::size_t hidden) {
  const auto& sizes = plan.sizes;
  std::vector<std::string> lines{count_of(sizes.studies, "study", "studies") + " of " +
                                 count_of(plan.patients, "patient", "patients") + " chosen" +
                                 (hidden == 0 ? "." : ", " + std::to_string(hidden) + " of them hidden by filters.")};
  if (plan.cached + plan.under_way != 0)
    lines.push_back(std::to_string(plan.cached) + " are in the cache already, " + std::to_string(plan.under_way) +
                    " on their way: they are not asked for again.");
  lines.push_back(count_of(sizes.to_fetch, "study", "studies") + " to fetch, " +
                  (sizes.bytes ? "about " + commands::human_bytes(*sizes.bytes) + "."
                               : std::string{"of a size that is not known yet."}));
  lines.push_back(commands::human_bytes(sizes.free_quota) + " of the quota are left.");
  if (sizes.bytes.value_or(0) > sizes.free_quota)
    lines.emplace_back("That may be too much: what does not fit waits until there is room.");
  lines.emplace_back();
  return lines;
}

studies_tab::studies_tab(desk& at, const live_project& project, std::unique_ptr<found_studies> found,
                         std::shared_ptr<patients_on_their_way> chosen)
    : search_tab(at, place::studies, found->rows(), study_columns(), study_look, project.project()),
      project_(project),
      found_(std::move(found)),
      chosen_(std::move(chosen)) {}

void studies_tab::opened() {
  if (!chosen_->has_value()) return;
  auto of = std::move(**chosen_);
  chosen_->reset();
  ask_for_limits(std::move(of));
}

void studies_tab::refresh() {
  found_->follow();
  search_tab::refresh();
}

void studies_tab::open_row(const std::string& id) {
  at().lay_over(std::make_unique<fact_box>("Study", facts_of(found_->rows(), table().columns(), id)));
}

std::string studies_tab::empty_text() const {
  return run().begun() ? nothing_found(run()) : "Choose patients in tab 1, or press n and paste accession numbers.";
}

std::string studies_tab::more_summary() const {
  return found_->overflowed() ? "there are more than " + std::to_string(row_store::most_rows) : "";
}

std::vector<std::pair<action, std::string>> studies_tab::buttons() const {
  if (run().begun() && !run().over()) return {{action::cancel_search, "Stop"}, {action::request_studies, "Request"}};
  return {{action::new_search, "Find"}, {action::request_studies, "Request"}};
}

std::string studies_tab::words_below() const {
  const auto& quota = project_.quota();
  const auto taken = quota.used + quota.reserved;
  const auto left = "quota left " + commands::human_bytes(quota.quota > taken ? quota.quota - taken : 0);
  const auto bytes = table().sum_of_marked([this](const auto& ids) { return found_->estimate_of(ids); });
  return bytes == 0 ? left : "chosen, to fetch: about " + commands::human_bytes(bytes) + " · " + left;
}

void studies_tab::ask_for_limits(chosen_patients of) {
  std::vector<std::string> facts{count_of(of.mrns.size(), "patient", "patients") + " at " +
                                 std::to_string(of.at.size()) + " PACS."};
  if (of.unfound != 0)
    facts.push_back(count_of(of.unfound, "chosen row", "chosen rows") + " without a patient left out.");
  facts.emplace_back();
  at().lay_over(std::make_unique<form_box>(
      "Find their studies", std::move(facts), std::vector<form_field>{modality_field(), date_field()}, "Find studies",
      [this, of = std::move(of)](const auto& form) { return begin_patients(of, form); }));
}

std::string studies_tab::begin_patients(const chosen_patients& of, const std::vector<form_field>& form) {
  auto limits = limits_of(form[0], form[1]);
  if (!limits) return limits.error().context;
  begin({project(), "studies.find", "mrns", "studies", of.mrns, of.at, std::move(*limits)});
  return {};
}

void studies_tab::ask_for_numbers(const std::string& pasted) {
  with_pacs([this, pasted](std::vector<form_option> options) {
    at().lay_over(std::make_unique<form_box>(
        "Find studies by accession number", std::vector<std::string>{},
        std::vector<form_field>{numbers_field("Accessions", pasted), file_field(), pacs_field(std::move(options)),
                                modality_field(), date_field()},
        "Find studies", [this](const auto& form) { return begin_accessions(form); }));
  });
}

std::string studies_tab::begin_accessions(const std::vector<form_field>& form) {
  auto lines = numbers_of(form[0], form[1], commands::accession_headings());
  if (!lines) return lines.error().context;
  const auto pacs = take_pacs(form[2]);
  if (pacs.empty()) return "choose at least one PACS";
  auto limits = limits_of(form[3], form[4]);
  if (!limits) return limits.error().context;
  auto asked = at_each(pacs, lines->size());
  begin({project(), "studies.find", "accessions", "studies", std::move(*lines), std::move(asked), std::move(*limits)});
  return {};
}

bool studies_tab::act_on_found(action what) {
  if (what != action::request_studies) return false;
  ask_to_request();
  return true;
}

void studies_tab::ask_to_request() {
  if (!parts_.empty()) return at().say("the last studies are still being asked for", role::warning);
  const auto plan = found_->plan(table().chosen());
  if (plan.sizes.studies == 0) return at().say("no study is chosen");
  if (plan.to_ask.empty())
    return at().say("all " + std::to_string(plan.sizes.studies) + " are in the cache or on their way already");
  const auto count = count_of(plan.to_ask.size(), "study", "studies");
  at().lay_over(
      std::make_unique<form_box>("Move " + count + " to the repository", request_lines(plan, table().marked_unseen()),
                                 std::vector<form_field>{priority_field()}, "Request " + count,
                                 [this, ids = plan.to_ask](const std::vector<form_field>& form) -> std::string {
                                   request(ids, form[0].chosen().front());
                                   return {};
                                 }));
}

void studies_tab::request(const std::vector<std::string>& ids, const std::string& priority) {
  const auto parts = parts_of(ids);
  parts_.assign(parts.begin(), parts.end());
  priority_ = priority;
  asked_ = taken_ = 0;
  send_next_part();
}

void studies_tab::send_next_part() {
  at().say("asking for " + count_of(parts_.front().size(), "study", "studies") + "…", role::busy);
  auto items = json::array();
  for (const auto& id : parts_.front()) items.push_back(found_->item_of(id));
  at().ask({"requests.submit", project(), {{"items", items}, {"priority", priority_}}, client::new_op(), {}},
           [this, part = parts_.front()](const result<json>& answer) { learn_part(part, answer); });
}

void studies_tab::learn_part(const std::vector<std::string>& part, const result<json>& answer) {
  if (!answer) {
    found_->learn_failure(part, answer.error().context);
    parts_.clear();
    list_tab::refresh();
    return at().say(std::to_string(taken_) + " asked for, then: " + answer.error().context +
                        ". Asking again does no harm: what was taken on is not fetched twice",
                    role::bad);
  }
  asked_ += part.size();
  taken_ += found_->learn_outcomes(part, *answer);
  parts_.pop_front();
  list_tab::refresh();
  if (!parts_.empty()) return send_next_part();
  const bool all = taken_ == asked_;
  const auto other = all ? "" : ", " + std::to_string(asked_ - taken_) + " not: see the column Asked for";
  at().say(count_of(taken_, "study", "studies") + " asked for" + other + "; 5 shows how they fare",
           all ? role::good : role::warning);
}

}  // namespace penstock::console
