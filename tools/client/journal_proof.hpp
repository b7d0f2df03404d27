#pragma once
// Answers of `audit.checkpoint` and `audit.proof`, checked here: nothing that the server says of them is believed.

#include <nlohmann/json.hpp>
#include <string_view>

#include "messages/result.hpp"
#include "storage/checkpoint.hpp"

namespace penstock::client {

using messages::result;

/// What the server's checkpoint says, once it is signed by the key that its log is named after. errc::bad_request,
/// authentication_failed.
[[nodiscard]] result<storage::tree_head> head_in(const nlohmann::json& checkpoint);
/// The same of a checkpoint that was kept, signed by the key that the server's log has now.
[[nodiscard]] result<storage::tree_head> kept_head(std::string_view kept, const nlohmann::json& checkpoint);

/// Good when the proof's leaf is entry `sequence` of the tree of `head`. errc::authentication_failed.
[[nodiscard]] result<void> check_inclusion(const nlohmann::json& proof, std::uint64_t sequence,
                                           const storage::tree_head& head);
/// Good when the tree of `head` begins with that of `before`. errc::authentication_failed.
[[nodiscard]] result<void> check_consistency(const nlohmann::json& proof, const storage::tree_head& before,
                                             const storage::tree_head& head);
/// Good when an entry as it was listed says what the proof's leaf says (its identifiers aside, to which the leaf is
/// only committed).
[[nodiscard]] result<void> check_listed(const nlohmann::json& entry, const nlohmann::json& proof);

}  // namespace penstock::client
