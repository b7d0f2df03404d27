#include "gateways/arrivals.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace penstock::gateways {

using messages::errc;
using messages::fail;
using messages::result;

result<void> arrivals_table::expect(messages::expect_arrivals what) {
  const arrival_name name{what.owner, what.ticket};
  if (by_name_.size() >= most_arrivals)
    return fail(errc::rate_limited, "expect arrivals: too many studies are expected");
  if (by_name_.contains(name)) return fail(errc::conflict, "expect arrivals: the ticket is in use");
  if (by_study_.contains(what.study)) return fail(errc::conflict, "expect arrivals: the study is arriving already");
  by_study_.emplace(what.study, name);
  arrival next;
  next.expected = std::move(what);
  by_name_.emplace(name, std::move(next));
  return {};
}

arrival* arrivals_table::find(const messages::dicom_uid& study) {
  const auto name = by_study_.find(study);
  return name == by_study_.end() ? nullptr : find(name->second);
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

decided_store arrivals_table::decide(child_number child, const messages::dicom_uid& study) {
  decided_store answer;
  auto& decision = answer.decision;
  decision.study_uid = study;
  auto* expected = find(study);
  if (expected == nullptr || expected->stopping) {
    decision.reason = "the study is not expected";
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

std::vector<messages::dicom_uid> arrivals_table::forget_child(child_number child) {
  std::vector<messages::dicom_uid> studies;
  for (auto& [name, one] : by_name_)
    if (one.writers.erase(child) != 0) studies.push_back(one.expected.study);
  return studies;
}

void arrivals_table::forget(const arrival_name& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  by_study_.erase(found->second.expected.study);
  by_name_.erase(found);
}

std::vector<arrival_name> arrivals_table::of_owner(const std::string& owner) const {
  std::vector<arrival_name> names;
  for (const auto& [name, one] : by_name_)
    if (name.first == owner) names.push_back(name);
  return names;
}

}  // namespace penstock::gateways
