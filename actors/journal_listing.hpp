#pragma once
// The journal as auditors read it: pages of entries, the newest first, and proofs. Each from one snapshot. Pure but for
// the clock of its budget.

#include <nlohmann/json.hpp>
#include <string>

#include "actors/listing.hpp"
#include "messages/audit.hpp"
#include "messages/result.hpp"
#include "storage/checkpoint.hpp"
#include "storage/row_store.hpp"

namespace penstock::actors {

/// What one page of the journal may cost. A page that has spent it ends early, and the next one goes on there.
inline constexpr listing_budget journal_budget{20'000, std::chrono::milliseconds{250}, std::size_t{512} << 10};

/// The answer to `audit.list`.
[[nodiscard]] messages::result<std::string> list_journal(const storage::row_reader& core,
                                                         const messages::read_journal& asked,
                                                         const listing_budget& budget, const budget_meter::clock& now);
/// The answer to `audit.proof`.
[[nodiscard]] messages::result<std::string> prove(const storage::row_reader& core, const messages::prove_entry& asked);
/// The answer to `audit.checkpoint`.
[[nodiscard]] messages::result<std::string> checkpoint_of(const storage::row_reader& core,
                                                          const storage::checkpoint_signer& signer);

}  // namespace penstock::actors
