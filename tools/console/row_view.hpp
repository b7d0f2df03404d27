#pragma once
// Which rows of a store are shown, and in which order. AND across columns, OR within one.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tools/console/row_store.hpp"

namespace penstock::console {

enum class value_kind { text, number, time };  ///< time: RFC 3339, or a date; sorts and ranges as text

struct column_spec {
  std::string title;
  value_kind kind = value_kind::text;
  int width = 10;
  /// What people see of a raw value; nothing: the value itself.
  std::function<std::string(std::string_view)> shown{};
  bool facet = false;  ///< has a place in the filter panel
};

/// Values as the panel shows them; numbers and times by their least and greatest.
struct facet_counts {
  std::vector<std::pair<std::string, std::size_t>> values;  ///< by count, the largest first
  std::size_t others = 0;                                   ///< rows with values beyond `most_values`
  double least = 0;
  double greatest = 0;
};

struct value_range {
  double from = 0;
  double to = 0;
  bool operator==(const value_range&) const = default;
};

struct row_filter {
  std::map<std::size_t, std::set<std::string>> values;  ///< of a column; an empty set accepts all
  std::map<std::size_t, value_range> ranges;
  std::string text;  ///< somewhere in what is shown of a row; case is ignored
  std::map<std::size_t, std::unordered_set<std::string>> lists;
  [[nodiscard]] bool empty() const { return values.empty() && ranges.empty() && text.empty() && lists.empty(); }
  bool operator==(const row_filter&) const = default;
};

class row_view {
 public:
  static constexpr std::size_t most_values = 50;

  row_view(const row_store& rows, const std::vector<column_spec>& columns) : rows_(rows), columns_(columns) {}

  void sort_by(std::size_t column, bool descending);
  [[nodiscard]] std::size_t sort_column() const { return sort_column_; }
  [[nodiscard]] bool descending() const { return descending_; }
  void set_filter(row_filter filter);
  [[nodiscard]] const row_filter& filter() const { return filter_; }

  /// Takes in what has changed in the store; cheap when that is little.
  void refresh();
  [[nodiscard]] const std::vector<row_store::slot>& order() const { return order_; }
  /// Grows when rows or the filter have changed.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  /// Where a row is now.
  [[nodiscard]] std::optional<std::size_t> position_of(std::string_view id) const;
  /// Counted over the rows that the other columns' filters accept, so that what is not chosen stays in sight.
  [[nodiscard]] facet_counts count(std::size_t column) const;
  [[nodiscard]] std::string shown(row_store::slot at, std::size_t column) const;

 private:
  [[nodiscard]] bool accepts(row_store::slot at, std::optional<std::size_t> but_for = std::nullopt) const;
  [[nodiscard]] bool before(row_store::slot a, row_store::slot b) const;
  void rebuild();
  void merge(const std::vector<row_store::slot>& touched);
  /// What decides where a row stands: 0 when it is not shown, otherwise a mark of the value it is sorted by.
  [[nodiscard]] std::uint64_t placing(row_store::slot at) const;

  const row_store& rows_;
  const std::vector<column_spec>& columns_;
  row_filter filter_;
  std::size_t sort_column_ = 0;
  bool descending_ = false;
  std::vector<row_store::slot> order_;
  std::vector<std::uint64_t> placed_;  ///< of each slot, as it stands in the order
  std::uint64_t seen_version_ = 0;
  std::uint64_t version_ = 0;
  bool stale_ = true;
};

/// All that a row has, a line for each value, as people see them; nothing when it is gone.
[[nodiscard]] std::vector<std::string> facts_of(const row_store& rows, const std::vector<column_spec>& columns,
                                                std::string_view id);
/// A number, or the days since 1970 of a date or RFC 3339 time; nothing for other text.
[[nodiscard]] std::optional<double> measure_of(value_kind kind, std::string_view value);
/// Case ignored for ASCII.
[[nodiscard]] bool contains_text(std::string_view text, std::string_view part);

}  // namespace penstock::console
