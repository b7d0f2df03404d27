#include "storage/merkle_tree.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

namespace penstock::storage {
namespace {

using texts = std::vector<std::string>;

/// The definitions of RFC 6962 section 2.1, word for word, over all leaves at once.
namespace by_definition {

std::size_t split(std::size_t count) {
  std::size_t k = 1;
  while (k * 2 < count) k *= 2;
  return k;
}
texts part(const texts& leaves, std::size_t from, std::size_t to) {
  return {leaves.begin() + static_cast<std::ptrdiff_t>(from), leaves.begin() + static_cast<std::ptrdiff_t>(to)};
}
tree_hash root(const texts& leaves) {
  if (leaves.empty()) return sha256({});
  if (leaves.size() == 1) return sha256(std::string_view{"\0", 1}, leaves[0]);
  const auto k = split(leaves.size());
  const auto left = root(part(leaves, 0, k));
  const auto right = root(part(leaves, k, leaves.size()));
  return sha256("\1", as_text(left), as_text(right));
}
std::vector<tree_hash> path(std::size_t m, const texts& leaves) {
  if (leaves.size() == 1) return {};
  const auto k = split(leaves.size());
  const auto left = part(leaves, 0, k);
  const auto right = part(leaves, k, leaves.size());
  auto proof = m < k ? path(m, left) : path(m - k, right);
  proof.push_back(m < k ? root(right) : root(left));
  return proof;
}
std::vector<tree_hash> subproof(std::size_t m, const texts& leaves, bool whole) {
  if (m == leaves.size()) return whole ? std::vector<tree_hash>{} : std::vector<tree_hash>{root(leaves)};
  const auto k = split(leaves.size());
  const auto left = part(leaves, 0, k);
  const auto right = part(leaves, k, leaves.size());
  auto proof = m <= k ? subproof(m, left, whole) : subproof(m - k, right, false);
  proof.push_back(m <= k ? root(right) : root(left));
  return proof;
}

}  // namespace by_definition

/// A tree whose nodes are kept in memory.
struct grown_tree {
  merkle_tree tree;
  std::map<tree_position, tree_hash> nodes;
  std::vector<tree_hash> roots{empty_tree_root()};

  explicit grown_tree(const texts& leaves) {
    for (const auto& leaf : leaves) {
      tree.append(hash_of_leaf(leaf),
                  [this](tree_position at, const tree_hash& hash) { BOOST_REQUIRE(nodes.emplace(at, hash).second); });
      roots.push_back(tree.root());
    }
  }
  tree_node_getter getter() const {
    return [this](tree_position at) -> messages::result<tree_hash> {
      if (const auto found = nodes.find(at); found != nodes.end()) return found->second;
      return messages::fail(messages::errc::corrupt, "node is missing");
    };
  }
};

texts numbered_leaves(std::size_t count) {
  texts leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back("leaf " + std::to_string(i));
  return leaves;
}

std::string bytes(std::string_view hex) { return *from_hex(hex, hex.size() / 2); }

BOOST_AUTO_TEST_SUITE(merkle_tree_suite)

// The vectors that the reference implementation of Certificate Transparency is tested with.
BOOST_AUTO_TEST_CASE(gives_the_published_roots) {
  const texts leaves{"",
                     bytes("00"),
                     bytes("10"),
                     bytes("2021"),
                     bytes("3031"),
                     bytes("40414243"),
                     bytes("5051525354555657"),
                     bytes("606162636465666768696a6b6c6d6e6f")};
  const texts roots{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  const grown_tree grown{leaves};
  BOOST_REQUIRE_EQUAL(grown.roots.size(), roots.size());
  for (std::size_t size = 0; size < roots.size(); ++size) BOOST_TEST(to_hex(grown.roots[size]) == roots[size]);
}

BOOST_AUTO_TEST_CASE(agrees_with_the_definition_at_every_size) {
  const auto leaves = numbered_leaves(257);
  const grown_tree grown{leaves};
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    const auto expected = by_definition::root(by_definition::part(leaves, 0, size));
    BOOST_REQUIRE(grown.roots[size] == expected);
    BOOST_REQUIRE(root_at(size, grown.getter()).value() == expected);
  }
}

BOOST_AUTO_TEST_CASE(continues_from_stored_nodes) {
  const auto leaves = numbered_leaves(131);
  const grown_tree grown{leaves};
  for (std::size_t size = 0; size < leaves.size(); ++size) {
    auto loaded = merkle_tree::load(size, grown.getter()).value();
    loaded.append(hash_of_leaf(leaves[size]), [](tree_position, const tree_hash&) {});
    BOOST_REQUIRE(loaded.root() == grown.roots[size + 1]);
  }
}

BOOST_AUTO_TEST_CASE(makes_inclusion_proofs_as_defined_and_verifies_them) {
  const auto leaves = numbered_leaves(40);
  const grown_tree grown{leaves};
  for (std::size_t size = 1; size <= leaves.size(); ++size)
    for (std::size_t index = 0; index < size; ++index) {
      const auto proof = inclusion_proof(index, size, grown.getter()).value();
      BOOST_REQUIRE(proof == by_definition::path(index, by_definition::part(leaves, 0, size)));
      BOOST_REQUIRE(verify_inclusion(hash_of_leaf(leaves[index]), index, size, proof, grown.roots[size]));
    }
}

BOOST_AUTO_TEST_CASE(makes_consistency_proofs_as_defined_and_verifies_them) {
  const auto leaves = numbered_leaves(40);
  const grown_tree grown{leaves};
  for (std::size_t size = 1; size <= leaves.size(); ++size)
    for (std::size_t old_size = 0; old_size <= size; ++old_size) {
      const auto proof = consistency_proof(old_size, size, grown.getter()).value();
      if (old_size > 0)
        BOOST_REQUIRE(proof == by_definition::subproof(old_size, by_definition::part(leaves, 0, size), true));
      BOOST_REQUIRE(verify_consistency(old_size, grown.roots[old_size], size, grown.roots[size], proof));
    }
}

BOOST_AUTO_TEST_CASE(refuses_a_proof_of_anything_else) {
  const auto leaves = numbered_leaves(13);
  const grown_tree grown{leaves};
  const auto leaf = hash_of_leaf(leaves[6]);
  const auto proof = inclusion_proof(6, 13, grown.getter()).value();
  BOOST_TEST(!verify_inclusion(leaf, 5, 13, proof, grown.roots[13]));
  BOOST_TEST(!verify_inclusion(leaf, 6, 12, proof, grown.roots[12]));
  BOOST_TEST(!verify_inclusion(leaf, 13, 13, proof, grown.roots[13]));
  BOOST_TEST(!verify_inclusion(hash_of_leaf("leaf 7"), 6, 13, proof, grown.roots[13]));
  for (std::size_t i = 0; i < proof.size(); ++i) {
    auto altered = proof;
    altered[i][31] ^= 1;
    BOOST_TEST(!verify_inclusion(leaf, 6, 13, altered, grown.roots[13]));
    altered = proof;
    altered.erase(altered.begin() + static_cast<std::ptrdiff_t>(i));
    BOOST_TEST(!verify_inclusion(leaf, 6, 13, altered, grown.roots[13]));
  }
  auto longer = proof;
  longer.push_back(grown.roots[1]);
  BOOST_TEST(!verify_inclusion(leaf, 6, 13, longer, grown.roots[13]));
}

BOOST_AUTO_TEST_CASE(refuses_consistency_with_a_tree_that_was_rewritten) {
  const grown_tree grown{numbered_leaves(13)};
  auto rewritten_leaves = numbered_leaves(13);
  rewritten_leaves[2] = "another";
  const grown_tree rewritten{rewritten_leaves};
  for (std::size_t old_size = 3; old_size < 13; ++old_size) {
    const auto proof = consistency_proof(old_size, 13, rewritten.getter()).value();
    BOOST_TEST(!verify_consistency(old_size, grown.roots[old_size], 13, rewritten.roots[13], proof));
    BOOST_TEST(!verify_consistency(old_size, grown.roots[old_size], 13, grown.roots[13], {}));
    auto longer = proof;
    longer.push_back(grown.roots[1]);
    BOOST_TEST(!verify_consistency(old_size, rewritten.roots[old_size], 13, rewritten.roots[13], longer));
  }
  BOOST_TEST(!verify_consistency(13, grown.roots[13], 12, grown.roots[12], {}));
  BOOST_TEST(!verify_consistency(13, grown.roots[13], 13, rewritten.roots[13], {}));
}

BOOST_AUTO_TEST_CASE(refuses_to_prove_what_is_outside_the_tree) {
  const grown_tree grown{numbered_leaves(3)};
  BOOST_TEST(!inclusion_proof(3, 3, grown.getter()).ok());
  BOOST_TEST(!consistency_proof(4, 3, grown.getter()).ok());
  BOOST_TEST(!root_at(4, grown.getter()).ok());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::storage
