#pragma once
// Keys of the state rows in the core database, column `rows`: one function a kind, so that the layout is this page.
// Numbers are 16 hexadecimal digits, so that keys sort as the numbers do. Names of projects, PACS and users hold no '/'
// (messages::is_valid_name). UIDs may stand in keys: a key is never shown.

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "messages/ids.hpp"
#include "messages/requests.hpp"

namespace penstock::storage::keys {

[[nodiscard]] inline std::string sortable(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

namespace detail {
template <class... Parts>
[[nodiscard]] std::string join(std::string_view kind, const Parts&... parts) {
  std::string key{kind};
  ((key += '/', key += parts), ...);
  return key;
}
}  // namespace detail

/// request_row.
[[nodiscard]] inline std::string request(const std::string& project, std::uint64_t number) {
  return detail::join("request", project, sortable(number));
}
[[nodiscard]] inline std::string requests_of(const std::string& project) {
  return detail::join("request", project, "");
}

/// The order in which a project's scheduled requests for a PACS are taken: high priority first, then by turn, then by
/// number. Empty value.
[[nodiscard]] inline std::string waiting(const std::string& project, const std::string& pacs,
                                         messages::request_priority priority, std::uint64_t turn,
                                         std::uint64_t number) {
  const auto rank = std::to_string(2 - static_cast<int>(priority));
  return detail::join("waiting", project, pacs, rank, sortable(turn), sortable(number));
}
[[nodiscard]] inline std::string waiting_at(const std::string& project, const std::string& pacs) {
  return detail::join("waiting", project, pacs, "");
}
[[nodiscard]] inline std::string waiting_of(const std::string& project) { return detail::join("waiting", project, ""); }

/// Requests in `processing`, to find them after a restart. Empty value.
[[nodiscard]] inline std::string processing(const std::string& project, std::uint64_t number) {
  return detail::join("processing", project, sortable(number));
}
[[nodiscard]] inline std::string processing_of(const std::string& project) {
  return detail::join("processing", project, "");
}

/// The newest request of a project for a study: its number as decimal text.
[[nodiscard]] inline std::string request_for(const std::string& project, const std::string& pacs,
                                             const messages::dicom_uid& study) {
  return detail::join("request-for", project, pacs, study.reveal());
}

/// instance_list: what the PACS says the study holds.
[[nodiscard]] inline std::string expected(const std::string& project, std::uint64_t number) {
  return detail::join("expected", project, sortable(number));
}
/// instance_list: what is missing of it.
[[nodiscard]] inline std::string missing(const std::string& project, std::uint64_t number) {
  return detail::join("missing", project, sortable(number));
}

/// holding_row, and its manifest (instance_list) by version.
[[nodiscard]] inline std::string holding(const std::string& project, const std::string& pacs,
                                         const messages::dicom_uid& study) {
  return detail::join("holding", project, pacs, study.reveal());
}
[[nodiscard]] inline std::string holdings_of(const std::string& project) {
  return detail::join("holding", project, "");
}
[[nodiscard]] inline std::string manifest(const std::string& project, const std::string& pacs,
                                          const messages::dicom_uid& study, std::uint64_t version) {
  return detail::join("manifest", project, pacs, study.reveal(), sortable(version));
}

/// Which projects hold a cached study: the last claim that goes lets the bytes go. Empty value.
[[nodiscard]] inline std::string claim(const std::string& pacs, const messages::dicom_uid& study,
                                       const std::string& project) {
  return detail::join("claim", pacs, study.reveal(), project);
}
[[nodiscard]] inline std::string claims_on(const std::string& pacs, const messages::dicom_uid& study) {
  return detail::join("claim", pacs, study.reveal(), "");
}

/// verified_study: what the project's own C-FIND answers have shown.
[[nodiscard]] inline std::string verified(const std::string& project, const std::string& pacs,
                                          const messages::dicom_uid& study) {
  return detail::join("verified", project, pacs, study.reveal());
}

/// search_row, its units (search_unit) and its matches (the JSON that clients get) by number.
[[nodiscard]] inline std::string search(const std::string& project, const std::string& search) {
  return detail::join("search", project, search);
}
[[nodiscard]] inline std::string searches_of(const std::string& project) { return detail::join("search", project, ""); }
[[nodiscard]] inline std::string search_unit(const std::string& project, const std::string& search,
                                             std::uint64_t number) {
  return detail::join("search-unit", project, search, sortable(number));
}
[[nodiscard]] inline std::string search_units_of(const std::string& project, const std::string& search) {
  return detail::join("search-unit", project, search, "");
}
[[nodiscard]] inline std::string match(const std::string& project, const std::string& search, std::uint64_t number) {
  return detail::join("match", project, search, sortable(number));
}
[[nodiscard]] inline std::string matches_of(const std::string& project, const std::string& search) {
  return detail::join("match", project, search, "");
}

/// start_stamp of the sliding log: `what` is start, find or enumerate.
[[nodiscard]] inline std::string stamp(const std::string& pacs, std::string_view what, std::uint64_t number) {
  return detail::join("stamp", pacs, what, sortable(number));
}
[[nodiscard]] inline std::string stamps_at(const std::string& pacs, std::string_view what) {
  return detail::join("stamp", pacs, what, "");
}
/// lease: a retrieval that may be in flight.
[[nodiscard]] inline std::string lease(const std::string& pacs, std::uint64_t permit) {
  return detail::join("lease", pacs, sortable(permit));
}
[[nodiscard]] inline std::string leases_at(const std::string& pacs) { return detail::join("lease", pacs, ""); }

/// said_expiry: the last notice of its end that the project's members were given.
[[nodiscard]] inline std::string expiry_notice(const std::string& project) {
  return detail::join("expiry-notice", project);
}

/// pause_row: nothing starts at this PACS until an administrator resumes it.
[[nodiscard]] inline std::string pause(const std::string& pacs) { return detail::join("pause", pacs); }

/// When it was found out that the newest entries may be missing (recovery_record.hpp).
[[nodiscard]] inline std::string newest_missing() { return "newest-missing"; }

/// project_counters.
[[nodiscard]] inline std::string counters(const std::string& project) { return detail::join("counters", project); }

/// download_row, and what it holds (download_content).
[[nodiscard]] inline std::string download(const std::string& project, const std::string& download) {
  return detail::join("download", project, download);
}
[[nodiscard]] inline std::string downloads_of(const std::string& project) {
  return detail::join("download", project, "");
}
[[nodiscard]] inline std::string download_content(const std::string& project, const std::string& download) {
  return detail::join("download-content", project, download);
}

/// superseded_manifest, the oldest first.
[[nodiscard]] inline std::string superseded(const std::string& project, std::int64_t at_us, const std::string& pacs,
                                            const messages::dicom_uid& study, std::uint64_t version) {
  return detail::join("superseded", project, sortable(static_cast<std::uint64_t>(at_us)), pacs, study.reveal(),
                      sortable(version));
}
[[nodiscard]] inline std::string superseded_of(const std::string& project) {
  return detail::join("superseded", project, "");
}

/// What a repeated command is answered with (audit journal's "op/" rows): user and the client's own name for it.
[[nodiscard]] inline std::string operation(const std::string& project, const std::string& user, const std::string& op) {
  return detail::join(project, user, op);
}

}  // namespace penstock::storage::keys
