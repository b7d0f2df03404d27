#pragma once
// Keys of the core database's columns as the journal lays them out (JOURNAL.md). Numbers are big-endian, so that keys
// sort as numbers do.

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/merkle_tree.hpp"

namespace penstock::storage::journal_keys {

inline constexpr std::string_view head = "head";              // meta
inline constexpr std::string_view latest_time = "latest";     // meta
inline constexpr std::string_view writer_prefix = "writer/";  // meta
inline constexpr std::string_view topic_prefix = "topic/";    // meta
inline constexpr std::string_view operation_prefix = "op/";   // rows
inline constexpr std::size_t number_bytes = 8;

[[nodiscard]] inline std::string number(std::uint64_t value) {
  std::string key(number_bytes, '\0');
  for (std::size_t i = number_bytes; i-- > 0; value >>= 8) key[i] = static_cast<char>(value & 0xff);
  return key;
}

/// The number that `key` ends with; 0 when it is too short, which no numbered row is.
[[nodiscard]] inline std::uint64_t number_at_end(std::string_view key) {
  if (key.size() < number_bytes) return 0;
  std::uint64_t value = 0;
  for (const char byte : key.substr(key.size() - number_bytes)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

[[nodiscard]] inline std::string tree_node(tree_position at) { return static_cast<char>(at.level) + number(at.index); }

/// Topic names hold no NUL, so one topic's keys never lie among another's.
[[nodiscard]] inline std::string events_of(std::string_view topic) { return std::string{topic} + '\0'; }
[[nodiscard]] inline std::string event(std::string_view topic, std::uint64_t sequence) {
  return events_of(topic) + number(sequence);
}

[[nodiscard]] inline std::string writer(std::string_view name) {
  return std::string{writer_prefix} + std::string{name};
}
[[nodiscard]] inline std::string topic(std::string_view name) { return std::string{topic_prefix} + std::string{name}; }
[[nodiscard]] inline std::string operation(std::string_view op_key) {
  return std::string{operation_prefix} + std::string{op_key};
}

}  // namespace penstock::storage::journal_keys
