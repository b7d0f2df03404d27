#pragma once
// What the journal is handed and what it says. One entry is one thing that was decided or done: the rows it changes and
// the events it causes are committed with it or not at all.

#include <cstdint>
#include <string>
#include <vector>

#include "messages/fields.hpp"
#include "messages/ids.hpp"

namespace penstock::messages {

/// One row of the core database: `value` is put under `key`, or `key` is removed. Keys are made in storage/keys.hpp.
struct state_row {
  std::string key;
  std::string value;
  bool erase = false;
  PENSTOCK_FIELDS(key, value, erase);
};

/// An identifier that belongs to an entry. The hashed leaf holds only a salted commitment to it; the value lies beside
/// it.
struct protected_field {
  std::string name;
  protected_text value;
  PENSTOCK_FIELDS(name, value);
};

/// One event for the subscribers of `topic`: a JSON object; the journal adds "seq" (dense per topic) and "at".
struct topic_event {
  std::string topic;
  std::string json;
  PENSTOCK_FIELDS(topic, json);
};

/// `details` is the text of a JSON object without identifiers or secrets, or empty. At most 32 KiB as a leaf.
struct journal_entry {
  std::string kind;
  std::string user;
  std::string project;
  std::string pacs;
  std::string request;
  std::string details;
  std::vector<protected_field> identifiers;
  std::vector<state_row> rows;
  std::vector<topic_event> events;
  PENSTOCK_FIELDS(kind, user, project, pacs, request, details, identifiers, rows, events);
};

/// All entries of one append are committed in one synced batch. `op_key` (see storage/keys.hpp), when not empty,
/// remembers `op_answer` for a repeated command. A `generation` older than the writer's last enrolment is refused
/// (errc::conflict).
struct append_entries {
  std::string writer;
  std::uint64_t generation = 0;
  std::vector<journal_entry> entries;
  std::string op_key;
  std::string op_answer;
  PENSTOCK_FIELDS(writer, generation, entries, op_key, op_answer);
};

/// The journal to itself: everybody who was waiting has been read, commit them together.
struct commit_group {
  std::uint64_t group = 0;
  PENSTOCK_FIELDS(group);
};

struct entries_committed {
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  PENSTOCK_FIELDS(first_sequence, last_sequence);
};

/// A (re)started actor enrols before it loads its rows: whatever its predecessor had sent is then committed or refused.
struct enrol_writer {
  std::string writer;
  PENSTOCK_FIELDS(writer);
};

struct writer_enrolled {
  std::uint64_t generation = 0;
  PENSTOCK_FIELDS(generation);
};

/// One committed event as a subscriber gets it.
struct topic_entry {
  std::string topic;
  std::uint64_t sequence = 0;
  std::string json;
  PENSTOCK_FIELDS(topic, sequence, json);
};

struct events_committed {
  std::vector<topic_entry> events;
  PENSTOCK_FIELDS(events);
};

/// Something worth showing now and not worth keeping (topics `progress` and `searches`).
struct transient_event {
  std::string topic;
  std::string json;
  PENSTOCK_FIELDS(topic, json);
};

}  // namespace penstock::messages
