#pragma once
// The rows of a table as they came from the server: each value as raw text, by the id of the row.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tools/console/text_pool.hpp"

namespace penstock::console {

struct row_shape {
  std::size_t columns = 1;
  /// Of these many rows have the same values, which are kept once.
  std::vector<std::size_t> shared{};
  /// Of this one it is known at any time how often each value is there.
  std::optional<std::size_t> counted{};
};

/// Slots stay what they are as long as the row is there. One text a row, so that 100,000 take some 35 MB.
class row_store {
 public:
  using slot = std::uint32_t;
  static constexpr std::size_t most_rows = 100'000;
  /// Of the log of what was touched; beyond it everything counts as touched.
  static constexpr std::size_t most_touched = 20'000;

  explicit row_store(const row_shape& shape);
  explicit row_store(std::size_t columns) : row_store(row_shape{columns}) {}
  row_store(const row_store&) = delete;
  row_store& operator=(const row_store&) = delete;

  /// False when there is room for no further row.
  bool put(const std::string& id, const std::vector<std::string>& values);
  /// Leaves the other values; false when the row is not there.
  bool set(const std::string& id, std::size_t column, std::string_view value);
  void erase(const std::string& id);
  void clear();

  [[nodiscard]] std::size_t size() const { return by_id_.size(); }
  [[nodiscard]] std::size_t columns() const { return shared_.size(); }
  [[nodiscard]] std::optional<slot> find(std::string_view id) const;
  [[nodiscard]] bool is_row(slot at) const { return at < rows_.size() && rows_[at].there; }
  [[nodiscard]] slot end_slot() const { return static_cast<slot>(rows_.size()); }
  [[nodiscard]] const std::string& id(slot at) const { return rows_[at].id; }
  [[nodiscard]] std::string_view value(slot at, std::size_t column) const;
  [[nodiscard]] const std::map<std::string, std::size_t, std::less<>>& counts() const { return counts_; }

  /// How many rows were ever taken away.
  [[nodiscard]] std::uint64_t erased() const { return erased_; }
  /// Grows with every change.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  /// What was touched since that version; nothing when that is not known any more.
  [[nodiscard]] std::optional<std::vector<slot>> touched_since(std::uint64_t version) const;

 private:
  struct row {
    std::string id;
    std::string values;  ///< ended by 0x1f each; a shared one is 0x1e and its number in four characters
    bool there = false;
  };
  /// A slot and the id of its row are the same key, so that no id is kept twice.
  struct id_hash {
    using is_transparent = void;
    const row_store* store;
    std::size_t operator()(std::string_view id) const { return std::hash<std::string_view>{}(id); }
    std::size_t operator()(slot at) const { return (*this)(store->rows_[at].id); }
  };
  struct same_id {
    using is_transparent = void;
    const row_store* store;
    bool operator()(slot a, slot b) const { return a == b; }
    bool operator()(std::string_view id, slot at) const { return id == store->rows_[at].id; }
    bool operator()(slot at, std::string_view id) const { return id == store->rows_[at].id; }
  };
  void touch(slot at);
  void count(slot at, bool more);
  [[nodiscard]] std::string_view packed_value(slot at, std::size_t column) const;
  void append_value(std::string& to, std::size_t column, std::string_view value);
  void release(std::string_view packed_values);

  std::vector<bool> shared_;
  text_pool pool_;
  std::optional<std::size_t> counted_column_;
  std::map<std::string, std::size_t, std::less<>> counts_;
  std::deque<row> rows_;
  std::vector<slot> free_;
  std::unordered_set<slot, id_hash, same_id> by_id_;
  std::vector<slot> touched_;
  std::uint64_t version_ = 0;
  std::uint64_t erased_ = 0;
};

}  // namespace penstock::console
