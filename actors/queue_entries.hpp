#pragma once
// The journal entries of a project's queue: what is recorded, which rows change, what subscribers hear. Pure.

#include <cstdint>
#include <string>
#include <vector>

#include "actors/expiry_notice.hpp"
#include "messages/commands.hpp"
#include "messages/holdings.hpp"
#include "messages/journal.hpp"
#include "messages/requests.hpp"
#include "messages/retrievals.hpp"

namespace penstock::actors {

/// An entry about a request: the row as it now is, the event for `p/PROJECT/requests`, the identifiers beside the leaf.
/// Rows that belong to the state (order of waiting, processing) follow from the row itself.
[[nodiscard]] messages::journal_entry request_entry(std::string kind, const std::string& by,
                                                    const messages::request_row& row, const std::string& reason);

/// Adds what a finished retrieval leaves: the holding, its manifest, the claim, the event for `p/PROJECT/cache`. The
/// manifest of the version that it replaces is marked as superseded.
void add_holding(messages::journal_entry& entry, const messages::holding_row& holding,
                 const std::vector<messages::dicom_uid>& manifest, std::uint64_t replaced_version);

/// Objects came for a request that are of another patient or study, or that do not check: none of them was kept.
[[nodiscard]] messages::journal_entry objects_refused(const messages::request_row& row, std::uint64_t count);

/// What members are told before, and when, the approval ends.
[[nodiscard]] messages::journal_entry notice_entry(const std::string& project, const expiry_notice& notice);

/// A holding whose row has changed, and nothing else of it.
[[nodiscard]] messages::journal_entry holding_marked(const std::string& kind, const std::string& by,
                                                     const messages::holding_row& holding);

/// A holding given up.
[[nodiscard]] messages::journal_entry holding_deleted(const std::string& kind, const std::string& by,
                                                      const messages::holding_row& holding);

/// `in_motion`: a change of the holding's row is on its way to the disk, so that it must not be written here.
struct downloaded_study {
  messages::sealed_study what;
  messages::holding_row holding;
  bool in_motion = false;
};

/// A download about to begin: one entry for it and one for each study, since an audit record names one patient only
/// (PS3.15 section A.5.3). Identifiers lie beside the leaf.
[[nodiscard]] std::vector<messages::journal_entry> download_opened(const messages::download_row& download,
                                                                   const std::vector<downloaded_study>& studies);
/// It goes on: what it holds stands in the entries of its opening.
[[nodiscard]] messages::journal_entry download_resumed(const messages::download_row& download,
                                                       const std::vector<downloaded_study>& studies);
/// A session of it is over, sent whole or not.
[[nodiscard]] messages::journal_entry download_session_ended(const messages::download_row& download,
                                                             const messages::download_ended& ended);
/// Its reader has written images in the clear, as their program says.
[[nodiscard]] messages::journal_entry download_exported(const std::string& project, const messages::note_export& note);

}  // namespace penstock::actors
