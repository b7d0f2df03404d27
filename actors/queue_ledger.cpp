#include "actors/queue_ledger.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "actors/request_machine.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {

using namespace messages;
namespace keys = storage::keys;
using storage::column;

namespace {

constexpr std::size_t number_digits = 16;

std::uint64_t number_at_end(std::string_view key) {
  std::uint64_t number = 0;
  const auto digits = key.substr(key.size() - number_digits);
  std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return number;
}

/// "/RANK/TURN/NUMBER" ends a key of the waiting order.
constexpr std::size_t order_characters = 2 + 2 * (1 + number_digits);

/// ".../PACS/RANK/TURN/NUMBER" of a key of the waiting order.
std::string pacs_of_waiting_key(std::string_view key) {
  key.remove_suffix(order_characters);
  return std::string{key.substr(key.rfind('/') + 1)};
}

/// Requests of different priority are in different lines: none is let in front for the sake of another.
std::string line_of(const request_row& row) { return row.pacs + "/" + std::string{name_of(row.priority)}; }

}  // namespace

queue_ledger::place queue_ledger::place_of(const request_row& row) {
  return {2 - static_cast<int>(row.priority), row.turn, row.number};
}

result<std::vector<request_row>> queue_ledger::load() {
  auto kept = storage::read_row<project_counters>(*core_, keys::counters(project_), "project counters");
  if (!kept) return kept.error();
  if (*kept) counters = **kept;
  auto order = core_->scan(column::rows, {.prefix = keys::waiting_of(project_)}, [&](std::string_view key, auto) {
    ++lines_[pacs_of_waiting_key(key)].count;
    return true;
  });
  if (!order) return order.error();
  auto held = storage::read_rows<holding_row>(*core_, {.prefix = keys::holdings_of(project_)}, "holding",
                                              [&](std::string_view, holding_row&& row) {
                                                holding_changed(nullptr, &row);
                                                return true;
                                              });
  if (!held) return held.error();
  std::vector<std::uint64_t> numbers;
  auto running = core_->scan(column::rows, {.prefix = keys::processing_of(project_)}, [&](std::string_view key, auto) {
    numbers.push_back(number_at_end(key));
    return true;
  });
  if (!running) return running.error();
  std::vector<request_row> rows;
  for (const auto number : numbers) {
    auto row = find(number);
    if (!row) return row.error();
    if (!*row) continue;
    reserve(**row);
    rows.push_back(std::move(**row));
  }
  return rows;
}

result<std::optional<request_row>> queue_ledger::find(std::uint64_t number) const {
  return storage::read_row<request_row>(*core_, keys::request(project_, number), "request");
}

result<std::optional<request_row>> queue_ledger::open_request(const std::string& pacs, const dicom_uid& study) const {
  auto found = core_->get(column::rows, keys::request_for(project_, pacs, study));
  if (!found) return found.error();
  if (!*found) return std::optional<request_row>{};
  auto row = find(std::strtoull((*found)->c_str(), nullptr, 10));
  if (!row || !*row || is_terminal((*row)->state)) return row ? result<std::optional<request_row>>{std::nullopt} : row;
  return row;
}

void queue_ledger::committed(const request_row& row, bool was_waiting, std::int64_t now_us) {
  auto& of = lines_[row.pacs];
  const bool waits = row.state == request_state::scheduled;
  if (was_waiting) drop(row);
  if (was_waiting && !waits) --of.count;
  if (!was_waiting && waits) ++of.count;
  if (waits) keep(row, now_us);
  release(row.number);
  if (row.state == request_state::processing) reserve(row);
}

void queue_ledger::moved(const request_row& before, const request_row& after, std::int64_t now_us) {
  drop(before);
  keep(after, now_us);
}

std::uint64_t queue_ledger::number_of_waiting_key(std::string_view key) { return number_at_end(key); }

void queue_ledger::reserve(const request_row& row) {
  release(row.number);
  reservations_[row.number] = row.estimated_bytes;
  reserved_bytes_ += row.estimated_bytes;
}

void queue_ledger::release(std::uint64_t number) {
  const auto reserved = reservations_.find(number);
  if (reserved == reservations_.end()) return;
  reserved_bytes_ -= reserved->second;
  reservations_.erase(reserved);
}

void queue_ledger::drop(const request_row& row) {
  lines_[row.pacs].heads.erase(place_of(row));
  std::erase_if(parked_, [&](const auto& each) { return each.second.number == row.number; });
}

void queue_ledger::keep(const request_row& row, std::int64_t now_us) {
  auto& of = lines_[row.pacs];
  const auto where = place_of(row);
  if (row.not_before_us > now_us) {
    parked_.insert({row.not_before_us, {row.pacs, row.number}});
    return;
  }
  // Beyond what was read from the disk: it will be read when its turn comes near.
  if (of.more_on_disk && (!of.read_up_to || *of.read_up_to < where)) return;
  of.heads.insert_or_assign(where, row);
  trim(of);
}

void queue_ledger::trim(line& of) {
  if (of.heads.size() <= 2 * most_heads) return;
  while (of.heads.size() > most_heads) of.heads.erase(std::prev(of.heads.end()));
  // A retry that came back may stand far beyond what was read: what lies before it is still to be read.
  const auto last = of.heads.rbegin()->first;
  if (!of.more_on_disk || (of.read_up_to && last < *of.read_up_to)) of.read_up_to = last;
  of.more_on_disk = true;
}

result<void> queue_ledger::read_more(const std::string& pacs, line& of, std::int64_t now_us) {
  const auto prefix = keys::waiting_at(project_, pacs);
  storage::row_range range{.prefix = prefix, .limit = most_heads};
  if (of.read_up_to)
    range.from = prefix + std::to_string(of.read_up_to->rank) + "/" + keys::sortable(of.read_up_to->turn) + "/" +
                 keys::sortable(of.read_up_to->number) + '\0';
  std::vector<place> places;
  auto end = core_->scan(column::rows, range, [&](std::string_view key, auto) {
    const auto turn = key.substr(0, key.size() - number_digits - 1);
    places.push_back({key[prefix.size()] - '0', number_at_end(turn), number_at_end(key)});
    return true;
  });
  if (!end) return end.error();
  of.more_on_disk = end->more;
  for (const auto& where : places) {
    auto row = find(where.number);
    if (!row) return row.error();
    of.read_up_to = where;
    if (!*row || (*row)->state != request_state::scheduled) continue;
    if ((*row)->not_before_us > now_us)
      parked_.insert({(*row)->not_before_us, {pacs, where.number}});
    else
      of.heads.insert_or_assign(where, std::move(**row));
  }
  return {};
}

result<void> queue_ledger::unpark(std::int64_t now_us) {
  while (!parked_.empty() && parked_.begin()->first <= now_us) {
    const auto due = parked_.begin()->second;
    parked_.erase(parked_.begin());
    auto row = find(due.number);
    if (!row) return row.error();
    if (*row && (*row)->state == request_state::scheduled) {
      auto& of = lines_[due.pacs];
      of.heads.insert_or_assign(place_of(**row), std::move(**row));
      trim(of);
    }
  }
  return {};
}

result<std::vector<const request_row*>> queue_ledger::heads(const std::string& pacs, std::int64_t now_us) {
  if (auto due = unpark(now_us); !due) return due.error();
  auto& of = lines_[pacs];
  // A retry that came back may stand behind what is still on the disk: until that is read, it is not its turn.
  const auto end_of_turn = [&of] {
    if (!of.more_on_disk) return of.heads.end();
    return of.read_up_to ? of.heads.upper_bound(*of.read_up_to) : of.heads.begin();
  };
  if (of.more_on_disk && std::distance(of.heads.begin(), end_of_turn()) < std::ptrdiff_t{most_heads / 2})
    if (auto more = read_more(pacs, of, now_us); !more) return more.error();
  std::vector<const request_row*> free;
  const auto end = end_of_turn();
  for (auto each = of.heads.begin(); each != end && free.size() < most_heads; ++each)
    if (!busy_.contains(each->second.number)) free.push_back(&each->second);
  return free;
}

void queue_ledger::set_busy(std::uint64_t number, bool busy) {
  if (busy)
    busy_.insert(number);
  else
    busy_.erase(number);
}

std::uint64_t queue_ledger::waiting_count(const std::string& pacs) const {
  const auto found = lines_.find(pacs);
  return found == lines_.end() ? 0 : found->second.count;
}

std::vector<std::string> queue_ledger::pacs_with_work() const {
  std::vector<std::string> names;
  for (const auto& [pacs, of] : lines_) names.push_back(pacs);
  return names;
}

std::int64_t queue_ledger::next_retry_us() const { return parked_.empty() ? 0 : parked_.begin()->first; }

result<std::optional<holding_row>> queue_ledger::holding(const std::string& pacs, const dicom_uid& study) const {
  return storage::read_row<holding_row>(*core_, keys::holding(project_, pacs, study), "holding");
}

void queue_ledger::holding_changed(const holding_row* before, const holding_row* after) {
  if (before) {
    used_bytes_ -= std::min(used_bytes_, before->bytes);
    studies_held_ -= std::min<std::uint64_t>(studies_held_, 1);
  }
  if (after) {
    used_bytes_ += after->bytes;
    ++studies_held_;
  }
}

quota_facts queue_ledger::quota(std::uint64_t quota_bytes, std::uint64_t estimate) const {
  return {quota_bytes, used_bytes_, reserved_bytes_, estimate};
}

std::uint64_t queue_ledger::estimate_bytes(const std::string& modality, std::uint64_t instances) const {
  const auto found = counters.weights.find(modality);
  if (found == counters.weights.end() || found->second.instances == 0) return instances * default_instance_bytes;
  return instances * (found->second.bytes / found->second.instances);
}

void queue_ledger::take_turn(request_row& row) {
  auto& turns = counters.turns[line_of(row)];
  std::erase_if(turns.last_of_user, [&](const auto& each) { return each.second <= turns.started; });
  auto& last = turns.last_of_user[row.user];
  last = std::max(last, turns.started) + 1;
  row.turn = last;
}

void queue_ledger::turn_started(const request_row& row) {
  auto& started = counters.turns[line_of(row)].started;
  started = std::max(started, row.turn);
}

state_row queue_ledger::counters_row() const { return storage::put_row(keys::counters(project_), counters); }

}  // namespace penstock::actors
