#pragma once
// What people ask for, as the command gateway hands it on: already parsed, not yet authorised beyond the membership
// that the gateway checks. Whoever decides answers with the JSON object of messages/WIRE.md, or with an errc and its
// context.

#include <cstdint>
#include <string>
#include <vector>

#include "messages/fields.hpp"
#include "messages/holdings.hpp"
#include "messages/ids.hpp"
#include "messages/requests.hpp"

namespace penstock::messages {

/// The "ok" object of an answer, as JSON text.
struct answered {
  std::string json;
  PENSTOCK_FIELDS(json);
};

/// Who asks. `op` is the client's name for a change (empty for questions): repeated, it is answered and not done again.
struct caller {
  std::string user;
  std::string op;
  PENSTOCK_FIELDS(user, op);
};

struct submit_item {
  std::string pacs;
  dicom_uid study;
  std::vector<dicom_uid> series;
  PENSTOCK_FIELDS(pacs, study, series);
};

struct submit_requests {
  caller who;
  std::vector<submit_item> items;  ///< at most 1,000, checked by the gateway
  request_priority priority = request_priority::normal;
  std::uint32_t follow_every_s = 0;  ///< see request_row
  std::uint32_t follow_quiet_s = 0;
  PENSTOCK_FIELDS(who, items, priority, follow_every_s, follow_quiet_s);
};

struct cancel_requests {
  caller who;
  std::vector<std::uint64_t> requests;
  PENSTOCK_FIELDS(who, requests);
};

struct prioritise_requests {
  caller who;
  std::vector<std::uint64_t> requests;
  request_priority priority = request_priority::normal;
  PENSTOCK_FIELDS(who, requests, priority);
};

/// Ended requests that did not end well go back in line.
struct retry_requests {
  caller who;
  std::vector<std::uint64_t> requests;
  PENSTOCK_FIELDS(who, requests);
};

/// Clears ended requests from the list; what they fetched stays held.
struct delete_requests {
  caller who;
  std::vector<std::uint64_t> requests;
  PENSTOCK_FIELDS(who, requests);
};

/// Gives up the project's holdings of these studies.
struct delete_holdings {
  caller who;
  std::vector<dicom_uid> studies;
  PENSTOCK_FIELDS(who, studies);
};

/// What a download shall hold: whole studies, or series, or single instances; exactly one list is not empty.
/// `resume` names an earlier download of the same user and project instead.
struct authorise_download {
  caller who;
  std::vector<dicom_uid> studies;
  std::vector<dicom_uid> series;
  std::vector<dicom_uid> instances;
  std::string resume;
  std::string key_check;  ///< with `resume`: storage::data_key_check of the key that the client gave, opaque text
  PENSTOCK_FIELDS(who, studies, series, instances, resume, key_check);
};

/// One study of an authorised download. `instances` is the manifest of the holding's `version`, narrowed to what was
/// asked for; a version never changes.
struct download_part {
  std::string pacs;
  std::uint32_t shard = 0;
  dicom_uid study;
  std::uint64_t version = 0;
  std::vector<dicom_uid> instances;
  PENSTOCK_FIELDS(pacs, shard, study, version, instances);
};

/// Answer to authorise_download. Nothing may leave before record_download was answered. `download` is the id that
/// clients see.
struct download_authorised {
  std::string download;
  std::vector<download_part> parts;
  std::vector<dicom_uid> series;  ///< when not empty: only objects of these series
  std::vector<dicom_uid> gone;    ///< of a resumed one: studies that the project holds no more; then there are no parts
  bool repeated = false;          ///< this operation has opened `download` before; there are no parts
  PENSTOCK_FIELDS(download, parts, series, gone, repeated);
};

/// What an authorised download really holds, and the check of its key: recorded before anything leaves. `resumed`: it
/// must equal what was recorded when it was opened. `series` and `instances` are what it was narrowed to.
struct record_download {
  caller who;
  std::string download;
  bool resumed = false;
  std::string key_check;
  std::vector<sealed_study> studies;
  std::vector<dicom_uid> series;
  std::vector<dicom_uid> instances;
  PENSTOCK_FIELDS(who, download, resumed, key_check, studies, series, instances);
};

/// Answer to record_download, after its journal entry. Another `download` than the one that was to be recorded: the
/// same operation has opened that one in the meantime. `changed`, when not empty: nothing was recorded, because these
/// studies are not held any more, or not as they were.
struct download_recorded {
  std::string download;
  std::vector<dicom_uid> changed;
  PENSTOCK_FIELDS(download, changed);
};

/// A session of a download on the data socket is over. `complete`: all that it asked for was handed to the transport.
struct download_ended {
  std::string download;
  std::uint64_t sealed_bytes = 0;
  bool complete = false;
  PENSTOCK_FIELDS(download, sealed_bytes, complete);
};

/// The researcher's program has written images of a download in the clear, on a disk of theirs.
struct note_export {
  caller who;
  std::string download;
  std::string layout;
  std::uint64_t objects = 0;
  PENSTOCK_FIELDS(who, download, layout, objects);
};

/// `pacs` lists ids; when it is empty, `institution` (and `department`, if not empty) chooses.
struct find_patients {
  caller who;
  std::vector<std::string> pacs;
  std::string institution;
  std::string department;
  std::vector<protected_text> mrns;
  std::uint32_t wait_ms = 10'000;
  PENSTOCK_FIELDS(who, pacs, institution, department, mrns, wait_ms);
};

/// Either `mrns` or `accessions`. `study_date` is empty, a day or a DICOM range (`20090101-20120101`).
struct find_studies {
  caller who;
  std::vector<std::string> pacs;
  std::string institution;
  std::string department;
  std::vector<protected_text> mrns;
  std::vector<protected_text> accessions;
  std::string study_date;
  std::vector<std::string> modalities;
  std::uint32_t wait_ms = 10'000;
  PENSTOCK_FIELDS(who, pacs, institution, department, mrns, accessions, study_date, modalities, wait_ms);
};

struct find_series {
  caller who;
  std::string pacs;
  dicom_uid study;
  std::uint32_t wait_ms = 10'000;
  PENSTOCK_FIELDS(who, pacs, study, wait_ms);
};

struct read_search {
  caller who;
  std::string search;
  std::string cursor;  ///< as an earlier part gave it under "next"; empty: from the start
  std::uint32_t wait_ms = 10'000;
  PENSTOCK_FIELDS(who, search, cursor, wait_ms);
};

struct cancel_search {
  caller who;
  std::string search;
  PENSTOCK_FIELDS(who, search);
};

/// A page of a listing: `filter` and `sort` are the JSON of WIRE.md ("Filter F"), checked by whoever answers.
struct page_options {
  std::string filter;
  std::string sort;
  std::uint32_t limit = 500;
  std::string cursor;
  PENSTOCK_FIELDS(filter, sort, limit, cursor);
};

struct list_requests {
  caller who;
  page_options page;
  PENSTOCK_FIELDS(who, page);
};

struct show_request {
  caller who;
  std::uint64_t request = 0;
  std::uint32_t limit = 500;
  std::string cursor;  ///< of the list of missing instances
  PENSTOCK_FIELDS(who, request, limit, cursor);
};

enum class holding_level : std::uint8_t { study, series, instance };

struct list_holdings {
  caller who;
  holding_level level = holding_level::study;
  dicom_uid study;   ///< required for series and instances
  dicom_uid series;  ///< narrows instances
  page_options page;
  PENSTOCK_FIELDS(who, level, study, series, page);
};

/// What there is to choose from: `columns` are counted over the studies that `filter` accepts.
struct list_facets {
  caller who;
  std::string filter;
  std::vector<std::string> columns;
  PENSTOCK_FIELDS(who, filter, columns);
};

struct describe_usage {
  caller who;
  PENSTOCK_FIELDS(who);
};

}  // namespace penstock::messages
