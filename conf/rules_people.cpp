// [user.*] and [project.*].

#include <algorithm>
#include <array>

#include "conf/rules_reader.hpp"
#include "conf/text_file.hpp"

namespace penstock::conf {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t key_length = 40;
constexpr std::string_view z85_alphabet =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr std::array roles{user_role::researcher, user_role::admin, user_role::auditor};
constexpr std::array bases{legal_basis::waiver, legal_basis::authorization, legal_basis::limited_data_set,
                           legal_basis::preparatory, legal_basis::decedents};

bool is_public_key(std::string_view text) {
  return text.size() == key_length && text.find_first_not_of(z85_alphabet) == std::string_view::npos;
}

void read_keys(section& from, const rules& known, user& into) {
  for (const auto& key : from.texts("keys", presence::required, max_keys_per_user)) {
    const auto has_key = [&](const user& other) {
      return std::find(other.keys.begin(), other.keys.end(), key.value) != other.keys.end();
    };
    const auto taken = [&](const auto& entry) { return has_key(entry.second); };
    if (!is_public_key(key.value))
      from.fault_at(key.at, "keys: expected a CURVE public key in Z85, 40 characters");
    else if (has_key(into) || std::any_of(known.users.begin(), known.users.end(), taken))
      from.fault_at(key.at, "keys: this key stands in the file already; a key belongs to one user");
    else
      into.keys.push_back(key.value);
  }
}

void read_roles(section& from, user& into) {
  for (const auto& text : from.texts("roles", presence::required, roles.size())) {
    const auto found =
        std::find_if(roles.begin(), roles.end(), [&](user_role role) { return name_of(role) == text.value; });
    if (found == roles.end())
      from.fault_at(text.at, "roles: expected researcher, admin or auditor");
    else
      into.roles.push_back(*found);
  }
}

std::vector<std::string> read_references(section& from, std::string_view key, reference::target to, std::size_t most,
                                         rules_reading& reading) {
  std::vector<std::string> ids;
  for (const auto& id : from.texts(key, presence::required, most)) {
    if (std::find(ids.begin(), ids.end(), id.value) != ids.end()) {
      from.fault_at(id.at, std::string{key} + ": stands in this list already");
      continue;
    }
    reading.references.push_back({to, id.value, std::string{key}, id.at});
    ids.push_back(id.value);
  }
  return ids;
}

void read_approval(section& from, project& into) {
  assign(into.title, from.text("title", presence::required));
  assign(into.irb, from.text("irb", presence::required));
  into.valid_through = from.date("valid_through", presence::optional);
  const bool no_review = from.yes_or_no("no_continuing_review").value_or(false);
  if (from.has("valid_through") == no_review)
    from.fault_at("valid_through", "expected either valid_through or no_continuing_review = true");
  if (const auto text = from.text("legal_basis", presence::required)) {
    const auto found =
        std::find_if(bases.begin(), bases.end(), [&](legal_basis basis) { return name_of(basis) == *text; });
    if (found == bases.end())
      from.fault_at("legal_basis", "expected waiver, authorization, limited-data-set, preparatory or decedents");
    else
      into.basis = *found;
  }
}

void read_patients(section& from, rules_reading& reading, project& into) {
  const auto path = from.text("patients", presence::required, 4000);
  if (!path) return;
  into.patients_file = beside(reading.into.file, *path);
  auto read = load_cohort(into.patients_file);
  into.patients = std::move(read.value);
  if (read.ok()) return;
  from.fault_at("patients", "the file has faults");
  for (auto& one : read.faults)
    if (reading.faults.size() < max_faults) reading.faults.push_back(std::move(one));
}

void read_retention(section& from, project& into) {
  if (from.any_text("retention", presence::optional) == "none") return;
  into.retention = from.duration("retention", presence::optional, 1h, 36'525 * 24h);
}

}  // namespace

void read_users(section& top, rules_reading& reading) {
  for (auto& [entry, at] : top.named("user", max_users)) {
    auto& [id, from] = entry;
    user made;
    made.id = id;
    assign(made.name, from.text("name", presence::required));
    read_keys(from, reading.into, made);
    read_roles(from, made);
    made.training_valid_through = from.date("training_valid_through", presence::optional);
    from.refuse_unknown_keys();
    reading.into.users.emplace(id, std::move(made));
  }
}

void read_projects(section& top, rules_reading& reading) {
  for (auto& [entry, at] : top.named("project", max_projects)) {
    auto& [id, from] = entry;
    project made;
    made.id = id;
    read_approval(from, made);
    made.members = read_references(from, "members", reference::target::user, max_members_per_project, reading);
    made.pacs = read_references(from, "pacs", reference::target::pacs, max_pacs, reading);
    read_patients(from, reading, made);
    assign(made.cache_quota_bytes, from.size("cache_quota", presence::required, 1));
    assign(made.weight, from.number("weight", presence::optional, 1, max_weight));
    read_retention(from, made);
    from.refuse_unknown_keys();
    reading.into.projects.emplace(id, std::move(made));
  }
}

}  // namespace penstock::conf
