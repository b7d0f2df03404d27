#include "storage/journal_verifier.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "storage/journal_keys.hpp"
#include "storage/journal_leaf.hpp"
#include "storage/journal_reader.hpp"

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::failure;
using messages::result;

namespace {

/// Builds the tree again from the entries, comparing as it goes.
class rebuilder {
 public:
  explicit rebuilder(const row_reader& core) : core_(core), node_(node_getter(core)) {}

  [[nodiscard]] result<void> take(std::string_view key, std::string_view leaf) {
    const auto sequence = tree_.size() + 1;
    if (key != journal_keys::number(sequence)) return at_fault(sequence, "is missing");
    const auto json = nlohmann::json::parse(leaf, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("seq") || json["seq"] != sequence)
      return at_fault(sequence, "does not carry its number");
    std::optional<failure> broken;
    tree_.append(hash_of_leaf(leaf), [&](tree_position at, const tree_hash& hash) {
      if (broken) return;
      auto stored = node_(at);
      if (!stored)
        broken = stored.error();
      else if (*stored != hash)
        broken = at_fault(sequence, "or the tree node above it was altered");
    });
    if (broken) return *broken;
    return check_identifiers(key, leaf);
  }

  [[nodiscard]] const merkle_tree& tree() const { return tree_; }

 private:
  static failure at_fault(std::uint64_t sequence, const std::string& what) {
    return fail(errc::corrupt, "journal entry " + std::to_string(sequence) + " " + what);
  }

  result<void> check_identifiers(std::string_view key, std::string_view leaf) const {
    auto side_car = core_.get(column::side_car, key);
    if (!side_car) return side_car.error();
    if (!side_car->has_value()) return {};
    auto checked = check_side_car(leaf, **side_car);
    if (!checked) return at_fault(tree_.size(), checked.error().context);
    return {};
  }

  const row_reader& core_;
  tree_node_getter node_;
  merkle_tree tree_;
};

}  // namespace

result<verified_journal> verify_journal(const row_reader& core, const std::optional<tree_checkpoint>& fence) {
  auto head = read_head(core);
  if (!head) return head.error();
  rebuilder rebuilt{core};
  result<void> taken;
  auto end = core.scan(column::entries, {}, [&](std::string_view key, std::string_view leaf) {
    taken = rebuilt.take(key, leaf);
    return taken.ok();
  });
  if (!taken) return taken.error();
  if (!end) return end.error();
  const auto root = rebuilt.tree().root();
  if (rebuilt.tree().size() != head->size || root != head->root)
    return fail(errc::corrupt, "journal: " + std::to_string(rebuilt.tree().size()) + " entries with root " +
                                   to_hex(root) + ", the head says " + std::to_string(head->size) + " with " +
                                   to_hex(head->root));
  if (fence)
    if (auto within = check_fence(core, *fence); !within) return within.error();
  return verified_journal{head->size, root};
}

}  // namespace penstock::storage
