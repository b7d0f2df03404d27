#include "tools/client/journal_proof.hpp"

#include <algorithm>
#include <vector>

#include "storage/digest.hpp"
#include "storage/merkle_tree.hpp"
#include "storage/utc_time.hpp"

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;
using storage::tree_hash;

messages::failure refuted(const char* why) { return fail(errc::authentication_failed, why); }

/// At most one a level of a tree of 64 levels, and one more.
constexpr std::size_t most_hashes = 65;

result<std::vector<tree_hash>> hashes_in(const json& proof, const char* member) {
  const auto bad = fail(errc::bad_request, std::string{"proof: "} + member + ": expected hashes in hex");
  const auto listed = proof.find(member);
  if (listed == proof.end() || !listed->is_array() || listed->size() > most_hashes) return bad;
  std::vector<tree_hash> hashes;
  for (const auto& one : *listed) {
    const auto bytes = one.is_string() ? storage::from_hex(one.get<std::string>(), sizeof(tree_hash)) : std::nullopt;
    if (!bytes) return bad;
    std::copy(bytes->begin(), bytes->end(), hashes.emplace_back().begin());
  }
  return hashes;
}

std::string text_of(const json& from, const char* member) {
  const auto found = from.find(member);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace

result<storage::tree_head> head_in(const json& checkpoint) {
  const auto key = text_of(checkpoint, "key");
  if (auto named = storage::check_name(key); !named) return named.error();
  return storage::open_checkpoint(text_of(checkpoint, "checkpoint"), key);
}

result<storage::tree_head> kept_head(std::string_view kept, const json& checkpoint) {
  const auto key = text_of(checkpoint, "key");
  if (auto named = storage::check_name(key); !named) return named.error();
  return storage::open_checkpoint(kept, key);
}

result<void> check_inclusion(const json& proof, std::uint64_t sequence, const storage::tree_head& head) {
  const auto hashes = hashes_in(proof, "inclusion");
  if (!hashes) return hashes.error();
  const auto leaf = text_of(proof, "leaf");
  const auto entry = json::parse(leaf, nullptr, /*allow_exceptions=*/false);
  if (!entry.is_object() || entry.value("seq", std::uint64_t{0}) != sequence)
    return refuted("the proof is of another entry");
  if (sequence == 0 || sequence > head.size ||
      !storage::verify_inclusion(storage::hash_of_leaf(leaf), sequence - 1, head.size, *hashes, head.root))
    return refuted("the entry is not in the tree that the checkpoint has signed");
  return {};
}

result<void> check_consistency(const json& proof, const storage::tree_head& before, const storage::tree_head& head) {
  if (before.origin != head.origin) return refuted("the checkpoints are of two logs");
  if (before.size > head.size) return refuted("the journal has fewer entries than the earlier checkpoint");
  const auto hashes = hashes_in(proof, "consistency");
  if (!hashes) return hashes.error();
  if (storage::verify_consistency(before.size, before.root, head.size, head.root, *hashes)) return {};
  return refuted("what was in the journal has been changed or removed since the earlier checkpoint");
}

result<void> check_listed(const json& entry, const json& proof) {
  const auto leaf = json::parse(text_of(proof, "leaf"), nullptr, /*allow_exceptions=*/false);
  const auto other = refuted("the entry that is listed says something else than the one that is proven");
  if (!leaf.is_object() || !entry.is_object()) return other;
  for (const char* member : {"kind", "user", "project", "pacs", "request"})
    if (text_of(entry, member) != text_of(leaf, member)) return other;
  const auto at_us = leaf.find("at_us");
  if (at_us == leaf.end() || !at_us->is_number_integer() ||
      text_of(entry, "at") != storage::rfc3339_utc(at_us->get<std::int64_t>()))
    return other;
  if (entry.value("details", json::object()) != leaf.value("details", json::object())) return other;
  return {};
}

}  // namespace penstock::client
