#include "conf/rules_queries.hpp"

#include <algorithm>

#include "conf/calendar.hpp"

namespace penstock::conf {
namespace {

template <class Map>
const typename Map::mapped_type* find_in(const Map& map, std::string_view id) {
  const auto found = map.find(id);
  return found == map.end() ? nullptr : &found->second;
}

template <class List, class Value>
bool contains(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::string_view without_white_space(std::string_view text) {
  constexpr std::string_view white_space = " \t\r\n";
  const auto begin = text.find_first_not_of(white_space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white_space) - begin + 1);
}

std::string padded(std::string_view input, std::size_t digits) {
  const bool is_number = input.find_first_not_of("0123456789") == std::string_view::npos;
  const auto missing = is_number && input.size() < digits ? digits - input.size() : 0;
  return std::string(missing, '0').append(input);
}

}  // namespace

const project* find_project(const rules& in, std::string_view id) { return find_in(in.projects, id); }
const pacs* find_pacs(const rules& in, std::string_view id) { return find_in(in.pacs, id); }
const user* find_user(const rules& in, std::string_view id) { return find_in(in.users, id); }
const institution* find_institution(const rules& in, std::string_view id) { return find_in(in.institutions, id); }

const user* user_of_key(const rules& in, std::string_view public_key) {
  for (const auto& [id, who] : in.users)
    if (contains(who.keys, public_key)) return &who;
  return nullptr;
}

bool is_member(const project& in, std::string_view user_id) { return contains(in.members, user_id); }
bool has_role(const user& who, user_role role) { return contains(who.roles, role); }
bool may_use_pacs(const project& in, std::string_view pacs_id) { return contains(in.pacs, pacs_id); }

std::vector<const project*> projects_of(const rules& in, std::string_view user_id) {
  std::vector<const project*> found;
  for (const auto& [id, one] : in.projects)
    if (is_member(one, user_id)) found.push_back(&one);
  return found;
}

std::vector<const pacs*> pacs_of(const rules& in, std::string_view institution_id, std::string_view department) {
  std::vector<const pacs*> found;
  for (const auto& [id, one] : in.pacs)
    if (one.institution == institution_id && (department.empty() || one.department == department))
      found.push_back(&one);
  return found;
}

std::vector<std::string> departments_of(const rules& in, std::string_view institution_id) {
  std::vector<std::string> names;
  for (const auto* one : pacs_of(in, institution_id)) names.push_back(one->department);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

bool is_expired(const project& in, std::chrono::year_month_day today) { return is_past(in.valid_through, today); }

bool training_in_force(const rules& in, const user& who, std::chrono::year_month_day today) {
  if (!in.require_training) return true;
  return who.training_valid_through && !is_past(who.training_valid_through, today);
}

bool cohort_has(const project& in, const messages::medical_record_number& mrn) {
  return in.patients && in.patients->has(mrn);
}

bool is_suspended(const rules& in, const project& of, std::string_view pacs_id,
                  const messages::medical_record_number& patient) {
  const auto* at = find_pacs(in, pacs_id);
  if (at == nullptr || !may_use_pacs(of, pacs_id)) return true;
  return !cohort_has(of, mrn_of_answer(*at, patient.patient_id.reveal(), patient.issuer.reveal()));
}

messages::result<messages::medical_record_number> normalise_mrn(const pacs& at, std::string_view input) {
  input = without_white_space(input);
  if (!messages::is_exact_key(input))
    return messages::fail(messages::errc::bad_request,
                          "mrn: 1 to 64 bytes without wildcard, backslash or control character");
  for (const auto& rule : at.mrn) {
    auto candidate = padded(input, rule.input_pad);
    if (rule.pattern.matches(candidate))
      return messages::medical_record_number{messages::protected_text{std::move(candidate)},
                                             messages::protected_text{rule.issuer}};
  }
  return messages::fail(messages::errc::bad_request, "mrn: has no form that " + at.id + " uses");
}

messages::medical_record_number mrn_of_answer(const pacs& at, std::string_view patient_id, std::string_view issuer) {
  patient_id = messages::without_padding(patient_id);
  issuer = messages::without_padding(issuer);
  if (issuer.empty()) {
    const auto rule = std::find_if(at.mrn.begin(), at.mrn.end(),
                                   [&](const mrn_rule& one) { return one.pattern.matches(patient_id); });
    if (rule != at.mrn.end()) issuer = rule->issuer;
  }
  return {messages::protected_text{std::string{patient_id}}, messages::protected_text{std::string{issuer}}};
}

}  // namespace penstock::conf
