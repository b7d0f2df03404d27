#pragma once
// The rows of a table as they came from the server: each value as raw text, by the id of the row.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace penstock::console {

/// Slots stay what they are as long as the row is there. One text a row: 100,000 of them take some 30 MB.
class row_store {
 public:
  using slot = std::uint32_t;
  static constexpr std::size_t most_rows = 100'000;
  /// Of the log of what was touched; beyond it everything counts as touched.
  static constexpr std::size_t most_touched = 20'000;

  explicit row_store(std::size_t columns) : columns_(columns) {}

  /// False when there is room for no further row.
  bool put(const std::string& id, const std::vector<std::string>& values);
  /// Leaves the other values; false when the row is not there.
  bool set(const std::string& id, std::size_t column, std::string_view value);
  void erase(const std::string& id);
  void clear();

  [[nodiscard]] std::size_t size() const { return by_id_.size(); }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::optional<slot> find(std::string_view id) const;
  [[nodiscard]] bool is_row(slot at) const { return at < rows_.size() && rows_[at].there; }
  [[nodiscard]] slot end_slot() const { return static_cast<slot>(rows_.size()); }
  [[nodiscard]] const std::string& id(slot at) const { return rows_[at].id; }
  [[nodiscard]] std::string_view value(slot at, std::size_t column) const;

  /// Grows with every change.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  /// What was touched since that version; nothing when that is not known any more.
  [[nodiscard]] std::optional<std::vector<slot>> touched_since(std::uint64_t version) const;

 private:
  struct row {
    std::string id;
    std::string values;  ///< ended by 0x1f each
    bool there = false;
  };
  void touch(slot at);

  std::size_t columns_;
  std::vector<row> rows_;
  std::vector<slot> free_;
  std::unordered_map<std::string, slot> by_id_;
  std::vector<slot> touched_;
  std::uint64_t version_ = 0;
};

}  // namespace penstock::console
