#pragma once
// One page of a listing: gathers the items that the filter accepts, keeps those that come next in the order, and writes
// the answer. What it holds is bounded by the page, what it may look at by a budget. Pure but for its clock.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/row_filter.hpp"
#include "messages/commands.hpp"
#include "messages/result.hpp"

namespace penstock::actors {

/// What kind of items a listing has. `name` is their field in the answer.
struct listed_table {
  std::string_view name;
  listed_fields fields;
  std::string_view default_sort;
  std::span<const std::string_view> unique;
};

/// What one page may cost.
struct listing_budget {
  std::size_t most_rows = 1'000'000;
  std::chrono::milliseconds most_time{10'000};
  std::size_t page_bytes = std::size_t{512} << 10;
};

/// How much of a budget is left.
class budget_meter {
 public:
  using clock = std::function<std::chrono::steady_clock::time_point()>;
  budget_meter(const listing_budget& budget, clock now) : budget_(budget), now_(std::move(now)) {}

  /// One more row is looked at. False when the budget is spent.
  [[nodiscard]] bool visit();
  /// The same for a key alone, which costs next to nothing: only time counts.
  [[nodiscard]] bool look();
  [[nodiscard]] bool spent() const { return spent_; }
  /// errc::too_large: says so of the listing `name`.
  [[nodiscard]] messages::failure complaint(std::string_view name) const;

 private:
  listing_budget budget_;
  clock now_;
  std::optional<std::chrono::steady_clock::time_point> until_;
  std::size_t visited_ = 0;
  std::size_t looks_ = 0;
  bool spent_ = false;
};

constexpr std::uint32_t most_items_a_page = 5000;
constexpr std::size_t longest_cursor_bytes = 65'536;

/// `limit` as asked, at most most_items_a_page; errc::bad_request for none.
[[nodiscard]] messages::result<std::size_t> page_limit(std::uint32_t limit);

/// The "next" of a page: the position after which the following page begins, opaque to clients. `listing` tells one
/// listing from another, so that a cursor is good only for what it came from.
[[nodiscard]] std::string spell_cursor(std::string_view listing, const nlohmann::json& position);
/// errc::bad_request for anything that spell_cursor did not make for this listing.
[[nodiscard]] messages::result<nlohmann::json> read_cursor(std::string_view listing, std::string_view cursor);

class listing {
 public:
  using clock = budget_meter::clock;

  /// errc::bad_request names what is wrong with the page's options. `table` must be static.
  [[nodiscard]] static messages::result<listing> open(const messages::page_options& page, const listed_table& table,
                                                      const listing_budget& budget, clock now);

  /// Nothing is filtered, and the order is the table's own: whoever knows the rows of this page need add no others.
  [[nodiscard]] bool is_plain() const { return plain_; }
  /// Of a page that is plain: how many items to add, one more than are shown, and the order key of the last item before
  /// them.
  [[nodiscard]] std::size_t wanted() const { return limit_ + 1; }
  [[nodiscard]] const std::optional<row_order::key>& after() const { return after_; }
  /// Of a page that is plain: how many items there are on all pages.
  void set_total(std::uint64_t total) { known_total_ = total; }

  /// When one is false, the budget is spent, and `finish` says so.
  [[nodiscard]] bool visit() { return meter_.visit(); }
  [[nodiscard]] bool look() { return meter_.look(); }
  void add(nlohmann::json item);
  /// {NAME: [...], "total": n, "next": cursor when there is more}; errc::too_large when the budget was spent.
  [[nodiscard]] messages::result<std::string> finish();

 private:
  struct entry {
    row_order::key key;
    nlohmann::json item;
  };

  listing(const listed_table& table, row_filter filter, row_order order, const listing_budget& budget, clock now)
      : table_(&table),
        filter_(std::move(filter)),
        order_(std::move(order)),
        page_bytes_(budget.page_bytes),
        meter_(budget, std::move(now)) {}

  const listed_table* table_;
  row_filter filter_;
  row_order order_;
  std::size_t page_bytes_;
  budget_meter meter_;
  std::string guard_;
  std::size_t limit_ = 0;
  bool plain_ = false;
  std::optional<std::uint64_t> known_total_;
  std::optional<row_order::key> after_;
  std::uint64_t total_ = 0;
  std::vector<entry> next_;  ///< a heap, the last in order on top, one more than a page holds
};

}  // namespace penstock::actors
