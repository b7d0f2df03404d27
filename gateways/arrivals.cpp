#include "gateways/arrivals.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace penstock::gateways {

using messages::errc;
using messages::fail;
using messages::result;

result<void> arrivals_table::expect(messages::expect_arrivals what, bool only_tls) {
  const arrival_name name{what.owner, what.ticket};
  if (by_name_.size() >= most_arrivals)
    return fail(errc::rate_limited, "expect arrivals: too many studies are expected");
  if (by_name_.contains(name)) return fail(errc::conflict, "expect arrivals: the ticket is in use");
  const auto [first, last] = by_study_.equal_range(what.study);
  for (auto each = first; each != last; ++each)
    if (find(each->second)->expected.ae_title == what.ae_title)
      return fail(errc::conflict, "expect arrivals: the study is arriving already");
  by_study_.emplace(what.study, name);
  arrival next;
  next.expected = std::move(what);
  next.only_tls = only_tls;
  by_name_.emplace(name, std::move(next));
  return {};
}

arrival* arrivals_table::expected_of(const messages::dicom_uid& study, const std::string& calling_ae) {
  const auto [first, last] = by_study_.equal_range(study);
  if (first == last) return nullptr;
  if (std::next(first) == last) return find(first->second);
  for (auto each = first; each != last; ++each)
    if (auto* one = find(each->second); one->expected.ae_title == calling_ae) return one;
  return nullptr;
}

arrival* arrivals_table::find(child_number child, const messages::dicom_uid& study) {
  const auto [first, last] = by_study_.equal_range(study);
  for (auto each = first; each != last; ++each)
    if (auto* one = find(each->second); one->writers.contains(child)) return one;
  return first != last && std::next(first) == last ? find(first->second) : nullptr;
}

arrival* arrivals_table::find(const arrival_name& name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

result<storage::descriptor> arrivals_table::open_part(arrival& into) {
  const auto& expected = into.expected;
  for (auto number = into.parts.size() + 1; number <= most_parts; ++number) {
    const auto name = expected.stem + "-" + std::to_string(number) + ".part";
    const auto path = expected.directory + "/" + name;
    constexpr mode_t owner_only = 0600;
    storage::descriptor opened{::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, owner_only)};
    if (opened) {
      into.parts.push_back(name);
      return opened;
    }
    // A leftover of before a crash keeps its number.
    if (errno != EEXIST)
      return fail(errc::io_error, "open a part in " + expected.directory + ": " + std::strerror(errno));
  }
  return fail(errc::too_large, "open a part in " + expected.directory + ": too many parts");
}

decided_store arrivals_table::decide(child_number child, const messages::dicom_uid& study,
                                     const std::string& calling_ae, bool over_tls) {
  decided_store answer;
  auto& decision = answer.decision;
  decision.study_uid = study;
  auto* expected = expected_of(study, calling_ae);
  if (expected == nullptr || expected->stopping) {
    decision.reason = "the study is not expected";
    return answer;
  }
  if (expected->only_tls && !over_tls) {
    decision.reason = "the study is expected over TLS, not in the clear";
    return answer;
  }
  const auto& limits = expected->expected;
  if ((limits.most_bytes != 0 && expected->bytes >= limits.most_bytes) ||
      (limits.most_instances != 0 && expected->instances >= limits.most_instances)) {
    decision.reason = "the study is larger than allowed";
    return answer;
  }
  auto opened = open_part(*expected);
  if (!opened) {
    decision.reason = opened.error().text();
    return answer;
  }
  expected->writers.insert(child);
  decision.allowed = true;
  decision.patient = limits.patient;
  decision.most_bytes = limits.most_bytes == 0 ? 0 : limits.most_bytes - expected->bytes;
  decision.most_instances = limits.most_instances == 0 ? 0 : limits.most_instances - expected->instances;
  answer.pack = std::move(opened).value();
  return answer;
}

std::vector<arrival_name> arrivals_table::forget_child(child_number child) {
  std::vector<arrival_name> names;
  for (auto& [name, one] : by_name_)
    if (one.writers.erase(child) != 0) names.push_back(name);
  return names;
}

void arrivals_table::forget(const arrival_name& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  std::erase_if(by_study_, [&](const auto& entry) { return entry.second == name; });
  by_name_.erase(found);
}

std::vector<arrival_name> arrivals_table::of_owner(const std::string& owner) const {
  std::vector<arrival_name> names;
  for (const auto& [name, one] : by_name_)
    if (name.first == owner) names.push_back(name);
  return names;
}

}  // namespace penstock::gateways
