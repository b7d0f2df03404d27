#pragma once
// What members of a project may still read of its events, by the rules in force: an event stays in the journal when its
// patient is withdrawn or its PACS taken away, keeps its number, and names nobody whom the rules no longer cover. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "conf/rules.hpp"

namespace penstock::gateways {

/// The event (a JSON object) of `topic` as it may be shown; nothing when that is as it stands. Of a study that the
/// rules do not cover only its PACS is left, and matches of a search that they do not cover are left out.
[[nodiscard]] std::optional<std::string> event_as_seen(const conf::rules& rules, std::string_view topic,
                                                       std::string_view json);

}  // namespace penstock::gateways
