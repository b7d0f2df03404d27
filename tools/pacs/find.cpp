// C-FIND: PS3.4 annex C.2.2.2 (matching) and C.6 (the Patient Root and Study Root models).

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <tuple>

#include "storage/character_sets.hpp"
#include "tools/pacs/exchange.hpp"

namespace penstock::pacs {
namespace {

using std::string_view;

/// `*` and `?`, iterative: a pattern may be hostile.
bool wildcard_match(string_view pattern, string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] != '*' && pattern[p] == text[t]))) {
      ++p;
      ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (star != string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == string_view::npos;
}

std::string lower_case(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool in_range(const std::string& range, const std::string& value) {
  const auto dash = range.find('-');
  if (dash == std::string::npos) return range == value;
  const auto from = range.substr(0, dash);
  const auto to = range.substr(dash + 1);
  return value >= from && (to.empty() || value <= to);
}

bool value_matches(const attribute& which, const dataset& keys, const dataset& entity) {
  const auto wanted = text(keys, which);
  if (which.vr == "UI" || which.tag == attributes::modalities_in_study.tag) {
    const auto all = values(keys, which);
    const auto has = values(entity, which);
    return std::ranges::any_of(all, [&](const auto& one) { return std::ranges::find(has, one) != has.end(); });
  }
  const auto is = text(entity, which);
  if (which.vr == "DA" || which.vr == "TM") return in_range(wanted, is);
  if (which.vr == "PN") return wildcard_match(lower_case(wanted), lower_case(is));
  return wildcard_match(wanted, is);
}

/// Keys that the entity does not have are not matched, as the standard allows for optional keys.
bool matches(const dataset& keys, const dataset& entity) {
  return std::ranges::all_of(keys, [&](const auto& key) {
    const auto has = entity.find(key.first);
    return has == entity.end() || value_matches({key.first, has->second.vr}, keys, entity);
  });
}

std::string joined(const std::set<std::string>& all) {
  std::string made;
  for (const auto& one : all) made += (made.empty() ? "" : "\\") + one;
  return made;
}

class find_run {
 public:
  explicit find_run(exchange& of) : of_(of), level_(text(of.identifier(), attributes::query_retrieve_level)) {
    const auto character_set = text(of.identifier(), attributes::specific_character_set);
    for (const auto& [tag, key] : of.identifier()) {
      if (tag == attributes::query_retrieve_level.tag || tag == attributes::specific_character_set.tag) continue;
      auto value = storage::to_utf8(character_set, text(of.identifier(), {tag, key.vr})).text;
      if (!value.empty()) keys_[tag] = {key.vr, std::move(value)};
    }
  }

  void run() {
    const bool patient_root = is_patient_root(text(of_.got().command, attributes::affected_sop_class_uid));
    const bool is_known = level_ == "STUDY" || level_ == "SERIES" || level_ == "IMAGE";
    if (!is_known && !(level_ == "PATIENT" && patient_root))
      return of_.finish(dimse_status::identifier_does_not_match_sop_class);
    if (level_ == "PATIENT")
      find_patients();
    else
      find_studies();
    of_.finish(of_.cancelled() ? dimse_status::cancelled : dimse_status::success);
  }

 private:
  [[nodiscard]] bool goes_on() const {
    return of_.alive() && !of_.cancelled() && rows_ < of_.then().most_rows.value_or(~0U);
  }

  void find_patients() {
    using identity = std::tuple<std::string, std::string, std::string>;
    std::map<identity, std::pair<const study*, std::uint32_t>> patients;
    for (const auto& each : of_.in()->holds.studies()) {
      const identity who{each.patient_id(), text(each.attributes, attributes::issuer_of_patient_id),
                         text(each.attributes, attributes::patient_name)};
      auto& [first, studies] = patients[who];
      if (!first) first = &each;
      ++studies;
    }
    for (const auto& [who, found] : patients) {
      if (!goes_on()) return;
      dataset entity;
      for (const auto& [tag, of] : found.first->attributes)
        if (tag >> 16 == attributes::patient_id.tag >> 16) entity[tag] = of;
      put(entity, attributes::number_of_patient_related_studies, std::to_string(found.second));
      if (matches(keys_, entity)) send_row(entity);
    }
  }

  void find_studies() {
    const auto uids = values(keys_, attributes::study_instance_uid);
    for (const auto& uid : uids)
      if (const auto* found = of_.in()->holds.find(uid); found && goes_on()) find_in(*found);
    if (!uids.empty()) return;
    for (const auto& each : of_.in()->holds.studies()) {
      if (!goes_on()) return;
      find_in(each);
    }
  }

  void find_in(const study& of) {
    if (!matches(keys_, of.attributes)) return;
    auto entity = of.attributes;
    std::set<std::string> modalities;
    std::set<std::string> sop_classes;
    std::size_t instances = 0;
    for (const auto& member : of.members) {
      modalities.insert(text(member.attributes, attributes::modality));
      for (const auto& one : member.instances) sop_classes.insert(one.sop_class_uid);
      instances += member.instances.size();
    }
    put(entity, attributes::modalities_in_study, joined(modalities));
    put(entity, attributes::sop_classes_in_study, joined(sop_classes));
    put(entity, attributes::number_of_study_related_series, std::to_string(of.members.size()));
    put(entity, attributes::number_of_study_related_instances, std::to_string(instances));
    put(entity, attributes::instance_availability, availability(of));
    if (level_ == "STUDY") {
      if (matches(keys_, entity)) send_row(entity);
      return;
    }
    for (const auto& member : of.members)
      if (goes_on()) find_in(member, entity);
  }

  void find_in(const series& of, dataset entity) {
    for (const auto& [tag, one] : of.attributes) entity[tag] = one;
    put(entity, attributes::number_of_series_related_instances, std::to_string(of.instances.size()));
    if (level_ == "SERIES") {
      if (matches(keys_, entity)) send_row(entity);
      return;
    }
    if (!matches(keys_, entity)) return;
    for (const auto& one : of.instances) {
      if (!goes_on()) return;
      put(entity, attributes::sop_class_uid, one.sop_class_uid);
      put(entity, attributes::sop_instance_uid, one.sop_instance_uid);
      put(entity, attributes::instance_number, std::to_string(one.number));
      if (matches(keys_, entity)) send_row(entity);
    }
  }

  [[nodiscard]] std::string availability(const study& of) const {
    const auto* rule = nearline_rule_for(*of_.in(), of);
    return rule && !of_.is_on_line(*rule, of.uid()) ? "NEARLINE" : "ONLINE";
  }

  /// What was asked for of the entity, as this PACS puts it.
  [[nodiscard]] dataset row_of(const dataset& entity) const {
    const auto& then = of_.then();
    const bool is_altered = rows_ < then.alter_first.value_or(~0U);
    dataset row;
    for (const auto& [tag, asked] : of_.identifier()) {
      const auto found = entity.find(tag);
      row[tag] = found == entity.end() ? element{asked.vr, ""} : found->second;
    }
    put(row, attributes::query_retrieve_level, level_);
    put(row, attributes::retrieve_ae_title, of_.by().called_ae);
    if (is_altered)
      for (const auto& [tag, of] : then.set.value_or(dataset{})) row[tag] = of;
    const auto character_set = then.character_set.value_or("ISO_IR 192");
    for (auto& [tag, of] : row) {
      if (is_altered && then.lower_case.value_or(false) && of.vr != "UI") of.value = lower_case(of.value);
      if (is_altered && then.pad.value_or(false) && of.vr != "UI" && !of.value.empty())
        of.value = "  " + of.value + "  ";
      if (has_character_set(of.vr)) of.value = from_utf8(character_set, of.value).value_or(of.value);
    }
    if (!is_altered || !then.set || !then.set->contains(attributes::specific_character_set.tag))
      put(row, attributes::specific_character_set, character_set);
    if (is_altered)
      for (const auto tag : then.absent.value_or(std::vector<std::uint32_t>{})) row.erase(tag);
    return row;
  }

  void send_row(const dataset& entity) {
    const auto& then = of_.then();
    of_.wait(then.pause.value_or(std::chrono::milliseconds{0}));
    if (!goes_on()) return;
    if (then.break_with && rows_ == then.break_after.value_or(0)) return of_.break_with(*then.break_with);
    of_.respond(dimse_status::pending, {}, encode(row_of(entity), of_.as()));
    ++rows_;
  }

  exchange& of_;
  std::string level_;
  dataset keys_;  ///< with a value, in UTF-8
  std::uint32_t rows_ = 0;
};

}  // namespace

void serve_find(exchange& of) { find_run{of}.run(); }

}  // namespace penstock::pacs
