#pragma once
// The life of a request, without actors: which moves are legal, and what a settled retrieval means for it. Pure.

#include <cstdint>
#include <string>

#include "messages/permits.hpp"
#include "messages/requests.hpp"
#include "messages/retrievals.hpp"

namespace penstock::actors {

/// What history keeps of one request; the middle of a longer life is dropped, its beginning and end stay.
inline constexpr std::size_t most_history_steps = 64;

/// scheduled -> processing | cancelled | failed | completed (adopted without a retrieval); processing -> any but
/// itself. Terminal states are left only by an explicit retry, and for failed when what was fetched is lost.
[[nodiscard]] bool is_legal(messages::request_state from, messages::request_state to);

/// Moves the row and records the step. The move must be legal.
void advance(messages::request_row& row, messages::request_state to, std::int64_t at_us, std::string reason);

/// What to do with a request whose retrieval is over.
struct conclusion {
  messages::request_state state = messages::request_state::scheduled;  ///< scheduled: another try
  messages::waiting_reason waits_for = messages::waiting_reason::none;
  std::int64_t not_before_us = 0;
  bool burns_attempt = false;
  bool burns_offline_try = false;  ///< of the long ladder for studies on slow storage
  messages::retrieve_level finest = messages::retrieve_level::instance;  ///< that the PACS is not known to refuse
  messages::retrieval_end says_of_pacs = messages::retrieval_end::nothing;
  std::string reason;  ///< in words, for history and events
};

/// `completed` only when every expected instance is present, and the PACS had listed what to expect; a C-MOVE that was
/// never sent costs no attempt, nor one that brought all it asked for while more lacks, nor one of a level that the
/// PACS turns out to refuse. What is missing after the last attempt makes it `incomplete` when something arrived, else
/// `failed`.
[[nodiscard]] conclusion conclude(const messages::request_row& row, const messages::study_settled& settled,
                                  std::int64_t now_us);

/// The PACS answered, and what the study holds is still not known: another look later, or `failed` after the last.
[[nodiscard]] conclusion set_back(const messages::request_row& row, std::string why, std::int64_t now_us);

/// All that the PACS lists of a study is here, so many instances. Whether it is to be looked at again, and then the row
/// says when: a followed study is, until nothing new has come for as long as was asked for.
[[nodiscard]] bool goes_on_following(messages::request_row& row, std::uint64_t present, std::int64_t now_us);

/// What an instance of these modalities has weighed so far, times the number of instances; `default_instance_bytes`
/// where nothing is known.
inline constexpr std::uint64_t default_instance_bytes = 512 << 10;

}  // namespace penstock::actors
