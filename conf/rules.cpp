#include "conf/rules.hpp"

#include <tuple>

#include "conf/calendar.hpp"
#include "conf/rules_reader.hpp"
#include "conf/text_file.hpp"

namespace penstock::conf {
namespace {

void read_top(section& top, rules& into) {
  (void)top.number("version", presence::required, 1, 1);
  if (auto zone = top.text("timezone", presence::required)) {
    if (!is_time_zone(*zone)) top.fault_at("timezone", "expected an IANA name such as America/New_York");
    into.timezone = std::move(*zone);
  }
  into.require_training = top.yes_or_no("require_training").value_or(false);
}

void keep_reserved(section& top, std::string_view key, std::map<std::string, reserved_section, std::less<>>& into) {
  for (auto& [entry, at] : top.named(key, max_reserved_sections))
    into.emplace(entry.first, reserved_section{entry.second.as_toml()});
}

bool exists(const rules& in, const reference& wanted) {
  switch (wanted.to) {
    case reference::target::institution:
      return in.institutions.contains(wanted.id);
    case reference::target::pacs:
      return in.pacs.contains(wanted.id);
    case reference::target::user:
      return in.users.contains(wanted.id);
  }
  return false;
}

void check_references(const section& top, const rules_reading& reading) {
  for (const auto& wanted : reading.references)
    if (!exists(reading.into, wanted))
      top.fault_at(wanted.at, wanted.key + ": there is no \"" + wanted.id + "\" in this file");
}

}  // namespace

bool project::operator==(const project& other) const {
  const auto content = [](const project& of) {
    return std::tie(of.id, of.title, of.irb, of.valid_through, of.basis, of.members, of.pacs, of.patients_file,
                    of.cache_quota_bytes, of.weight, of.retention);
  };
  if (content(*this) != content(other)) return false;
  if (!patients || !other.patients) return patients == other.patients;
  return patients == other.patients || patients->patients() == other.patients->patients();
}

loaded<rules_ptr> parse_rules(std::string_view toml, const std::filesystem::path& name) {
  loaded<rules_ptr> result;
  if (toml.size() > max_rules_bytes) {
    result.faults.push_back({name.string(), 0, 0, "longer than " + std::to_string(max_rules_bytes) + " bytes"});
    return result;
  }
  auto top = section::parse(toml, name.string(), result.faults);
  if (!top) return result;
  auto made = std::make_shared<rules>();
  made->file = name;
  made->toml_text = toml;
  rules_reading reading{*made, {}, result.faults};
  read_top(*top, *made);
  read_institutions(*top, reading);
  read_all_pacs(*top, reading);
  read_users(*top, reading);
  read_projects(*top, reading);
  keep_reserved(*top, "source", made->sources);
  keep_reserved(*top, "destination", made->destinations);
  top->refuse_unknown_keys();
  check_references(*top, reading);
  sort_faults(result.faults, name.string());
  if (result.ok()) result.value = std::move(made);
  return result;
}

loaded<rules_ptr> load_rules(const std::filesystem::path& file) {
  loaded<rules_ptr> result;
  const auto text = read_text_file(file, max_rules_bytes, result.faults);
  return text ? parse_rules(*text, file) : result;
}

std::string_view name_of(user_role role) {
  switch (role) {
    case user_role::researcher:
      return "researcher";
    case user_role::admin:
      return "admin";
    case user_role::auditor:
      return "auditor";
  }
  return "researcher";
}

std::string_view name_of(legal_basis basis) {
  switch (basis) {
    case legal_basis::waiver:
      return "waiver";
    case legal_basis::authorization:
      return "authorization";
    case legal_basis::limited_data_set:
      return "limited-data-set";
    case legal_basis::preparatory:
      return "preparatory";
    case legal_basis::decedents:
      return "decedents";
  }
  return "waiver";
}

std::string_view name_of(retrieve_method method) { return method == retrieve_method::get ? "get" : "move"; }

}  // namespace penstock::conf
