#include "messages/dimse.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "messages/dimse_inbound.hpp"

namespace penstock::messages {
namespace {

constexpr std::array outcome_names{
    std::pair{peer_outcome::answered, std::string_view{"answered"}},
    std::pair{peer_outcome::unreachable, std::string_view{"unreachable"}},
    std::pair{peer_outcome::rejected, std::string_view{"rejected"}},
    std::pair{peer_outcome::no_context, std::string_view{"no_context"}},
    std::pair{peer_outcome::aborted, std::string_view{"aborted"}},
    std::pair{peer_outcome::timed_out, std::string_view{"timed_out"}},
    std::pair{peer_outcome::stopped, std::string_view{"stopped"}},
    std::pair{peer_outcome::insecure, std::string_view{"insecure"}},
    std::pair{peer_outcome::misconfigured, std::string_view{"misconfigured"}},
    std::pair{peer_outcome::broken, std::string_view{"broken"}},
};

constexpr std::size_t longest_ae_title = 16;
constexpr std::size_t longest_host = 255;
constexpr std::size_t longest_key_name = 64;
constexpr std::size_t longest_path = 4'096;

failure bad(const std::string& field) { return fail(errc::bad_request, field); }

/// PS3.5 section 6.2, AE: printable, no backslash, not only spaces.
bool is_ae_title(std::string_view text) {
  return !text.empty() && text.size() <= longest_ae_title && text.find_first_not_of(' ') != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
}

bool is_key_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_key_name && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

/// Digits and dots: wide enough for the malformed UIDs that archives hold.
bool is_sendable_uid(const dicom_uid& uid) {
  const auto& text = uid.reveal();
  return !text.empty() && text.size() <= 64 && text.find_first_not_of("0123456789.") == std::string::npos;
}

result<void> check(const dimse_peer& peer) {
  if (peer.host.empty() || peer.host.size() > longest_host) return bad("peer.host");
  if (peer.port == 0) return bad("peer.port");
  if (!is_ae_title(peer.called_ae)) return bad("peer.called_ae");
  if (!is_ae_title(peer.calling_ae)) return bad("peer.calling_ae");
  if (peer.connect_timeout_ms == 0 || peer.association_timeout_ms == 0 || peer.response_timeout_ms == 0)
    return bad("peer: a timeout is zero");
  return check(peer.tls);
}

result<void> check(const find_query& query) {
  if (query.level != "STUDY" && query.level != "SERIES" && query.level != "IMAGE") return bad("query.level");
  if (query.keys.size() + query.return_keys.size() > most_dimse_keys) return bad("query: too many keys");
  if (query.max_rows == 0) return bad("query.max_rows");
  for (const auto& [name, value] : query.keys) {
    if (!is_key_name(name)) return bad("query.keys: a name");
    // Lists are answered with no rows and success by some PACS; a date may be a range, which needs no wildcard.
    if (!is_exact_key(value.reveal())) return bad("query.keys: the value of " + name);
  }
  if (!std::all_of(query.return_keys.begin(), query.return_keys.end(), is_key_name)) return bad("query.return_keys");
  return {};
}

}  // namespace

std::string_view name_of(peer_outcome outcome) {
  for (const auto& [value, name] : outcome_names)
    if (value == outcome) return name;
  return "broken";
}

bool parse(std::string_view text, peer_outcome& into) {
  for (const auto& [value, name] : outcome_names)
    if (name == text) {
      into = value;
      return true;
    }
  return false;
}

result<void> check(const dimse_tls& tls) {
  const bool has_all = !tls.ca.empty() && !tls.certificate.empty() && !tls.key.empty();
  const bool has_none = tls.ca.empty() && tls.certificate.empty() && tls.key.empty() && tls.name.empty();
  if (!has_all && !has_none) return bad("tls: ca, certificate and key belong together");
  for (const auto* path : {&tls.ca, &tls.certificate, &tls.key})
    if (path->size() > longest_path) return bad("tls: a path is too long");
  if (tls.name.size() > longest_host) return bad("tls.name");
  return {};
}

result<void> check(const echo_job& job) { return check(job.peer); }

result<void> check(const find_job& job) {
  if (auto sound = check(job.peer); !sound) return sound;
  if (job.queries.empty() || job.queries.size() > most_dimse_queries) return bad("queries");
  if (job.total_timeout_ms == 0) return bad("total_timeout_ms");
  for (const auto& query : job.queries)
    if (auto sound = check(query); !sound) return sound;
  return {};
}

result<void> check(const move_job& job) {
  if (auto sound = check(job.peer); !sound) return sound;
  if (!job.get && !is_ae_title(job.move_destination)) return bad("move_destination");
  if (!is_sendable_uid(job.study_uid)) return bad("study_uid");
  if (job.series_uids.size() > most_dimse_uids ||
      !std::all_of(job.series_uids.begin(), job.series_uids.end(), is_sendable_uid))
    return bad("series_uids");
  if (job.instance_uids.size() > most_dimse_uids ||
      !std::all_of(job.instance_uids.begin(), job.instance_uids.end(), is_sendable_uid))
    return bad("instance_uids");
  // PS3.4 section C.4.2.2.1: at IMAGE level the keys above hold one value each.
  if (!job.instance_uids.empty() && job.series_uids.size() != 1) return bad("series_uids: instances are of one series");
  if (job.idle_timeout_ms == 0 || job.total_timeout_ms == 0) return bad("a timeout is zero");
  return {};
}

result<void> check(const accept_job& job) {
  if (!std::all_of(job.our_ae_titles.begin(), job.our_ae_titles.end(), is_ae_title)) return bad("our_ae_titles");
  if (!std::all_of(job.accepted_calling_aes.begin(), job.accepted_calling_aes.end(), is_ae_title))
    return bad("accepted_calling_aes");
  if (job.max_instance_bytes == 0 || job.max_pack_bytes == 0) return bad("a limit is zero");
  if (job.handshake_timeout_ms == 0 || job.instance_idle_ms == 0 || job.instance_total_ms == 0 ||
      job.association_idle_ms == 0 || job.decision_timeout_ms == 0)
    return bad("a timeout is zero");
  return check(job.tls);
}

}  // namespace penstock::messages
