#pragma once
// The Merkle tree of RFC 6962 section 2.1 over the entries of the journal: SHA-256, a leaf is hashed behind the byte
// 0x00, an inner node behind 0x01. Nodes are those of complete subtrees only: they are written once and never change.

#include <compare>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "messages/result.hpp"
#include "storage/digest.hpp"

namespace penstock::storage {

using tree_hash = sha256_digest;

/// The complete subtree over the leaves [index << level, (index + 1) << level). Level 0 is a leaf.
struct tree_position {
  std::uint8_t level = 0;
  std::uint64_t index = 0;
  auto operator<=>(const tree_position&) const = default;
};

/// Reads one node; whoever provides it answers errc::corrupt when the node is missing.
using tree_node_getter = std::function<messages::result<tree_hash>(tree_position)>;
using tree_node_visitor = std::function<void(tree_position, const tree_hash&)>;

[[nodiscard]] tree_hash hash_of_leaf(std::string_view text);
[[nodiscard]] tree_hash hash_of_children(const tree_hash& left, const tree_hash& right);
/// The root of a tree without leaves: SHA-256 of nothing.
[[nodiscard]] tree_hash empty_tree_root();

/// A growing tree: its size and its right edge, which is all that appending needs (at most 64 hashes).
class merkle_tree {
 public:
  merkle_tree() = default;
  /// The tree of `size` leaves, from its stored nodes.
  [[nodiscard]] static messages::result<merkle_tree> load(std::uint64_t size, const tree_node_getter& node);

  /// Adds a leaf and shows each subtree that became complete, the leaf itself first.
  void append(const tree_hash& leaf, const tree_node_visitor& completed);
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] tree_hash root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<tree_hash> edge_;  // roots of the complete subtrees from the left, one for each bit set in size_
};

/// The root when the tree had `size` leaves.
[[nodiscard]] messages::result<tree_hash> root_at(std::uint64_t size, const tree_node_getter& node);
/// PATH(index, D[size]) of section 2.1.1. errc::bad_request unless index < size.
[[nodiscard]] messages::result<std::vector<tree_hash>> inclusion_proof(std::uint64_t index, std::uint64_t size,
                                                                       const tree_node_getter& node);
/// PROOF(old_size, D[size]) of section 2.1.2; empty for 0 and for equal sizes. errc::bad_request unless old_size <=
/// size.
[[nodiscard]] messages::result<std::vector<tree_hash>> consistency_proof(std::uint64_t old_size, std::uint64_t size,
                                                                         const tree_node_getter& node);

[[nodiscard]] bool verify_inclusion(const tree_hash& leaf, std::uint64_t index, std::uint64_t size,
                                    const std::vector<tree_hash>& proof, const tree_hash& root);
/// Anything is consistent with the empty tree.
[[nodiscard]] bool verify_consistency(std::uint64_t old_size, const tree_hash& old_root, std::uint64_t size,
                                      const tree_hash& root, const std::vector<tree_hash>& proof);

}  // namespace penstock::storage
