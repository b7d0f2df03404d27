#pragma once
// What a holding looks like at series and instance level, as the JSON items of `cache.list`. Pure.

#include <nlohmann/json.hpp>
#include <vector>

#include "messages/holdings.hpp"
#include "storage/catalogue_rows.hpp"

namespace penstock::actors {

/// In DICOM order: series number, series, instance number, instance. Only what the holding's manifest names; an
/// instance that is catalogued no more is left out.
[[nodiscard]] nlohmann::json instance_items(const messages::list_instances& asked,
                                            std::vector<storage::catalogued_instance> catalogued);

}  // namespace penstock::actors
