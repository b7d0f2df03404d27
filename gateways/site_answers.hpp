#pragma once
// Answers that the gateway makes itself from the rules in force. Pure.

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/rules.hpp"
#include "messages/result.hpp"

namespace penstock::gateways {

struct greeting_facts {
  std::string site_name;
  std::string version;
  std::string data_endpoint;
  /// What the queues answered to `cache.usage`, JSON text by project; a project whose queue did not answer is absent.
  std::map<std::string, std::string, std::less<>> usage;
  std::int64_t now_us = 0;  ///< of the server's clock, since 1970
};

/// The "ok" object of `hello`: the server, the user and what of the site concerns them.
[[nodiscard]] std::string greeting_json(const conf::rules& rules, std::string_view user, const greeting_facts& facts);

/// The "ok" object of `pacs.list`. `governors`: what each governor said of its PACS, JSON text by PACS; one that did
/// not answer is absent and its PACS "unknown".
[[nodiscard]] std::string pacs_list_json(const conf::rules& rules,
                                         const std::map<std::string, std::string, std::less<>>& governors);

/// `{"id":ID,"ok":JSON}`; `json` is spliced in as it is.
[[nodiscard]] std::string answer_frame(const std::string& id, std::string_view json);
/// `{"id":ID,"error":{"code","message","details"}}`. Codes that only the server's inside knows become `internal`.
[[nodiscard]] std::string error_frame(const std::string& id, const messages::failure& problem,
                                      const nlohmann::json& details = nlohmann::json::object());

/// "2026-03-08T12:00:00.000Z".
[[nodiscard]] std::string rfc3339(std::int64_t utc_us);

}  // namespace penstock::gateways
