#include "conf/rule_changes.hpp"

#include <algorithm>
#include <map>

namespace penstock::conf {
namespace {

/// What people see of a thing: key -> value.
using description = std::map<std::string, std::string>;

std::string text_of(const std::optional<std::uint32_t>& limit) { return limit ? std::to_string(*limit) : "none"; }
std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(std::chrono::milliseconds value) { return std::to_string(value.count()) + " ms"; }

std::string two_digits(unsigned value) { return (value < 10 ? "0" : "") + std::to_string(value); }

std::string text_of(const std::optional<std::chrono::year_month_day>& day) {
  if (!day) return "none";
  return std::to_string(static_cast<int>(day->year())) + "-" + two_digits(static_cast<unsigned>(day->month())) + "-" +
         two_digits(static_cast<unsigned>(day->day()));
}

std::string time_of_day(unsigned minute) { return two_digits(minute / 60) + ":" + two_digits(minute % 60); }

std::string days_of(std::uint8_t days) {
  static constexpr std::string_view letters = "MTWTFSS";
  std::string text;
  for (unsigned i = 0; i < letters.size(); ++i) text += ((days >> i) & 1U) != 0 ? letters[i] : '-';
  return text;
}

template <class List>
std::string joined(const List& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ", ") + std::string{item};
  return "[" + text + "]";
}

description described(const institution& of) { return {{"name", of.name}}; }

void describe_windows(const pacs& of, description& into) {
  std::vector<std::string> order;
  for (const auto& one : of.windows) {
    const auto& limits = one.limits;
    order.push_back(one.name);
    const auto in = " in " + one.name;
    into["days" + in] = days_of(one.days);
    into["hours" + in] = time_of_day(one.from_minute) + "-" + time_of_day(one.to_minute);
    into["concurrent" + in] = std::to_string(limits.concurrent);
    into["per_minute" + in] = text_of(limits.per_minute);
    into["per_hour" + in] = text_of(limits.per_hour);
    into["per_day" + in] = text_of(limits.per_day);
    into["abort" + in] = text_of(limits.abort);
  }
  into["order of windows"] = joined(order);
}

std::string text_of(const tls_files& of) {
  auto text = of.ca.string() + " " + of.certificate.string() + " " + of.key.string();
  return of.name.empty() ? text : text + " name " + of.name;
}

description described(const pacs& of) {
  description into{{"institution", of.institution},
                   {"department", of.department},
                   {"ae_title", of.ae_title},
                   {"host", of.host},
                   {"port", std::to_string(of.port)},
                   {"calling_ae", of.calling_ae},
                   {"retrieve", std::string{name_of(of.retrieve)}},
                   {"tls", of.tls ? text_of(*of.tls) : "none"},
                   {"max_studies_per_patient", std::to_string(of.max_studies_per_patient)},
                   {"default_charset", of.default_charset},
                   {"find_per_minute", std::to_string(of.find_per_minute)},
                   {"enumerate_per_minute", std::to_string(of.enumerate_per_minute)},
                   {"idle_timeout", text_of(of.idle_timeout)},
                   {"lease_quiet", text_of(of.lease_quiet)},
                   {"total_timeout", text_of(of.total_timeout)},
                   {"breaker.failures_in_a_row", std::to_string(of.breaker.failures_in_a_row)},
                   {"breaker.slowest_echo", text_of(of.breaker.slowest_echo)},
                   {"breaker.first_probe", text_of(of.breaker.first_probe)},
                   {"breaker.longest_probe", text_of(of.breaker.longest_probe)},
                   {"breaker.watch", text_of(of.breaker.watch)},
                   {"timezone", of.timezone}};
  std::vector<std::string> forms;
  for (const auto& rule : of.mrn)
    forms.push_back(rule.pattern.text() + " issuer " + rule.issuer + " pad " + std::to_string(rule.input_pad));
  into["mrn"] = joined(forms);
  describe_windows(of, into);
  return into;
}

description described(const user& of) {
  std::vector<std::string_view> roles;
  for (const auto role : of.roles) roles.push_back(name_of(role));
  return {{"name", of.name}, {"roles", joined(roles)}, {"training_valid_through", text_of(of.training_valid_through)}};
}

description described(const project& of) {
  return {{"title", of.title},
          {"irb", of.irb},
          {"valid_through", text_of(of.valid_through)},
          {"legal_basis", std::string{name_of(of.basis)}},
          {"patients file", of.patients_file.string()},
          {"patients", std::to_string(of.patients ? of.patients->patients().size() : 0)},
          {"cache_quota", std::to_string(of.cache_quota_bytes) + " B"},
          {"weight", std::to_string(of.weight)},
          {"retention", of.retention ? text_of(*of.retention) : "none"}};
}

description described(const reserved_section&) { return {}; }

template <class T>
std::string difference(const T& before, const T& after) {
  auto old_keys = described(before);
  const auto new_keys = described(after);
  std::string words;
  const auto add = [&words](const std::string& key, const std::string& from, const std::string& to) {
    words += (words.empty() ? "" : "; ") + key + ": " + from + " -> " + to;
  };
  for (const auto& [key, value] : new_keys) {
    const auto old_value = old_keys.contains(key) ? old_keys[key] : "absent";
    if (old_value != value) add(key, old_value, value);
  }
  for (const auto& [key, value] : old_keys)
    if (!new_keys.contains(key)) add(key, value, "absent");
  return words;
}

/// "raj leaves; amy joins": who is in one list and not in the other.
std::string moves(const std::vector<std::string>& before, const std::vector<std::string>& after, const char* leaves,
                  const char* joins) {
  std::string words;
  const auto add = [&words](const std::string& id, const char* what) {
    words += (words.empty() ? "" : "; ") + id + " " + what;
  };
  for (const auto& id : before)
    if (std::find(after.begin(), after.end(), id) == after.end()) add(id, leaves);
  for (const auto& id : after)
    if (std::find(before.begin(), before.end(), id) == before.end()) add(id, joins);
  return words;
}

std::string patients_moved(const project& before, const project& after) {
  if (before.patients == after.patients || !before.patients || !after.patients) return "";
  const auto count = [](const cohort& of, const cohort& in) {
    return std::count_if(of.patients().begin(), of.patients().end(),
                         [&in](const auto& patient) { return !in.has(patient.mrn); });
  };
  const auto gone = count(*before.patients, *after.patients);
  const auto come = count(*after.patients, *before.patients);
  if (gone == 0 && come == 0)
    return before.patients->patients() == after.patients->patients() ? "" : "codes of patients changed";
  return std::to_string(gone) + " patients withdrawn, " + std::to_string(come) + " added";
}

/// For what is not shown by its value.
std::string hidden_difference(const user& before, const user& after) {
  return before.keys == after.keys ? "" : "keys replaced";
}
std::string hidden_difference(const project& before, const project& after) {
  std::string words;
  for (const auto& part :
       {moves(before.members, after.members, "leaves", "joins"),
        moves(before.pacs, after.pacs, "may not be used any more", "may be used"), patients_moved(before, after)})
    if (!part.empty()) words += (words.empty() ? "" : "; ") + part;
  return words;
}
template <class T>
std::string hidden_difference(const T&, const T&) {
  return "content replaced";
}

template <class T>
std::string words_for(const T& before, const T& after) {
  const auto shown = difference(before, after);
  const auto hidden = shown.empty() || std::is_same_v<T, user> || std::is_same_v<T, project>
                          ? hidden_difference(before, after)
                          : std::string{};
  return shown.empty() ? hidden : hidden.empty() ? shown : shown + "; " + hidden;
}

template <class T>
void compare(const std::string& thing, const std::map<std::string, T, std::less<>>& before,
             const std::map<std::string, T, std::less<>>& after, std::vector<rule_change>& into) {
  for (const auto& [id, old_one] : before) {
    const auto found = after.find(id);
    if (found == after.end())
      into.push_back({change_kind::removed, thing, id, ""});
    else if (!(found->second == old_one))
      into.push_back({change_kind::changed, thing, id, words_for(old_one, found->second)});
  }
  for (const auto& [id, new_one] : after)
    if (!before.contains(id)) into.push_back({change_kind::added, thing, id, ""});
}

}  // namespace

std::string_view name_of(change_kind kind) {
  switch (kind) {
    case change_kind::added:
      return "added";
    case change_kind::removed:
      return "removed";
    case change_kind::changed:
      return "changed";
  }
  return "changed";
}

std::string rule_change::text() const {
  auto line = thing + (id.empty() ? "" : " " + id) + " " + std::string{name_of(kind)};
  return words.empty() ? line : line + ": " + words;
}

std::vector<rule_change> changes_between(const rules& old_rules, const rules& new_rules) {
  std::vector<rule_change> found;
  const auto top = [&found](const std::string& key, const std::string& from, const std::string& to) {
    if (from != to) found.push_back({change_kind::changed, "rules", "", key + ": " + from + " -> " + to});
  };
  top("timezone", old_rules.timezone, new_rules.timezone);
  top("require_training", text_of(old_rules.require_training), text_of(new_rules.require_training));
  compare("institution", old_rules.institutions, new_rules.institutions, found);
  compare("pacs", old_rules.pacs, new_rules.pacs, found);
  compare("user", old_rules.users, new_rules.users, found);
  compare("project", old_rules.projects, new_rules.projects, found);
  compare("source", old_rules.sources, new_rules.sources, found);
  compare("destination", old_rules.destinations, new_rules.destinations, found);
  return found;
}

}  // namespace penstock::conf
