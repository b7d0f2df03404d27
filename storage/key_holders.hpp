#pragma once
// Who can open a download: the list of wrapped keys in its record. It may come from somebody else, so that everything
// in it is checked before anything is computed. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "messages/result.hpp"
#include "storage/key_wrap.hpp"

namespace penstock::storage {

constexpr std::size_t max_key_holders = 32;
/// Each is tried in turn, and each try is meant to be slow.
constexpr std::size_t max_passphrase_holders = 4;
constexpr std::size_t max_holder_label_bytes = 64;

/// errc::corrupt for a holder that is malformed or of an unknown kind, and for a list without any; errc::too_large for
/// too many, or for a cost that is not to be paid.
[[nodiscard]] messages::result<void> check_holders(const std::vector<wrapped_key>& holders);

/// errc::conflict when its key file or person is among them already; errc::too_large when there is no room.
[[nodiscard]] messages::result<void> add_holder(std::vector<wrapped_key>& holders, wrapped_key holder);

/// Which one `name` means: its number (the first is 1), its fingerprint, or its label. errc::not_found when none or
/// more than one.
[[nodiscard]] messages::result<std::size_t> find_holder(const std::vector<wrapped_key>& holders, std::string_view name);

}  // namespace penstock::storage
