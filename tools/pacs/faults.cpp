#include "tools/pacs/faults.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

namespace penstock::pacs {
namespace {

constexpr std::array<std::pair<request_kind, const char*>, 6> kinds{{{request_kind::associate, "A-ASSOCIATE"},
                                                                     {request_kind::echo, "C-ECHO"},
                                                                     {request_kind::find, "C-FIND"},
                                                                     {request_kind::move, "C-MOVE"},
                                                                     {request_kind::get, "C-GET"},
                                                                     {request_kind::cancel, "C-CANCEL"}}};

bool one_of(const std::string& wanted, const std::vector<std::string>& all) {
  return wanted.empty() || std::ranges::find(all, wanted) != all.end();
}

bool same(const std::string& wanted, const std::string& is) { return wanted.empty() || wanted == is; }

bool meets(const fault_match& when, const request_facts& request, std::chrono::steady_clock::duration age) {
  if (when.kind && *when.kind != request.kind) return false;
  if (when.without && std::ranges::find(request.keys, *when.without) != request.keys.end()) return false;
  if (age < when.after || (when.until.count() > 0 && age >= when.until)) return false;
  return same(when.level, request.level) && same(when.calling_ae, request.calling_ae) &&
         same(when.destination, request.destination) && one_of(when.patient_id, request.patient_ids) &&
         one_of(when.study_uid, request.study_uids) && request.in_flight >= when.in_flight;
}

bool is_due(const fault_match& when, std::uint32_t number) {
  return (when.nth == 0 || number == when.nth) && (when.first == 0 || number <= when.first) &&
         (when.every == 0 || number % when.every == 0);
}

void overlay(effects& onto, const effects& from) {
  const auto take = [&](auto... members) { ((from.*members ? void(onto.*members = from.*members) : void()), ...); };
  take(&effects::delay, &effects::refuse, &effects::status, &effects::break_with, &effects::break_after,
       &effects::break_in, &effects::bytes_per_second, &effects::reject, &effects::ignore, &effects::pause,
       &effects::set, &effects::absent, &effects::alter_first, &effects::most_rows, &effects::character_set,
       &effects::pad, &effects::lower_case, &effects::lose, &effects::lose_silently, &effects::pending,
       &effects::counts, &effects::copies, &effects::truncate, &effects::objects_after, &effects::store_as,
       &effects::originator);
}

}  // namespace

const char* name_of(request_kind kind) {
  return std::ranges::find(kinds, kind, &std::pair<request_kind, const char*>::first)->second;
}

std::optional<request_kind> request_kind_named(std::string_view name) {
  const auto found = std::ranges::find_if(kinds, [&](const auto& one) { return one.second == name; });
  if (found == kinds.end()) return std::nullopt;
  return found->first;
}

fault_book::fault_book(std::vector<fault> faults, std::uint32_t seed) : seed_(seed) {
  for (auto& one : faults) entries_.push_back({std::move(one), 0});
}

bool fault_book::falls_within_percent(std::size_t fault_number, const entry& of) const {
  std::seed_seq seed{seed_, static_cast<std::uint32_t>(fault_number), of.met};
  std::array<std::uint32_t, 1> drawn{};
  seed.generate(drawn.begin(), drawn.end());
  return drawn[0] % 100 < of.of.when.percent;
}

effects fault_book::effects_on(const request_facts& request, std::vector<std::string>& names) {
  const std::lock_guard lock{mutex_};
  const auto age = std::chrono::steady_clock::now() - began_;
  effects sum;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    auto& one = entries_[i];
    if (!meets(one.of.when, request, age)) continue;
    ++one.met;
    if (!is_due(one.of.when, one.met) || !falls_within_percent(i, one)) continue;
    overlay(sum, one.of.then);
    names.push_back(one.of.name);
  }
  return sum;
}

}  // namespace penstock::pacs
