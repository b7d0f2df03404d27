#pragma once
// JSON as it is kept and sent.

#include <nlohmann/json.hpp>
#include <string>

namespace penstock::actors {

/// On one line; bytes that are no UTF-8 (a PACS may send anything) are replaced, never thrown at.
[[nodiscard]] inline std::string dumped(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace penstock::actors
