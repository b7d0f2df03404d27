#pragma once
// The journal's tree head as a signed text that anybody can keep and check: a checkpoint of C2SP tlog-checkpoint, which
// is a C2SP signed note with an Ed25519 key.

#include <cstdint>
#include <string>
#include <string_view>

#include "messages/result.hpp"
#include "storage/merkle_tree.hpp"
#include "storage/secret_bytes.hpp"

namespace penstock::storage {

/// `origin` names the log, and the key that signs.
struct tree_head {
  std::string origin;
  std::uint64_t size = 0;
  tree_hash root = empty_tree_root();
};

class checkpoint_signer {
 public:
  static constexpr std::size_t seed_bytes = 32;

  /// The log is named after its public key, see log_name.
  explicit checkpoint_signer(const secret_bytes& seed);

  [[nodiscard]] const std::string& origin() const { return origin_; }
  /// As signed notes spell it: NAME+KEY ID+BASE64.
  [[nodiscard]] std::string verifier_key() const;
  [[nodiscard]] std::string sign(std::uint64_t size, const tree_hash& root) const;

 private:
  secret_bytes seed_;
  std::string public_key_;
  std::string origin_;
};

/// "penstock/" and the first 32 hex digits of the key's SHA-256: whoever keeps the name needs not keep the key.
[[nodiscard]] std::string log_name(std::string_view public_key);
/// errc::authentication_failed unless the key is named by log_name.
[[nodiscard]] messages::result<void> check_name(std::string_view verifier_key);

/// What the checkpoint says, once its signature by `verifier_key` is good; errc::authentication_failed when there is
/// none, bad_request when either text is no such thing. Signatures of other keys are passed over.
[[nodiscard]] messages::result<tree_head> open_checkpoint(std::string_view checkpoint, std::string_view verifier_key);

}  // namespace penstock::storage
