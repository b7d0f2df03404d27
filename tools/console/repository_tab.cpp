#include "tools/console/repository_tab.hpp"

#include <charconv>
#include <set>

#include "tools/console/changes.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

constexpr std::size_t most_named = 8;

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string size_shown(std::string_view bytes) { return commands::human_bytes(number(bytes)); }
std::string time_shown(std::string_view time) { return commands::local_time(time); }

std::string_view value_of(const row_store& holdings, row_store::slot at, holding_value which) {
  return holdings.value(at, static_cast<std::size_t>(which));
}

}  // namespace

std::vector<column_spec> repository_columns() {
  using enum value_kind;
  return {{"Accession", text, 12},
          {"Institution", text, 16, {}, true},
          {"Department", text, 10, {}, true},
          {"MRN", text, 10},
          {"Cached", time, 16, time_shown, true},
          {"Study date", time, 16, {}, true},
          {"Mod", text, 5, {}, true},
          {"Size", value_kind::number, 9, size_shown, true},
          {"Last download by", text, 16, {}, true},
          {"Last download", time, 16, time_shown},
          {"Study", text, 30},
          {"Images", value_kind::number, 6}};
}

role repository_look(std::size_t, std::string_view) { return role::plain; }

std::uint64_t bytes_of(const row_store& holdings, const std::vector<std::string>& studies) {
  std::uint64_t sum = 0;
  for (const auto& study : studies)
    if (const auto at = holdings.find(study)) sum += number(value_of(holdings, *at, holding_value::bytes));
  return sum;
}

std::vector<std::string> deletion_lines(const row_store& holdings, const std::vector<std::string>& studies,
                                        std::size_t hidden) {
  std::set<std::string_view> patients;
  std::vector<std::string> named;
  for (const auto& study : studies) {
    const auto at = holdings.find(study);
    if (!at) continue;
    patients.insert(value_of(holdings, *at, holding_value::mrn));
    if (named.size() < most_named)
      named.push_back("  " + std::string{value_of(holdings, *at, holding_value::accession)} + "  " +
                      std::string{value_of(holdings, *at, holding_value::mrn)} + "  " +
                      std::string{value_of(holdings, *at, holding_value::modality)} + "  " +
                      size_shown(value_of(holdings, *at, holding_value::bytes)));
  }
  std::vector<std::string> lines{count_of(studies.size(), "study", "studies") + " of " +
                                 count_of(patients.size(), "patient", "patients") + ", " +
                                 commands::human_bytes(bytes_of(holdings, studies)) + ":"};
  lines.insert(lines.end(), named.begin(), named.end());
  if (studies.size() > named.size())
    lines.push_back("  and " + std::to_string(studies.size() - named.size()) + " more");
  if (hidden != 0) lines.push_back(std::to_string(hidden) + " of them are hidden by filters.");
  lines.emplace_back();
  lines.push_back("The project gives them up; they can be requested again.");
  return lines;
}

std::vector<std::string> holding_details(const row_store& holdings, const std::string& study) {
  const auto at = holdings.find(study);
  if (!at) return {"This study is not in the repository any more."};
  const auto columns = repository_columns();
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto name = columns[i].title;
    name.resize(18, ' ');
    const auto value = holdings.value(*at, i);
    lines.push_back(name + (columns[i].shown ? columns[i].shown(value) : std::string{value}));
  }
  return lines;
}

repository_tab::repository_tab(desk& at, live_project& project, local_side& local)
    : list_tab(at, place::repository, project.holdings(), repository_columns(), repository_look),
      project_(project),
      local_(local) {
  table().view().sort_by(static_cast<std::size_t>(holding_value::cached), true);
}

std::string repository_tab::empty_text() const { return "Nothing is cached yet; tab 1 finds patients to ask for."; }

void repository_tab::draw(canvas& on, const rect& where) {
  const auto& quota = project_.quota();
  const auto chosen = table().sum_of_marked([this](const auto& studies) {
    return bytes_of(project_.holdings(), {studies.begin(), studies.end()});
  });
  draw_quota(on, {where.x + 1, where.y, where.width - 2, 1}, {quota.quota, quota.used, chosen, quota.reserved});
  list_tab::draw(on, {where.x, where.y + 1, where.width, where.height - 1});
}

bool repository_tab::act_on_rows(action what) {
  switch (what) {
    case action::delete_rows:
      ask_to_delete();
      return true;
    case action::download:
      ask_to_take_home();
      return true;
    case action::paste_numbers:
      ask_for_numbers();
      return true;
    case action::refresh:
      at().read_again();
      at().say("reading the repository again");
      return true;
    default:
      return false;
  }
}

void repository_tab::open_row(const std::string& id) {
  at().lay_over(std::make_unique<fact_box>("Study", holding_details(project_.holdings(), id)));
}

void repository_tab::ask_to_delete() {
  const auto chosen = table().chosen();
  if (chosen.empty()) return;
  const auto count = count_of(chosen.size(), "study", "studies");
  const auto then = [this, chosen] {
    for (const auto& part : parts_of(chosen))
      send_change(at(), project_.project(), "cache.delete", {{"studies", part}}, "deleted");
  };
  at().lay_over(std::make_unique<question_box>("Delete " + count,
                                               deletion_lines(project_.holdings(), chosen, table().marked_unseen()),
                                               "Delete " + count, then));
}

void repository_tab::ask_to_take_home() {
  const auto chosen = table().chosen();
  if (chosen.empty()) return;
  const auto bytes = bytes_of(project_.holdings(), chosen);
  ask_to_download(at(), local_, project_.project(), chosen,
                  count_of(chosen.size(), "study", "studies") + ", " + commands::human_bytes(bytes), bytes);
}

void repository_tab::ask_for_numbers() {
  constexpr std::size_t most_bytes = 1024 * 1024;
  at().lay_over(std::make_unique<text_box>(
      "Show only these patients", "MRNs, one a line, or a CSV; nothing shows all again", text_field{true, most_bytes},
      [this](const std::string& pasted) { filter_numbers(pasted); }, true));
}

void repository_tab::filter_numbers(const std::string& pasted) {
  auto list = commands::parse_input_list(pasted, commands::mrn_headings());
  if (!list) return at().say(list.error().context, role::bad);
  std::unordered_set<std::string> numbers;
  for (const auto& one : *list) numbers.insert(one.reveal());
  const auto column = static_cast<std::size_t>(holding_value::mrn);
  std::unordered_set<std::string> here_now;
  const auto& rows = project_.holdings();
  for (row_store::slot row = 0; row < rows.end_slot(); ++row)
    if (rows.is_row(row) && numbers.contains(std::string{rows.value(row, column)}))
      here_now.emplace(rows.value(row, column));
  const auto asked = numbers.size();
  filter_by_list(column, std::move(numbers));
  if (asked != 0)
    at().say(std::to_string(here_now.size()) + " of " + std::to_string(asked) + " numbers are in the repository");
}

}  // namespace penstock::console
