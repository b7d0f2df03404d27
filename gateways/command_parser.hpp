#pragma once
// From the JSON of a client to the structs of messages/commands.hpp. Pure; whatever a client sends becomes a value or
// errc::bad_request with the name of the field. Nothing of what was sent is repeated in an error.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "messages/administration.hpp"
#include "messages/audit.hpp"
#include "messages/cache_check.hpp"
#include "messages/commands.hpp"
#include "messages/result.hpp"
#include "storage/secret_bytes.hpp"

namespace penstock::gateways {

inline constexpr std::size_t max_json_depth = 32;
inline constexpr std::size_t max_id_bytes = 256;
inline constexpr std::size_t max_op_bytes = 128;
inline constexpr std::size_t max_text_bytes = 1024;
inline constexpr std::size_t max_items_per_submit = 1'000;
inline constexpr std::uint32_t least_follow_every_s = 10;
inline constexpr std::uint32_t default_follow_every_s = 60;
inline constexpr std::uint32_t most_follow_every_s = 3'600;
inline constexpr std::uint32_t default_follow_quiet_s = 1'800;
inline constexpr std::uint32_t most_follow_quiet_s = 86'400;
inline constexpr std::size_t max_series_per_item = 1'000;
inline constexpr std::size_t max_inputs_per_search = 10'000;
inline constexpr std::size_t max_ids_per_command = 5'000;
inline constexpr std::size_t max_uids_per_command = 10'000;
inline constexpr std::size_t max_pacs_per_command = 256;
inline constexpr std::size_t max_modalities = 64;
inline constexpr std::uint32_t max_wait_ms = 60'000;
inline constexpr std::uint32_t default_wait_ms = 10'000;
inline constexpr std::size_t max_reason_bytes = 500;
inline constexpr std::size_t max_run_bytes = 64;
inline constexpr std::size_t max_rules_text_bytes = 900 << 10;
inline constexpr std::uint32_t max_simulated_days = 14;
inline constexpr std::uint32_t max_page = 5'000;
inline constexpr std::uint32_t default_page = 500;

/// An object of at most `max_json_depth` levels; errc::bad_request otherwise.
[[nodiscard]] messages::result<nlohmann::json> parse_object(std::string_view text);

/// What every command carries.
struct command_envelope {
  std::string command;
  std::string project;
  std::string op;
  nlohmann::json args;  ///< an object
};
/// `id` is set as soon as it is known, so that a refusal can be told which command it is for.
[[nodiscard]] messages::result<command_envelope> parse_envelope(std::string_view text, std::string& id);

struct subscription_wish {
  std::string topic;
  std::uint64_t from = 0;
  std::uint32_t credit = 0;
};
/// Of SUB, CREDIT and UNSUB; absent fields are empty or zero.
[[nodiscard]] messages::result<subscription_wish> parse_subscription(std::string_view text);

using messages::caller;
using nlohmann::json;

[[nodiscard]] messages::result<messages::find_patients> parse_find_patients(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::find_studies> parse_find_studies(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::find_series> parse_find_series(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::read_search> parse_read_search(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::cancel_search> parse_cancel_search(const caller& who, const json& args);
/// Malformed UIDs pass: each item gets its own outcome.
[[nodiscard]] messages::result<messages::submit_requests> parse_submit_requests(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::cancel_requests> parse_cancel_requests(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::list_requests> parse_list_requests(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::show_request> parse_show_request(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::list_holdings> parse_list_holdings(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::list_facets> parse_list_facets(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::note_export> parse_note_export(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::delete_holdings> parse_delete_holdings(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::prioritise_requests> parse_prioritise_requests(const caller& who,
                                                                                        const json& args);
[[nodiscard]] messages::result<messages::retry_requests> parse_retry_requests(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::delete_requests> parse_delete_requests(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::purge_holdings> parse_purge_holdings(const caller& who, const json& args);
[[nodiscard]] messages::result<messages::check_cache> parse_check_cache(const messages::caller& who, const json& args);
[[nodiscard]] messages::result<messages::check_rules> parse_check_rules(const caller& who, const json& args);

/// Both without what the asker's roles allow.
[[nodiscard]] messages::result<messages::read_journal> parse_read_journal(const json& args);
[[nodiscard]] messages::result<messages::prove_entry> parse_prove_entry(const caller& who, const json& args);

/// Of governor.pause and governor.resume. `pacs` is empty for all.
struct switch_wish {
  std::string pacs;
  std::string reason;
};
[[nodiscard]] messages::result<switch_wish> parse_switch(const json& args);

struct simulation_wish {
  std::uint32_t days = 7;
  std::string toml;  ///< empty: the rules in force
};
[[nodiscard]] messages::result<simulation_wish> parse_simulation(const json& args);

/// The id of a PACS.
[[nodiscard]] messages::result<std::string> parse_pacs_id(const json& args);

struct download_wish {
  messages::authorise_download command;              ///< without key_check
  std::shared_ptr<const storage::secret_bytes> key;  ///< required with `resume`; null: none was given
};
[[nodiscard]] messages::result<download_wish> parse_download(const caller& who, const json& args);

}  // namespace penstock::gateways
