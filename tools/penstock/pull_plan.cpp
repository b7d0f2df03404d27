#include "tools/penstock/pull_plan.hpp"

#include "tools/penstock/context.hpp"
#include "tools/penstock/study_weights.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

study_weights weights_of(const json& holdings) {
  study_weights known;
  for (const auto& one : holdings)
    known.add(list_in(one, "Modality"), number_in(one, "bytes"), number_in(one, "instances"));
  return known;
}

std::string images_of(const pacs_share& share) {
  if (share.images == 0 && share.unknown_images != 0) return "not told";
  return std::to_string(share.images) + (share.unknown_images == 0 ? "" : " or more");
}

const json& governor_of(const json& governors, const std::string& pacs) {
  static const json none = json::object();
  for (const auto& one : governors)
    if (text_in(one, "pacs") == pacs) return one;
  return none;
}

std::string waiting_at(const json& governor) {
  std::uint64_t waiting = 0;
  if (const auto found = governor.find("waiting"); found != governor.end() && found->is_object())
    for (const auto& [project, count] : found->items())
      if (count.is_number_unsigned()) waiting += count.get<std::uint64_t>();
  return std::to_string(waiting);
}

}  // namespace

pull_plan plan_of(const json& studies, const json& holdings, const json& usage) {
  pull_plan plan;
  const auto known = weights_of(holdings);
  for (const auto& study : studies) {
    auto& share = plan.shares[text_in(study, "pacs")];
    const auto images = number_in(study, "NumberOfStudyRelatedInstances");
    ++share.studies;
    ++plan.studies;
    share.images += images;
    if (images == 0) ++share.unknown_images;
    if (text_in(study, "cached") == "yes") {
      ++share.cached;
      continue;
    }
    ++plan.to_fetch;
    if (const auto bytes = known.of(list_in(study, "ModalitiesInStudy"), images))
      plan.bytes = plan.bytes.value_or(0) + *bytes;
  }
  const auto taken = number_in(usage, "used") + number_in(usage, "reserved");
  const auto quota = number_in(usage, "quota");
  plan.free_quota = quota > taken ? quota - taken : 0;
  return plan;
}

std::string when_it_starts(const json& governor) {
  if (governor.empty()) return "not known";
  if (const auto problem = text_in(governor, "problem"); !problem.empty()) return "not now: " + problem;
  const auto paused = governor.find("paused");
  if (paused != governor.end() && !paused->is_null() && *paused != false)
    return "when it is resumed" + (paused->is_string() ? ": " + paused->get<std::string>() : std::string{});
  if (!text_in(governor, "window").empty()) return "now";
  const auto change = text_in(governor, "next_change");
  return change.empty() ? "never: no window opens this week" : "from " + local_time(change);
}

table drawn(const pull_plan& plan, const json& governors) {
  table rows{{{"PACS"},
              {"Studies", alignment::right},
              {"Here already", alignment::right},
              {"Images", alignment::right},
              {"Before them", alignment::right},
              {"Starts"}}};
  for (const auto& [pacs, share] : plan.shares) {
    const auto& governor = governor_of(governors, pacs);
    rows.add({pacs, std::to_string(share.studies), std::to_string(share.cached), images_of(share), waiting_at(governor),
              when_it_starts(governor)});
  }
  return rows;
}

std::string summary_of(const pull_plan& plan) {
  if (plan.to_fetch == 0) return "All of them are in the project's cache already; nothing has to be fetched.";
  auto text = std::to_string(plan.to_fetch) + (plan.to_fetch == 1 ? " study" : " studies") + " to fetch, ";
  text += plan.bytes ? "about " + human_bytes(*plan.bytes) : std::string{"of a size that is not known yet"};
  text += "; " + human_bytes(plan.free_quota) + " of the quota are free.";
  if (plan.bytes.value_or(0) > plan.free_quota)
    text += " That may be too much: what does not fit waits until there is room.";
  return text;
}

}  // namespace penstock::commands
