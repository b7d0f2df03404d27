#include "tools/console/found_patients.hpp"

#include "tools/penstock/context.hpp"

namespace penstock::console {
namespace {

using commands::text_in;
using messages::search_outcome;
using nlohmann::json;

constexpr auto column(patient_value value) { return static_cast<std::size_t>(value); }

std::string key_of_patient(const std::string& pacs, const std::string& mrn) { return pacs + "\n" + mrn; }

std::string number_of(std::size_t line) { return std::to_string(line + 1); }
std::string id_of_line(std::size_t line) { return "l" + number_of(line); }

/// Said before any PACS was asked.
bool needed_no_query(search_outcome outcome) { return outcome < search_outcome::not_found; }

}  // namespace

void found_patients::clear() {
  rows_.clear();
  matches_of_.clear();
  overflowed_ = false;
}

void found_patients::learn(const search_news& news, const std::vector<std::string>& lines,
                           const line_outcomes& outcomes) {
  for (const auto& match : news.found)
    if (match.is_object()) learn_match(news.pacs, match);
  for (const auto& line : news.lines) {
    const auto& text = lines.at(line.number);
    if (!needed_no_query(line.outcome)) learn_answer(news.pacs, line, text);
    const auto best = outcomes.best(line.number);
    // One row for all PACS, once none of them may still have more to say of it.
    if (best != search_outcome::pending && needed_no_query(best))
      put_line(id_of_line(line.number), "", {line.number, best, "", outcomes.best_reason(line.number)}, text);
  }
}

void found_patients::learn_match(const std::string& pacs, const json& match) {
  const auto mrn = text_in(match, "PatientID");
  // What has the MRN of one patient and the name of two is two rows.
  const auto id = "m" + key_of_patient(pacs, mrn) + "\n" + text_in(match, "IssuerOfPatientID") + "\n" +
                  text_in(match, "PatientName") + "\n" + text_in(match, "PatientBirthDate");
  if (rows_.find(id)) return;
  std::vector<std::string> values(column(patient_value::count));
  const auto set = [&](patient_value which, std::string text) { values[column(which)] = std::move(text); };
  set(patient_value::outcome, "found");
  set(patient_value::mrn, mrn);
  set(patient_value::name, commands::person_name(text_in(match, "PatientName")));
  set(patient_value::studies, text_in(match, "studies"));
  set(patient_value::pacs, pacs);
  set(patient_value::born, text_in(match, "PatientBirthDate"));
  set(patient_value::sex, text_in(match, "PatientSex"));
  set(patient_value::institution, text_in(match, "institution"));
  set(patient_value::issuer, text_in(match, "IssuerOfPatientID"));
  overflowed_ = !rows_.put(id, values) || overflowed_;
  matches_of_[key_of_patient(pacs, mrn)].push_back(id);
}

void found_patients::learn_answer(const std::string& pacs, const search_news::line& line, const std::string& text) {
  const auto id = id_of_line(line.number) + "\n" + pacs;
  rows_.erase(id);
  learn_found(pacs, line);
  if (line.outcome != search_outcome::found) put_line(id, pacs, line, text);
}

/// Rows of matches come first, and learn here which line they are of.
void found_patients::learn_found(const std::string& pacs, const search_news::line& line) {
  const auto known = matches_of_.find(key_of_patient(pacs, line.mrn));
  if (known == matches_of_.end()) return;
  for (const auto& id : known->second) rows_.set(id, column(patient_value::line), number_of(line.number));
}

void found_patients::put_line(const std::string& id, const std::string& pacs, const search_news::line& line,
                              const std::string& text) {
  std::vector<std::string> values(column(patient_value::count));
  values[column(patient_value::line)] = number_of(line.number);
  values[column(patient_value::outcome)] = messages::name_of(line.outcome);
  values[column(patient_value::mrn)] = text;
  values[column(patient_value::pacs)] = pacs;
  values[column(patient_value::reason)] = line.why;
  overflowed_ = !rows_.put(id, values) || overflowed_;
}

chosen_patients found_patients::choose(const std::vector<std::string>& ids) const {
  chosen_patients chosen;
  std::map<std::string, std::size_t> numbers;
  std::map<std::string, std::set<std::size_t>> at;
  for (const auto& id : ids) {
    const auto row = rows_.find(id);
    if (!row || !id.starts_with('m')) {
      ++chosen.unfound;
      continue;
    }
    const std::string mrn{rows_.value(*row, column(patient_value::mrn))};
    const auto [known, is_new] = numbers.emplace(mrn, chosen.mrns.size());
    if (is_new) chosen.mrns.push_back(mrn);
    at[std::string{rows_.value(*row, column(patient_value::pacs))}].insert(known->second);
  }
  for (const auto& [pacs, lines] : at) chosen.at[pacs] = {lines.begin(), lines.end()};
  return chosen;
}

}  // namespace penstock::console
