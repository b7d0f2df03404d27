#include "storage/merkle_tree.hpp"

#include <bit>
#include <optional>
#include <string>

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::result;

namespace {

using hashes = std::vector<tree_hash>;

/// The largest power of two below `size`, as its exponent; size > 1. Section 2.1 splits a tree there.
unsigned split_level(std::uint64_t size) { return static_cast<unsigned>(std::bit_width(size - 1)) - 1; }

/// Root of the `count` leaves from `first` on, where `first` is a multiple of the split of any tree that holds them.
result<tree_hash> subtree_root(std::uint64_t first, std::uint64_t count, const tree_node_getter& node) {
  if (std::has_single_bit(count)) {
    const auto level = static_cast<std::uint8_t>(std::countr_zero(count));
    return node({level, first >> level});
  }
  const auto left_count = std::uint64_t{1} << split_level(count);
  auto left = subtree_root(first, left_count, node);
  if (!left) return left;
  auto right = subtree_root(first + left_count, count - left_count, node);
  if (!right) return right;
  return hash_of_children(*left, *right);
}

/// Folds the roots of complete subtrees, largest first, into the root over all of them.
tree_hash fold(const hashes& edge) {
  auto root = edge.back();
  for (auto left = edge.rbegin() + 1; left != edge.rend(); ++left) root = hash_of_children(*left, root);
  return root;
}

}  // namespace

tree_hash hash_of_leaf(std::string_view text) { return sha256(std::string_view{"\x00", 1}, text); }

tree_hash hash_of_children(const tree_hash& left, const tree_hash& right) {
  return sha256("\x01", as_text(left), as_text(right));
}

tree_hash empty_tree_root() { return sha256({}); }

result<merkle_tree> merkle_tree::load(std::uint64_t size, const tree_node_getter& node) {
  merkle_tree tree;
  tree.size_ = size;
  std::uint64_t first = 0;
  while (first < size) {
    const auto level = static_cast<std::uint8_t>(std::bit_width(size - first) - 1);
    auto hash = node({level, first >> level});
    if (!hash) return hash.error();
    tree.edge_.push_back(*hash);
    first += std::uint64_t{1} << level;
  }
  return tree;
}

void merkle_tree::append(const tree_hash& leaf, const tree_node_visitor& completed) {
  completed({0, size_}, leaf);
  edge_.push_back(leaf);
  ++size_;
  for (std::uint8_t level = 1; level <= std::countr_zero(size_); ++level) {
    const auto right = edge_.back();
    edge_.pop_back();
    edge_.back() = hash_of_children(edge_.back(), right);
    completed({level, (size_ >> level) - 1}, edge_.back());
  }
}

tree_hash merkle_tree::root() const { return edge_.empty() ? empty_tree_root() : fold(edge_); }

result<tree_hash> root_at(std::uint64_t size, const tree_node_getter& node) {
  auto tree = merkle_tree::load(size, node);
  if (!tree) return tree.error();
  return tree->root();
}

result<hashes> inclusion_proof(std::uint64_t index, std::uint64_t size, const tree_node_getter& node) {
  if (index >= size) return fail(errc::bad_request, "inclusion proof: the tree has no such leaf");
  hashes from_root;
  std::uint64_t first = 0;
  std::uint64_t count = size;
  while (count > 1) {
    const auto left_count = std::uint64_t{1} << split_level(count);
    const bool goes_left = index - first < left_count;
    auto sibling =
        goes_left ? subtree_root(first + left_count, count - left_count, node) : subtree_root(first, left_count, node);
    if (!sibling) return sibling.error();
    from_root.push_back(*sibling);
    if (!goes_left) first += left_count;
    count = goes_left ? left_count : count - left_count;
  }
  return hashes(from_root.rbegin(), from_root.rend());
}

result<hashes> consistency_proof(std::uint64_t old_size, std::uint64_t size, const tree_node_getter& node) {
  if (old_size > size) return fail(errc::bad_request, "consistency proof: the tree was never that large");
  if (old_size == 0 || old_size == size) return hashes{};
  hashes from_root;
  std::uint64_t first = 0;
  std::uint64_t count = size;
  std::uint64_t old_count = old_size;  // of the old tree's leaves, those within [first, first + count)
  while (old_count != count) {
    const auto left_count = std::uint64_t{1} << split_level(count);
    const bool goes_left = old_count <= left_count;
    auto sibling =
        goes_left ? subtree_root(first + left_count, count - left_count, node) : subtree_root(first, left_count, node);
    if (!sibling) return sibling.error();
    from_root.push_back(*sibling);
    if (!goes_left) {
      first += left_count;
      old_count -= left_count;
    }
    count = goes_left ? left_count : count - left_count;
  }
  if (first != 0) {  // else the old root itself is a node of the path, which the verifier has
    auto whole = subtree_root(first, count, node);
    if (!whole) return whole.error();
    from_root.push_back(*whole);
  }
  return hashes(from_root.rbegin(), from_root.rend());
}

// The verifiers follow RFC 9162 sections 2.1.3.2 and 2.1.4.2, which give the algorithms for the same trees.

bool verify_inclusion(const tree_hash& leaf, std::uint64_t index, std::uint64_t size, const hashes& proof,
                      const tree_hash& root) {
  if (index >= size) return false;
  std::uint64_t at = index;
  std::uint64_t last = size - 1;
  auto hash = leaf;
  for (const auto& sibling : proof) {
    if (last == 0) return false;
    if ((at & 1) != 0 || at == last) {
      hash = hash_of_children(sibling, hash);
      while ((at & 1) == 0 && at != 0) {
        at >>= 1;
        last >>= 1;
      }
    } else {
      hash = hash_of_children(hash, sibling);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

bool verify_consistency(std::uint64_t old_size, const tree_hash& old_root, std::uint64_t size, const tree_hash& root,
                        const hashes& proof) {
  if (old_size > size) return false;
  if (old_size == 0) return proof.empty() && old_root == empty_tree_root();
  if (old_size == size) return proof.empty() && old_root == root;
  std::uint64_t at = old_size - 1;
  std::uint64_t last = size - 1;
  while ((at & 1) != 0) {
    at >>= 1;
    last >>= 1;
  }
  auto next = proof.begin();
  if (at != 0 && next == proof.end()) return false;
  auto old_hash = at == 0 ? old_root : *next++;
  auto hash = old_hash;
  for (; next != proof.end(); ++next) {
    if (last == 0) return false;
    if ((at & 1) != 0 || at == last) {
      old_hash = hash_of_children(*next, old_hash);
      hash = hash_of_children(*next, hash);
      while ((at & 1) == 0 && at != 0) {
        at >>= 1;
        last >>= 1;
      }
    } else {
      hash = hash_of_children(hash, *next);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && old_hash == old_root && hash == root;
}

}  // namespace penstock::storage
