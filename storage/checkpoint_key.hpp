#pragma once
// Where the key that signs checkpoints lies.

#include <filesystem>
#include <memory>

#include "messages/result.hpp"
#include "storage/checkpoint.hpp"

namespace penstock::storage {

/// The key in `file`, which is made, for its owner only, when there is none. Failures as of load_key_file.
[[nodiscard]] messages::result<std::shared_ptr<const checkpoint_signer>> open_checkpoint_key(
    const std::filesystem::path& file);

}  // namespace penstock::storage
