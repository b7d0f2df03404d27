#pragma once
// What the server and a `penstock-dimse` child say to each other; the inbound half is in messages/dimse_inbound.hpp,
// the page is messages/DIMSE_CHANNEL.md. Each message is one JSON object: the fields below and "kind", the struct's
// name. Unknown fields and unknown kinds are skipped, so that a version may add some.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "messages/fields.hpp"
#include "messages/ids.hpp"
#include "messages/result.hpp"

/// Names the message on the channel as its struct is named.
#define PENSTOCK_DIMSE_KIND(name) static constexpr std::string_view kind = #name

namespace penstock::messages {

constexpr std::size_t most_dimse_message_bytes = std::size_t{64} << 10;
constexpr std::size_t most_dimse_queries = 100;
constexpr std::size_t most_dimse_keys = 32;
/// UIDs in one C-MOVE-RQ, and failed UIDs in one `move_done`: 64 KiB hold them.
constexpr std::size_t most_dimse_uids = 800;

/// How the association ended, as seen by the child.
enum class peer_outcome : std::uint8_t {
  answered,       ///< the peer answered; the DIMSE status says what
  unreachable,    ///< no TCP connection
  rejected,       ///< A-ASSOCIATE-RJ
  no_context,     ///< the peer does not offer the service
  aborted,        ///< the peer aborted or closed
  timed_out,      ///< a deadline of the job passed
  stopped,        ///< the parent said so
  insecure,       ///< no TLS as the job demands it: the peer has none, or one of the two certificates is not trusted
  misconfigured,  ///< our own files for TLS cannot be used; the peer was not called
  broken          ///< the peer does not keep to the protocol, or a fault of ours
};
[[nodiscard]] std::string_view name_of(peer_outcome outcome);
[[nodiscard]] bool parse(std::string_view text, peer_outcome& into);

/// PEM files, which the child reads anew for each association: what is in them never goes over the channel. `name` is
/// what the peer's certificate must bear; empty: its host. Without `ca` there is no TLS, otherwise nothing but TLS.
struct dimse_tls {
  std::string ca;
  std::string certificate;
  std::string key;
  std::string name;

  [[nodiscard]] bool wanted() const { return !ca.empty(); }
  PENSTOCK_FIELDS(ca, certificate, key, name);
};

struct dimse_peer {
  std::string host;
  std::uint16_t port = 104;
  std::string called_ae;
  std::string calling_ae;
  std::uint32_t connect_timeout_ms = 5'000;
  std::uint32_t association_timeout_ms = 10'000;
  /// Between two responses, and to send a request.
  std::uint32_t response_timeout_ms = 60'000;
  dimse_tls tls{};
  PENSTOCK_FIELDS(host, port, called_ae, calling_ae, connect_timeout_ms, association_timeout_ms, response_timeout_ms,
                  tls);
};

// ---- parent to child: the first message is the job ----

struct echo_job {
  dimse_peer peer;
  PENSTOCK_DIMSE_KIND(echo_job);
  PENSTOCK_FIELDS(peer);
};

/// One C-FIND-RQ in the Study Root model. Patients are looked for with STUDY rows. A key has one value.
struct find_query {
  std::string level;                           ///< STUDY, SERIES or IMAGE
  std::map<std::string, protected_text> keys;  ///< by DICOM keyword or "ggggeeee", UTF-8
  std::vector<std::string> return_keys;
  std::uint32_t max_rows = 1'000;
  PENSTOCK_FIELDS(level, keys, return_keys, max_rows);
};

/// Asked one after the other over one association (a second one is opened after a C-CANCEL).
struct find_job {
  dimse_peer peer;
  std::vector<find_query> queries;
  std::string default_charset = "ISO_IR 100";  ///< for rows that name none
  std::uint32_t total_timeout_ms = 600'000;
  PENSTOCK_DIMSE_KIND(find_job);
  PENSTOCK_FIELDS(peer, queries, default_charset, total_timeout_ms);
};

/// A study, or some of its series, or some instances of one of its series.
struct move_job {
  dimse_peer peer;
  bool get = false;              ///< C-GET: the objects come over this association, and the child stores them
  std::string move_destination;  ///< empty for C-GET
  dicom_uid study_uid;
  std::vector<dicom_uid> series_uids;
  std::vector<dicom_uid> instance_uids;  ///< then exactly one series
  bool wait_for_go = true;
  std::int64_t send_before_boottime_ns = 0;  ///< 0: no deadline, or `go` brings it
  std::uint32_t idle_timeout_ms = 120'000;   ///< reset by any response and by `still_arriving`
  std::uint32_t total_timeout_ms = 7'200'000;
  PENSTOCK_DIMSE_KIND(move_job);
  PENSTOCK_FIELDS(peer, get, move_destination, study_uid, series_uids, instance_uids, wait_for_go,
                  send_before_boottime_ns, idle_timeout_ms, total_timeout_ms);
};

// ---- parent to child: later ----

/// Send the C-MOVE-RQ now, if CLOCK_BOOTTIME is still before `send_before_boottime_ns` (0: the job's).
struct go {
  std::int64_t send_before_boottime_ns = 0;
  PENSTOCK_DIMSE_KIND(go);
  PENSTOCK_FIELDS(send_before_boottime_ns);
};

/// Instances of the study still arrive elsewhere: the C-MOVE is not idle.
struct still_arriving {
  std::uint64_t instances = 0;
  PENSTOCK_DIMSE_KIND(still_arriving);
  PENSTOCK_FIELDS(instances);
};

/// C-CANCEL for a query or a move, then abort; for an inbound association: abort.
struct cancel {
  std::string reason;
  PENSTOCK_DIMSE_KIND(cancel);
  PENSTOCK_FIELDS(reason);
};

// ---- child to parent ----

struct echo_done {
  peer_outcome outcome = peer_outcome::broken;
  std::uint32_t dimse_status = 0;
  std::uint32_t elapsed_ms = 0;
  std::string problem;
  PENSTOCK_DIMSE_KIND(echo_done);
  PENSTOCK_FIELDS(outcome, dimse_status, elapsed_ms, problem);
};

struct find_row {
  std::uint32_t query = 0;                           ///< index in find_job::queries
  std::map<std::string, protected_text> attributes;  ///< UTF-8, several values joined by a backslash
  bool whole = true;                                 ///< false when a value was cut or could not be converted
  PENSTOCK_DIMSE_KIND(find_row);
  PENSTOCK_FIELDS(query, attributes, whole);
};

struct find_done {
  std::uint32_t query = 0;
  std::uint32_t dimse_status = 0;
  std::uint32_t rows = 0;
  bool truncated = false;
  PENSTOCK_DIMSE_KIND(find_done);
  PENSTOCK_FIELDS(query, dimse_status, rows, truncated);
};

/// Last message of a find_job; `queries` of them were answered.
struct find_ended {
  peer_outcome outcome = peer_outcome::broken;
  std::uint32_t queries = 0;
  std::string problem;
  PENSTOCK_DIMSE_KIND(find_ended);
  PENSTOCK_FIELDS(outcome, queries, problem);
};

/// The association stands; the C-MOVE-RQ goes out as soon as `go` comes.
struct ready {
  std::uint32_t elapsed_ms = 0;
  PENSTOCK_DIMSE_KIND(ready);
  PENSTOCK_FIELDS(elapsed_ms);
};

struct move_sent {
  std::int64_t boottime_ns = 0;
  PENSTOCK_DIMSE_KIND(move_sent);
  PENSTOCK_FIELDS(boottime_ns);
};

/// Counts as the PACS reports them; at most four a second.
struct move_progress {
  std::uint32_t remaining = 0, completed = 0, failed = 0, warning = 0;
  PENSTOCK_DIMSE_KIND(move_progress);
  PENSTOCK_FIELDS(remaining, completed, failed, warning);
};

/// Last message of a move_job.
struct move_done {
  peer_outcome outcome = peer_outcome::broken;
  bool sent = false;      ///< whether the C-MOVE-RQ went out: then it counts as a start
  bool too_late = false;  ///< not sent, because the deadline had passed
  bool cancelled = false;
  std::uint32_t dimse_status = 0;
  std::uint32_t remaining = 0, completed = 0, failed = 0, warning = 0;
  std::vector<dicom_uid> failed_uids;  ///< the first most_dimse_uids
  std::string problem;
  PENSTOCK_DIMSE_KIND(move_done);
  PENSTOCK_FIELDS(outcome, sent, too_late, cancelled, dimse_status, remaining, completed, failed, warning, failed_uids,
                  problem);
};

/// All three files or none, and paths of a sensible length; errc::bad_request names the field.
[[nodiscard]] result<void> check(const dimse_tls& tls);

/// Whether a job is within its limits and its values may be sent; errc::bad_request names the field.
[[nodiscard]] result<void> check(const echo_job& job);
[[nodiscard]] result<void> check(const find_job& job);
[[nodiscard]] result<void> check(const move_job& job);

}  // namespace penstock::messages
