#include "gateways/refusal_log.hpp"

#include <nlohmann/json.hpp>

namespace penstock::gateways {

void refusal_log::count(const std::string& user, messages::errc code) {
  const std::pair key{user, code};
  const bool by_name = counts_.contains(key) || counts_.size() < most_users;
  ++counts_[by_name ? key : std::pair{std::string{}, code}];
}

std::optional<messages::journal_entry> refusal_log::due(std::int64_t now_ms, std::uint64_t connections) {
  if (last_ms_ == 0) last_ms_ = now_ms;
  const bool nothing = counts_.empty() && connections == reported_connections_;
  if (nothing || now_ms - last_ms_ < period_ms) return std::nullopt;
  auto commands = nlohmann::json::array();
  for (const auto& [who, times] : counts_)
    commands.push_back({{"user", who.first}, {"code", messages::name_of(who.second)}, {"times", times}});
  messages::journal_entry entry;
  entry.kind = "access.refused";
  entry.details = nlohmann::json{{"commands", commands}, {"connections", connections - reported_connections_}}.dump();
  counts_.clear();
  reported_connections_ = connections;
  last_ms_ = now_ms;
  return entry;
}

}  // namespace penstock::gateways
