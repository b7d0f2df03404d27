#include "actors/instance_items.hpp"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace penstock::actors {
namespace {

using nlohmann::json;
using storage::catalogued_instance;

auto dicom_order(const catalogued_instance& instance) {
  return std::tie(instance.series_number, instance.series, instance.instance_number, instance.sop_instance);
}

json series_item(const catalogued_instance& first) {
  return {{"SeriesInstanceUID", first.series.reveal()},
          {"SeriesNumber", first.series_number},
          {"Modality", first.modality},
          {"SeriesDescription", first.series_description.reveal()},
          {"instances", 0},
          {"bytes", 0}};
}

json instance_item(const catalogued_instance& instance) {
  return {{"SOPInstanceUID", instance.sop_instance.reveal()},
          {"SeriesInstanceUID", instance.series.reveal()},
          {"SeriesNumber", instance.series_number},
          {"InstanceNumber", instance.instance_number},
          {"Modality", instance.modality},
          {"SOPClassUID", instance.sop_class},
          {"TransferSyntaxUID", instance.transfer_syntax},
          {"Rows", instance.rows},
          {"Columns", instance.columns},
          {"NumberOfFrames", instance.number_of_frames},
          {"bytes", instance.part10_bytes},
          {"dataset_sha256", instance.dataset_sha256}};
}

json by_series(const std::vector<catalogued_instance>& held) {
  auto items = json::array();
  const catalogued_instance* first = nullptr;
  std::uint64_t instances = 0;
  std::uint64_t bytes = 0;
  const auto close = [&] {
    if (first == nullptr) return;
    items.back()["instances"] = instances;
    items.back()["bytes"] = bytes;
  };
  for (const auto& instance : held) {
    if (first == nullptr || first->series != instance.series) {
      close();
      first = &instance;
      instances = bytes = 0;
      items.push_back(series_item(instance));
    }
    ++instances;
    bytes += instance.part10_bytes;
  }
  close();
  return items;
}

}  // namespace

json instance_items(const messages::list_instances& asked, std::vector<catalogued_instance> catalogued) {
  const std::unordered_set<messages::dicom_uid> manifest(asked.instances.begin(), asked.instances.end());
  std::erase_if(catalogued, [&](const catalogued_instance& instance) {
    return !manifest.contains(instance.sop_instance) || (!asked.series.empty() && instance.series != asked.series);
  });
  if (asked.by_series) {
    // One number for a series, whatever its instances say, so that it stays together.
    std::unordered_map<messages::dicom_uid, std::int64_t> number_of;
    for (auto& instance : catalogued)
      instance.series_number = number_of.try_emplace(instance.series, instance.series_number).first->second;
  }
  std::sort(catalogued.begin(), catalogued.end(),
            [](const auto& a, const auto& b) { return dicom_order(a) < dicom_order(b); });
  if (asked.by_series) return by_series(catalogued);
  auto items = json::array();
  for (const auto& instance : catalogued) items.push_back(instance_item(instance));
  return items;
}

}  // namespace penstock::actors
