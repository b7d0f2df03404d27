#pragma once
// Every way in which an operation of Penstock can fail, and the words for it.

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::messages {

/// Zero is no error: CAF reserves it. The first block are the codes of messages/WIRE.md, spelled the same on the wire.
enum class errc : std::uint8_t {
  none = 0,
  bad_request,            ///< a field is missing, malformed or out of range; the context names it
  unknown_command,        ///< no such verb in this version of the protocol
  not_permitted,          ///< the role or the session does not allow it
  not_found,              ///< absent, or not visible to whoever asked: the two must look alike
  project_expired,        ///< past `valid_through`
  patient_not_permitted,  ///< outside the project's cohort
  quota_exceeded,         ///< would not fit even when everything else were deleted
  pacs_unavailable,       ///< the PACS does not answer, is paused or refuses us
  conflict,               ///< the state does not allow it (any more)
  too_large,              ///< over a named limit
  rate_limited,           ///< too many at once; asking later helps
  shutting_down,          ///< the server is going
  disk_full,              ///< the server's disk has too little room for it; what ends or reads things still works
  internal,               ///< a fault of Penstock

  io_error = 64,          ///< the operating system refused a read, write, open or sync
  no_space,               ///< the file system is full
  corrupt,                ///< stored bytes fail their check
  authentication_failed,  ///< a sealed segment does not authenticate: altered, cut, foreign, or a wrong key
  timed_out,              ///< a named deadline passed
  held_by_another,        ///< another process holds the lock, port or directory
  bad_configuration       ///< a settings or rules file has a fault
};

/// The code as the wire and the logs spell it, for example "not_found".
[[nodiscard]] std::string_view name_of(errc code);
/// For CAF, which renders errors through to_string.
[[nodiscard]] std::string to_string(errc code);
/// The code spelled `name`; errc::internal for an unknown word.
[[nodiscard]] errc errc_named(std::string_view name);

}  // namespace penstock::messages
