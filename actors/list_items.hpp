#pragma once
// Requests and holdings as the JSON items of `requests.list`, `requests.show` and `cache.list`, and the tables of their
// fields. Pure.

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "actors/listing.hpp"
#include "conf/rules.hpp"
#include "messages/commands.hpp"
#include "messages/holdings.hpp"
#include "messages/listings.hpp"
#include "messages/requests.hpp"

namespace penstock::actors {

[[nodiscard]] const listed_table& request_table();
/// At level study, series or instance.
[[nodiscard]] const listed_table& holding_table(messages::holding_level level);

/// What an item needs beside its row. `rules` may be null: then institutions and departments stay empty.
struct item_context {
  std::map<std::string, messages::pacs_outlook> outlook;  ///< by PACS
  const conf::rules* rules = nullptr;
  std::int64_t now_us = 0;  ///< for times in words
};
[[nodiscard]] item_context context_of(const std::vector<messages::pacs_outlook>& outlook, const conf::rules* rules,
                                      std::int64_t now_us);

/// When a scheduled request starts, as far as that can be told: "Monday 19:00-19:40", "not before the project is
/// extended". Empty when nothing is known, and in every other state.
[[nodiscard]] std::string estimate_of(const messages::request_row& row, std::uint64_t position,
                                      const item_context& context);

/// Why a scheduled request waits: the name of its waiting_reason, for `retry_later` with the time of the next try; a
/// request that is ready says what the PACS's outlook says, or that it is next in turn. Empty in every other state.
[[nodiscard]] std::string reason_of(const messages::request_row& row, const item_context& context);

/// False for a request whose patient was withdrawn or whose PACS was taken from the project: nobody is told any more
/// what it was for.
[[nodiscard]] bool may_name(const messages::request_row& row, const item_context& context);

/// `position` counts from 1 within the project's line for the PACS; 0 = not waiting, null in the item.
[[nodiscard]] nlohmann::json request_item(const messages::request_row& row, std::uint64_t position,
                                          const item_context& context);
[[nodiscard]] nlohmann::json history_items(const messages::request_row& row);
[[nodiscard]] nlohmann::json holding_item(const messages::holding_row& row, const item_context& context);

}  // namespace penstock::actors
