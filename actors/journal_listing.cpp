#include "actors/journal_listing.hpp"

#include <array>
#include <vector>

#include "actors/row_filter.hpp"
#include "storage/journal_keys.hpp"
#include "storage/journal_reader.hpp"
#include "storage/utc_time.hpp"

namespace penstock::actors {
namespace {

using messages::errc;
using messages::fail;
using messages::result;
using nlohmann::json;
using storage::row_reader;

constexpr std::array entry_fields{
    listed_field{"seq", field_kind::number},   listed_field{"at", field_kind::time},
    listed_field{"kind", field_kind::text},    listed_field{"user", field_kind::text},
    listed_field{"project", field_kind::text}, listed_field{"pacs", field_kind::text},
    listed_field{"request", field_kind::text},
};
constexpr std::string_view cursor_guard = "journal";

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

messages::failure broken_entry(std::uint64_t sequence) {
  return fail(errc::corrupt, "journal entry " + std::to_string(sequence) + ": not a leaf");
}

/// A leaf as an item: without what only the hash needs, and without empty texts.
json item_of(const json& leaf) {
  json item{{"seq", leaf.at("seq")}, {"at", storage::rfc3339_utc(leaf.at("at_us").get<std::int64_t>())}};
  for (const char* member : {"kind", "user", "project", "pacs", "request"})
    if (leaf.at(member) != "") item[member] = leaf.at(member);
  item["details"] = leaf.at("details");
  return item;
}

/// Names of all that was committed to; the value is null when it was erased.
result<json> identifiers_of(const row_reader& core, const json& leaf) {
  json all = json::object();
  for (const auto& [name, commitment] : leaf.at("commitments").items()) all[name] = nullptr;
  if (all.empty()) return all;
  auto held = storage::read_identifiers(core, leaf.at("seq").get<std::uint64_t>());
  if (!held) return held.error();
  for (const auto& one : *held) all[one.name] = one.value.reveal();
  return all;
}

/// One page while it is gathered.
class journal_page {
 public:
  journal_page(const row_reader& core, const messages::read_journal& asked, row_filter filter, std::size_t limit,
               const listing_budget& budget, const budget_meter::clock& now)
      : core_(core), asked_(asked), filter_(std::move(filter)), limit_(limit), budget_(budget), meter_(budget, now) {}

  /// False when the page is full; then the entry belongs to the next one.
  bool take(std::uint64_t sequence, std::string_view text) {
    if (count_ == limit_ || !meter_.visit()) return false;
    const auto leaf = json::parse(text, nullptr, /*allow_exceptions=*/false);
    try {
      auto item = item_of(leaf);
      if (filter_.accepts(item) && !add(std::move(item), leaf)) return false;
    } catch (const json::exception&) {
      problem_ = broken_entry(sequence);
      return false;
    }
    last_ = sequence;
    return true;
  }

  result<std::string> finish(std::uint64_t size, bool more) const {
    if (problem_) return *problem_;
    auto answer = "{\"entries\":[" + items_ + "],\"size\":" + std::to_string(size);
    if (more) answer += ",\"next\":" + dump(spell_cursor(cursor_guard, last_));
    return answer + "}";
  }

 private:
  bool add(json item, const json& leaf) {
    if (asked_.identifiers) {
      auto named = identifiers_of(core_, leaf);
      if (!named) {
        problem_ = named.error();
        return false;
      }
      if (!named->empty()) item["identifiers"] = std::move(*named);
    }
    const auto text = dump(item);
    if (count_ > 0 && items_.size() + text.size() > budget_.page_bytes) return false;
    items_ += (count_ > 0 ? "," : "") + text;
    ++count_;
    return true;
  }

  const row_reader& core_;
  const messages::read_journal& asked_;
  row_filter filter_;
  std::size_t limit_;
  listing_budget budget_;
  budget_meter meter_;
  std::string items_;
  std::size_t count_ = 0;
  std::uint64_t last_ = 0;
  std::optional<messages::failure> problem_;
};

/// The newest entry that the page may show.
result<std::uint64_t> begin_of(const std::string& cursor, std::uint64_t size) {
  if (cursor.empty()) return size;
  auto position = read_cursor(cursor_guard, cursor);
  if (!position) return position.error();
  if (!position->is_number_unsigned() || *position == 0)
    return fail(errc::bad_request, "cursor: not one that this listing gave");
  return position->get<std::uint64_t>() - 1;
}

json hex_of(const std::vector<storage::tree_hash>& hashes) {
  auto all = json::array();
  for (const auto& one : hashes) all.push_back(storage::to_hex(one));
  return all;
}

/// The entry's text, when it is there for whoever asks: what is not theirs and what is not there look alike.
result<std::string> leaf_for(const row_reader& core, const messages::prove_entry& asked) {
  const auto none = fail(errc::not_found, "seq: no such entry");
  auto entries = storage::read_entries(core, asked.sequence, 1);
  if (!entries) return entries.error();
  if (entries->empty() || entries->front().sequence != asked.sequence) return none;
  auto& text = entries->front().leaf;
  const auto leaf = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!leaf.is_object()) return broken_entry(asked.sequence);
  const bool is_own = !asked.user.empty() && leaf.value("user", "") == asked.user;
  if (!asked.is_auditor && !is_own) return none;
  return std::move(text);
}

result<void> put_inclusion(const row_reader& core, const messages::prove_entry& asked, std::uint64_t size, json& into) {
  auto leaf = leaf_for(core, asked);
  if (!leaf) return leaf.error();
  if (asked.sequence > size) return fail(errc::bad_request, "seq: the entry is newer than a tree of this size");
  auto inclusion = storage::inclusion_proof(asked.sequence - 1, size, storage::node_getter(core));
  if (!inclusion) return inclusion.error();
  into["seq"] = asked.sequence;
  into["leaf"] = std::move(*leaf);
  into["inclusion"] = hex_of(*inclusion);
  return {};
}

}  // namespace

result<std::string> list_journal(const row_reader& core, const messages::read_journal& asked,
                                 const listing_budget& budget, const budget_meter::clock& now) {
  auto filter = row_filter::parse(asked.page.filter, entry_fields);
  if (!filter) return filter.error();
  auto limit = page_limit(asked.page.limit);
  if (!limit) return limit.error();
  auto head = storage::read_head(core);
  if (!head) return head.error();
  auto newest = begin_of(asked.page.cursor, head->size);
  if (!newest) return newest.error();
  journal_page page{core, asked, std::move(*filter), *limit, budget, now};
  bool more = false;
  if (*newest > 0) {
    const storage::row_range range{.from = storage::journal_keys::number(*newest), .backwards = true};
    auto end = core.scan(storage::column::entries, range, [&](std::string_view key, std::string_view leaf) {
      const auto sequence = storage::journal_keys::number_at_end(key);
      if (sequence <= asked.after) return false;
      more = !page.take(sequence, leaf);
      return !more;
    });
    if (!end) return end.error();
  }
  return page.finish(head->size, more);
}

result<std::string> prove(const row_reader& core, const messages::prove_entry& asked) {
  auto head = storage::read_head(core);
  if (!head) return head.error();
  const auto size = asked.size == 0 ? head->size : asked.size;
  if (size > head->size) return fail(errc::bad_request, "size: the journal has fewer entries");
  if (asked.old_size > size) return fail(errc::bad_request, "old_size: larger than the tree");
  const auto node = storage::node_getter(core);
  auto root = storage::root_at(size, node);
  if (!root) return root.error();
  json answer{{"size", size}, {"root", storage::to_hex(*root)}};
  if (asked.sequence > 0)
    if (auto put = put_inclusion(core, asked, size, answer); !put) return put.error();
  if (asked.old_size > 0) {
    auto consistency = storage::consistency_proof(asked.old_size, size, node);
    if (!consistency) return consistency.error();
    answer["old_size"] = asked.old_size;
    answer["consistency"] = hex_of(*consistency);
  }
  return dump(answer);
}

result<std::string> checkpoint_of(const row_reader& core, const storage::checkpoint_signer& signer) {
  auto head = storage::read_head(core);
  if (!head) return head.error();
  return dump({{"checkpoint", signer.sign(head->size, head->root)},
               {"key", signer.verifier_key()},
               {"size", head->size},
               {"at", storage::rfc3339_utc(head->at_us)}});
}

}  // namespace penstock::actors
