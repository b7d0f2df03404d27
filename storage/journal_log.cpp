#include "storage/journal_log.hpp"

#include <chrono>
#include <ctime>
#include <fstream>
#include <utility>

#include "storage/codec.hpp"
#include "storage/journal_group.hpp"
#include "storage/journal_keys.hpp"

namespace penstock::storage {

using messages::append_entries;
using messages::errc;
using messages::fail;
using messages::result;

namespace {

/// Answers are up to a megabyte: a look at them must not hold up whoever appends.
constexpr std::size_t most_forgotten_bytes = std::size_t{256} << 10;

std::int64_t boottime_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t utc_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// The stored right edge, the head and the last entry must belong together.
result<merkle_tree> load_tree(const row_reader& core) {
  auto head = read_head(core);
  if (!head) return head.error();
  auto tree = merkle_tree::load(head->size, node_getter(core));
  if (!tree) return tree.error();
  if (tree->root() != head->root)
    return fail(errc::corrupt,
                "journal tree: its nodes do not give the root of " + std::to_string(head->size) + " entries");
  std::uint64_t last = 0;
  tree_hash last_hash{};
  auto end =
      core.scan(column::entries, {.limit = 1, .backwards = true}, [&](std::string_view key, std::string_view leaf) {
        last = journal_keys::number_at_end(key);
        last_hash = hash_of_leaf(leaf);
        return true;
      });
  if (!end) return end.error();
  if (last != head->size)
    return fail(errc::corrupt,
                "journal: the last entry is " + std::to_string(last) + ", the head says " + std::to_string(head->size));
  if (last == 0) return tree;
  auto stored = node_getter(core)({0, last - 1});
  if (!stored) return stored.error();
  if (*stored != last_hash) return fail(errc::corrupt, "journal entry " + std::to_string(last) + " was altered");
  return tree;
}

result<name_counts> load_generations(const row_reader& core) {
  name_counts generations;
  auto end = core.scan(column::meta, {.prefix = std::string{journal_keys::writer_prefix}},
                       [&](std::string_view key, std::string_view value) {
                         key.remove_prefix(journal_keys::writer_prefix.size());
                         generations[std::string{key}] = std::strtoull(std::string{value}.c_str(), nullptr, 10);
                         return true;
                       });
  if (!end) return end.error();
  return generations;
}

}  // namespace

journal_clock system_journal_clock() {
  journal_clock clock{utc_us, boottime_ns, {}};
  std::ifstream{"/proc/sys/kernel/random/boot_id"} >> clock.boot_id;
  return clock;
}

journal_log::journal_log(std::shared_ptr<row_store> core, journal_options options)
    : core_(std::move(core)), options_(std::move(options)) {}

result<journal_log> journal_log::open(std::shared_ptr<row_store> core, journal_options options) {
  journal_log log{std::move(core), std::move(options)};
  auto tree = load_tree(*log.core_);
  if (!tree) return tree.error();
  log.tree_ = std::move(*tree);
  auto generations = load_generations(*log.core_);
  if (!generations) return generations.error();
  log.generations_ = std::move(*generations);
  return log;
}

result<group_committed> journal_log::append(const std::vector<append_entries>& group) {
  return commit_group(group, {});
}

result<group_committed> journal_log::erase_identifiers(const std::vector<std::uint64_t>& sequences,
                                                       const append_entries& record) {
  return commit_group({record}, sequences);
}

result<group_committed> journal_log::commit_group(const std::vector<append_entries>& appends,
                                                  const std::vector<std::uint64_t>& erased) {
  if (auto before = core_->what_failed()) return fail(before->code, "journal append: " + before->context);
  journal_group group{*core_, options_, tree_, generations_, last_events_};
  group_committed committed;
  bool all_accepted = true;
  for (const auto& append : appends) {
    committed.outcomes.push_back(group.add(append));
    all_accepted = all_accepted && committed.outcomes.back().ok();
  }
  if (all_accepted)
    for (const auto sequence : erased) group.erase_side_car(sequence);
  if (group.batch().empty()) return committed;
  group.close();
  if (auto stored = core_->commit(group.batch()); !stored) return stored.error();

  tree_ = group.tree();
  for (const auto& [topic, last] : group.touched_topics()) last_events_[topic] = last;
  committed.events = std::move(group.events());
  return committed;
}

result<std::uint64_t> journal_log::enrol(const std::string& writer) {
  if (writer.empty() || writer.size() > options_.limits.name_bytes)
    return fail(errc::bad_request, "journal: unusable writer name");
  const auto enrolled = generations_.find(writer);
  const auto generation = enrolled == generations_.end() ? std::uint64_t{1} : enrolled->second + 1;
  row_batch batch;
  batch.put(column::meta, journal_keys::writer(writer), std::to_string(generation));
  if (auto stored = core_->commit(batch); !stored) return stored.error();
  generations_[writer] = generation;
  return generation;
}

result<std::size_t> journal_log::forget_operations(std::int64_t before_us, std::size_t limit) {
  row_batch batch;
  std::string last_seen;
  std::size_t bytes = 0;
  const row_range range{.from = forget_cursor_, .prefix = std::string{journal_keys::operation_prefix}, .limit = limit};
  auto end = core_->scan(column::rows, range, [&](std::string_view key, std::string_view value) {
    last_seen = key;
    const auto row = decode<remembered_operation>(value, "remembered operation");
    if (row && row->at_us < before_us) batch.erase(column::rows, std::string{key});
    return (bytes += value.size()) < most_forgotten_bytes;
  });
  if (!end) return end.error();
  forget_cursor_ = end->more ? last_seen + '\0' : std::string{};
  if (batch.empty()) return std::size_t{0};
  if (auto stored = core_->commit(batch); !stored) return stored.error();
  return batch.operations().size();
}

tree_checkpoint journal_log::checkpoint() const { return {tree_.size(), tree_.root(), options_.clock.utc_us()}; }

}  // namespace penstock::storage
