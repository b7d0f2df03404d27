#pragma once
// What a start found out about its journal becomes part of that journal before anybody is served.

#include <cstdint>
#include <filesystem>
#include <optional>

#include "messages/result.hpp"
#include "storage/core_store.hpp"
#include "storage/journal_log.hpp"

namespace penstock::storage {

/// Nothing in the ordinary case. Else an entry `journal.cut` or `journal.accepted` that says why, with the instant from
/// which on entries may be missing; after it, the fence of an accepted journal is set anew.
[[nodiscard]] messages::result<void> record_recovery(const opened_core& opened, const std::filesystem::path& fence,
                                                     journal_options options = {});

/// When it was last found out that the newest entries may be missing (microseconds since 1970, UTC); later starts must
/// know it too, for as long as starts are counted.
[[nodiscard]] messages::result<std::optional<std::int64_t>> newest_missing_since(const row_reader& core);

}  // namespace penstock::storage
