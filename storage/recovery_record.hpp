#pragma once
// What a start found out about its journal becomes part of that journal before anybody is served.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "messages/fields.hpp"
#include "messages/result.hpp"
#include "storage/core_store.hpp"
#include "storage/journal_log.hpp"

namespace penstock::storage {

/// Nothing in the ordinary case. Else an entry `journal.cut` or `journal.accepted` that says why, with the instant from
/// which on entries may be missing; after it, the fence of an accepted journal is set anew.
[[nodiscard]] messages::result<void> record_recovery(const opened_core& opened, const std::filesystem::path& fence,
                                                     journal_options options = {});

/// When something was found out, by all clocks: microseconds since 1970 (UTC), and CLOCK_BOOTTIME with the boot it
/// counts in. `clock_in_doubt`: the wall clock was behind what the journal had seen already.
struct missing_since {
  std::int64_t since_us = 0;
  std::string boot_id;
  std::int64_t boottime_ns = 0;
  bool clock_in_doubt = false;
  PENSTOCK_FIELDS(since_us, boot_id, boottime_ns, clock_in_doubt);
};

/// When it was last found out that the newest entries may be missing; later starts must know it too, for as long as
/// starts are counted.
[[nodiscard]] messages::result<std::optional<missing_since>> newest_missing_since(const row_reader& core);

}  // namespace penstock::storage
