#include "actors/listing.hpp"

#include <algorithm>
#include <utility>

#include "storage/digest.hpp"

namespace penstock::actors {
namespace {

using messages::errc;
using messages::fail;
using messages::result;
using nlohmann::json;

constexpr std::size_t rows_between_looks_at_the_clock = 256;
/// For what stands around the items of a page, the cursor above all.
constexpr std::size_t room_around_items = 8192;
constexpr std::size_t guard_bytes = 8;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string guard_of(std::string_view listing) {
  const auto digest = storage::sha256(listing);
  return storage::to_hex(std::span{digest}.first(guard_bytes));
}

}  // namespace

result<std::size_t> page_limit(std::uint32_t limit) {
  if (limit == 0) return fail(errc::bad_request, "limit: must be at least 1");
  return std::size_t{std::min(limit, most_items_a_page)};
}

std::string spell_cursor(std::string_view listing, const json& position) {
  const auto text = dump(json{{"of", guard_of(listing)}, {"after", position}});
  return storage::to_hex(std::span{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

result<json> read_cursor(std::string_view listing, std::string_view cursor) {
  const auto bad = fail(errc::bad_request, "cursor: not one that this listing gave");
  if (cursor.size() > longest_cursor_bytes) return bad;
  const auto text = storage::from_hex(cursor, cursor.size() / 2);
  if (!text) return bad;
  auto spelled = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!spelled.is_object() || !spelled.contains("after") || !spelled.contains("of") ||
      spelled["of"] != guard_of(listing))
    return bad;
  return std::move(spelled["after"]);
}

bool budget_meter::visit() {
  spent_ = !look() || ++visited_ > budget_.most_rows;
  return !spent_;
}

bool budget_meter::look() {
  if (!spent_ && looks_++ % rows_between_looks_at_the_clock == 0) {
    const auto at = now_();
    if (!until_) until_ = at + budget_.most_time;
    spent_ = at > *until_;
  }
  return !spent_;
}

messages::failure budget_meter::complaint(std::string_view name) const {
  return fail(errc::too_large, "list " + std::string{name} + ": over " + std::to_string(budget_.most_rows) +
                                   " rows or " + std::to_string(budget_.most_time.count()) +
                                   " ms for one page; a narrower filter makes it faster");
}

result<listing> listing::open(const messages::page_options& page, const listed_table& table,
                              const listing_budget& budget, clock now) {
  auto filter = row_filter::parse(page.filter, table.fields);
  if (!filter) return filter.error();
  auto order = row_order::parse(page.sort, table.default_sort, table.fields, table.unique);
  if (!order) return order.error();
  auto limit = page_limit(page.limit);
  if (!limit) return limit.error();
  listing opened{table, std::move(*filter), std::move(*order), budget, std::move(now)};
  opened.limit_ = *limit;
  opened.plain_ = (page.filter.empty() || page.filter == "{}") && (page.sort.empty() || page.sort == "[]");
  opened.guard_ = std::string{table.name} + '\n' + page.filter + '\n' + page.sort;
  if (page.cursor.empty()) return opened;
  auto position = read_cursor(opened.guard_, page.cursor);
  if (!position) return position.error();
  opened.after_ = opened.order_.read(*position);
  if (!opened.after_) return fail(errc::bad_request, "cursor: not one that this listing gave");
  return opened;
}

void listing::add(json item) {
  if (!filter_.accepts(item)) return;
  ++total_;
  auto key = order_.key_of(item);
  if (after_ && !order_.before(*after_, key)) return;
  const auto earlier = [this](const entry& one, const entry& other) { return order_.before(one.key, other.key); };
  if (next_.size() > limit_) {
    if (!order_.before(key, next_.front().key)) return;
    std::pop_heap(next_.begin(), next_.end(), earlier);
    next_.pop_back();
  }
  next_.push_back({std::move(key), std::move(item)});
  std::push_heap(next_.begin(), next_.end(), earlier);
}

result<std::string> listing::finish() {
  if (meter_.spent()) return meter_.complaint(table_->name);
  std::sort(next_.begin(), next_.end(),
            [this](const entry& one, const entry& other) { return order_.before(one.key, other.key); });
  std::string items;
  std::size_t count = 0;
  for (; count < std::min(limit_, next_.size()); ++count) {
    auto text = dump(next_[count].item);
    if (count > 0 && items.size() + text.size() + room_around_items > page_bytes_) break;
    if (count > 0) items += ',';
    items += text;
  }
  auto answer = dump(table_->name) + ":[" + items + "],\"total\":" + std::to_string(known_total_.value_or(total_));
  if (count < next_.size()) answer += ",\"next\":" + dump(spell_cursor(guard_, row_order::spell(next_[count - 1].key)));
  return "{" + answer + "}";
}

}  // namespace penstock::actors
