#pragma once
// A retrieval or query did not do what was asked: is it worth another try, when, and is the whole PACS to be stopped?
// Status codes are those of PS3.4 section C.4 (C-FIND, C-MOVE, C-GET) and PS3.7 annex C.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::actors {

enum class failure_kind : std::uint8_t {
  none,                     ///< plain success
  status,                   ///< the PACS answered with a DIMSE status other than success
  unreachable,              ///< no TCP connection, or no association within its deadline
  rejected,                 ///< A-ASSOCIATE-RJ: it does not know us, or not now
  no_presentation_context,  ///< it does not offer the service that we need
  lost,                     ///< the association ended in the middle (A-ABORT, connection reset, child died)
  timed_out,                ///< idle_timeout or total_timeout passed
  not_sent,                 ///< the send deadline passed before the C-MOVE-RQ was on its way
  instances_missing,        ///< everything looked well, and yet instances are missing
  identity_mismatch,        ///< an answer or object of another patient, or of a study not asked for
  truncated                 ///< the PACS held back answers, so what the study holds is not known
};

enum class failure_class : std::uint8_t {
  none,
  permanent,  ///< another try would end the same way
  transient,  ///< ladder of retries, attempts counted
  offline     ///< the bytes are on tape: a long ladder, no attempts burnt
};
[[nodiscard]] std::string_view name_of(failure_class which);

struct retrieval_failure {
  failure_kind kind = failure_kind::none;
  std::uint16_t dimse_status = 0;  ///< with failure_kind::status
  bool rejected_for_good = false;  ///< with failure_kind::rejected: result 1, not 2 (PS3.8 section 9.3.4)
  /// Instance Availability (0008,0056) of the study where it is known: ONLINE, NEARLINE, OFFLINE, UNAVAILABLE
  /// (PS3.3 section C.4.23.1.1); other text counts as not known.
  std::string_view availability;
};

/// What kind of failure that is.
struct verdict {
  failure_class which = failure_class::none;
  bool park_pacs = false;  ///< nothing more may start there until a person has mended it
  std::string text;        ///< for people: what happened, without identifiers
};
[[nodiscard]] verdict judge(const retrieval_failure& failure);

/// After the n-th attempt that failed (n from 1) so much time passes; after the last nothing does.
inline constexpr std::array<std::chrono::seconds, 5> transient_ladder{std::chrono::seconds{30}, std::chrono::minutes{2},
                                                                      std::chrono::minutes{10},
                                                                      std::chrono::minutes{30}, std::chrono::hours{2}};
/// Retries of one request after its first try.
inline constexpr std::uint32_t max_retries = transient_ladder.size();

/// One rung: so many waits of that length.
struct offline_rung {
  std::uint32_t times;
  std::chrono::seconds wait;
};
inline constexpr std::array<offline_rung, 4> offline_ladder{{{5, std::chrono::minutes{1}},
                                                             {12, std::chrono::minutes{5}},
                                                             {24, std::chrono::hours{1}},
                                                             {7, std::chrono::hours{24}}}};

/// How long to wait before the next try; nothing = give up (permanent, or the ladder is at its end).
/// `attempts` counts transient failures so far, `offline_tries` offline ones, both with this one.
[[nodiscard]] std::optional<std::chrono::seconds> next_delay(failure_class which, std::uint32_t attempts,
                                                             std::uint32_t offline_tries);

}  // namespace penstock::actors
