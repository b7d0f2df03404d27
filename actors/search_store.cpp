#include "actors/search_store.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "conf/rules_queries.hpp"
#include "messages/holdings.hpp"
#include "messages/requests.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {

using namespace messages;
namespace keys = storage::keys;
using nlohmann::json;

namespace {

struct position {
  std::uint64_t match = 0;
  std::uint64_t input = 0;
};

std::optional<position> parse_cursor(const std::string& cursor) {
  position at;
  if (cursor.empty()) return at;
  const auto* end = cursor.data() + cursor.size();
  auto first = std::from_chars(cursor.data(), end, at.match);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ':') return std::nullopt;
  auto second = std::from_chars(first.ptr + 1, end, at.input);
  if (second.ec != std::errc{} || second.ptr != end) return std::nullopt;
  return at;
}

const char* name_of_matches(search_kind kind) {
  if (kind == search_kind::patients) return "patients";
  return kind == search_kind::series ? "series" : "studies";
}

/// What a client sees of an input: its best outcome and, of the units with that outcome, the first message and MRN.
json input_row(const search_row& search, std::size_t input, const std::vector<search_unit>& seen) {
  std::vector<const search_unit*> units;
  for (const auto& unit : seen) units.push_back(&unit);
  const auto outcome = combined(units);
  json row{{"input", search.inputs[input].reveal()}, {"outcome", name_of(outcome)}, {"mrn", ""}, {"message", ""}};
  for (const auto* unit : units) {
    if (unit->outcome != outcome) continue;
    row["mrn"] = unit->mrn.patient_id.reveal();
    row["message"] = unit->message;
    break;
  }
  return row;
}

std::map<std::uint64_t, std::vector<const search_unit*>> units_by_input(const running_search& of, std::uint64_t from) {
  std::map<std::uint64_t, std::vector<const search_unit*>> by_input;
  for (const auto& unit : of.units)
    if (unit.input >= from && unit.input < from + search_store::page_rows) by_input[unit.input].push_back(&unit);
  return by_input;
}

std::string cached_state(const storage::row_reader& core, const std::string& project, const json& match) {
  const auto pacs = match.value("pacs", "");
  const dicom_uid study{match.value("StudyInstanceUID", "")};
  if (auto held = core.get(storage::column::rows, keys::holding(project, pacs, study)); held && *held) return "yes";
  auto number = core.get(storage::column::rows, keys::request_for(project, pacs, study));
  if (!number || !*number) return "no";
  auto row = storage::read_row<request_row>(
      core, keys::request(project, std::strtoull((**number).c_str(), nullptr, 10)), "request");
  return row && *row && !is_terminal((**row).state) ? "moving" : "no";
}

}  // namespace

void give_up(search_unit& unit) {
  unit.outcome = search_outcome::unavailable;
  unit.message = "the search was cancelled";
}

result<void> search_store::load_unfinished() {
  std::vector<search_row> open;
  auto seen = storage::read_rows<search_row>(*core_, {.prefix = keys::searches_of(project_)}, "search",
                                             [&](std::string_view, search_row&& row) {
                                               if (!row.done) open.push_back(std::move(row));
                                               return true;
                                             });
  if (!seen) return seen.error();
  for (auto& row : open) {
    auto whole = read(std::move(row));
    if (!whole) return whole.error();
    searches_.insert_or_assign(whole->row.search, std::move(*whole));
  }
  return {};
}

result<running_search> search_store::read(search_row row) const {
  running_search whole;
  whole.row = std::move(row);
  auto units = storage::read_rows<search_unit>(*core_, {.prefix = keys::search_units_of(project_, whole.row.search)},
                                               "search unit", [&](std::string_view, search_unit&& unit) {
                                                 const bool pending = unit.outcome == search_outcome::pending;
                                                 if (pending && whole.row.done) give_up(unit);
                                                 if (pending && !whole.row.done) ++whole.unanswered;
                                                 whole.units.push_back(std::move(unit));
                                                 return true;
                                               });
  if (!units) return units.error();
  auto matches = core_->scan(storage::column::rows, {.prefix = keys::matches_of(project_, whole.row.search)},
                             [](auto, auto) { return true; });
  if (!matches) return matches.error();
  whole.matches = matches->visited;
  return whole;
}

std::vector<state_row> search_store::rows_of(const search_plan& plan) const {
  std::vector<state_row> rows;
  rows.push_back(storage::put_row(keys::search(project_, plan.row.search), plan.row));
  for (const auto& unit : plan.units)
    rows.push_back(storage::put_row(keys::search_unit(project_, plan.row.search, unit.number), unit));
  return rows;
}

running_search& search_store::add(search_plan plan) {
  forget_one();
  running_search fresh;
  fresh.row = std::move(plan.row);
  fresh.units = std::move(plan.units);
  for (const auto& unit : fresh.units) fresh.unanswered += unit.outcome == search_outcome::pending ? 1 : 0;
  const auto id = fresh.row.search;
  return searches_.insert_or_assign(id, std::move(fresh)).first->second;
}

void search_store::forget_one() {
  if (searches_.size() < most_kept) return;
  auto oldest = searches_.end();
  for (auto each = searches_.begin(); each != searches_.end(); ++each)
    if (each->second.row.done &&
        (oldest == searches_.end() || each->second.row.started_us < oldest->second.row.started_us))
      oldest = each;
  if (oldest != searches_.end()) searches_.erase(oldest);
}

std::size_t search_store::running() const {
  return static_cast<std::size_t>(
      std::count_if(searches_.begin(), searches_.end(), [](const auto& each) { return !each.second.row.done; }));
}

result<running_search*> search_store::find(const std::string& search) {
  if (auto found = searches_.find(search); found != searches_.end()) return &found->second;
  auto row = storage::read_row<search_row>(*core_, keys::search(project_, search), "search");
  if (!row) return row.error();
  if (!*row) return nullptr;
  auto whole = read(std::move(**row));
  if (!whole) return whole.error();
  forget_one();
  return &searches_.insert_or_assign(search, std::move(*whole)).first->second;
}

bool search_store::is_worth_answering(const running_search& of, const std::string& cursor) {
  const auto at = parse_cursor(cursor);
  return of.row.done || !at || of.matches >= at->match + page_rows;
}

/// Only of searches by accession number: there, no unit says which patient it found.
result<void> search_store::look_for_shown(running_search& of, const search_view& view,
                                          const conf::rules_ptr& rules) const {
  if (of.row.kind != search_kind::studies_by_accession) return {};
  if (of.shown.by != rules) of.shown = {rules, 0, {}};
  storage::row_range range{.from = keys::match(project_, of.row.search, of.shown.matches),
                           .prefix = keys::matches_of(project_, of.row.search)};
  auto end = core_->scan(storage::column::rows, range, [&](std::string_view, std::string_view value) {
    ++of.shown.matches;
    const auto match = json::parse(value, nullptr, false);
    if (view.shows(match))
      of.shown.keys.insert(search_view::accession_key(match.value("pacs", ""), match.value("AccessionNumber", "")));
    return true;
  });
  return end ? result<void>{} : result<void>{end.error()};
}

result<std::string> search_store::part(running_search& of, const std::string& cursor,
                                       const conf::rules_ptr& rules) const {
  const auto at = parse_cursor(cursor);
  if (!at) return fail(errc::bad_request, "cursor: not one that an earlier part of this search gave");
  const auto* project = conf::find_project(*rules, project_);
  if (!project) return fail(errc::not_found, "no such project");
  const search_view view{*rules, *project, of.row, of.units};
  if (auto looked = look_for_shown(of, view, rules); !looked) return looked.error();
  position next = *at;
  auto rows = json::array();
  for (const auto& [input, units] : units_by_input(of, at->input)) {
    if (input != next.input || combined(units) == search_outcome::pending) break;
    std::vector<search_unit> seen;
    for (const auto* unit : units) seen.push_back(view.as_seen(*unit, of.shown.keys));
    rows.push_back(input_row(of.row, input, seen));
    ++next.input;
  }
  auto matches = json::array();
  std::size_t bytes = 0;
  storage::row_range range{.from = keys::match(project_, of.row.search, at->match),
                           .prefix = keys::matches_of(project_, of.row.search),
                           .limit = page_rows};
  auto end = core_->scan(storage::column::rows, range, [&](std::string_view, std::string_view value) {
    if (bytes > page_bytes) return false;
    bytes += value.size();
    ++next.match;
    auto match = json::parse(value, nullptr, false);
    if (!view.shows(match)) return true;
    if (of.row.kind == search_kind::studies_by_mrn || of.row.kind == search_kind::studies_by_accession)
      match["cached"] = cached_state(*core_, project_, match);
    matches.push_back(std::move(match));
    return true;
  });
  if (!end) return end.error();
  json answer{
      {"search", of.row.search}, {"done", of.row.done}, {"rows", rows}, {name_of_matches(of.row.kind), matches}};
  if (!of.row.done || next.match < of.matches || next.input < of.row.inputs.size())
    answer["next"] = std::to_string(next.match) + ":" + std::to_string(next.input);
  return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace penstock::actors
