#pragma once
// What was refused at the door, counted for the journal: one entry a minute at most, whatever is thrown at us. Pure.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "messages/errc.hpp"
#include "messages/journal.hpp"

namespace penstock::gateways {

class refusal_log {
 public:
  static constexpr std::int64_t period_ms = 60'000;
  static constexpr std::size_t most_users = 256;  ///< counted by name in one entry; the others together

  void count(const std::string& user, messages::errc code);
  /// `connections`: refused since the start of the server.
  /// The entry that is due, once per period and only when there is something to say.
  [[nodiscard]] std::optional<messages::journal_entry> due(std::int64_t now_ms, std::uint64_t connections);

 private:
  std::map<std::pair<std::string, messages::errc>, std::uint64_t> counts_;
  std::uint64_t reported_connections_ = 0;
  std::int64_t last_ms_ = 0;
};

}  // namespace penstock::gateways
