#pragma once
// What auditors ask of the journal, answered from a snapshot of it by the list reader.

#include <cstdint>
#include <string>

#include "messages/commands.hpp"
#include "messages/fields.hpp"

namespace penstock::messages {

/// The newest entries that a filter accepts, of those with a greater number than `after`. `identifiers`: patients are
/// named.
struct read_journal {
  page_options page;
  std::uint64_t after = 0;
  bool identifiers = false;
  PENSTOCK_FIELDS(page, after, identifiers);
};

/// That entry `sequence` (0: none) is in the tree of `size` entries (0: of all), which goes on from that of `old_size`
/// (0: none). Anybody but an auditor gets it only of the own entries.
struct prove_entry {
  std::string user;
  bool is_auditor = false;
  std::uint64_t sequence = 0;
  std::uint64_t size = 0;
  std::uint64_t old_size = 0;
  PENSTOCK_FIELDS(user, is_auditor, sequence, size, old_size);
};

/// The tree head as it is now, signed.
struct sign_checkpoint {
  std::string user;
  PENSTOCK_FIELDS(user);
};

}  // namespace penstock::messages
