#pragma once
// A key file: 32 random bytes that open downloads, in a file for its owner only. SEALED_STREAM.md, "Wrapped keys".

#include <filesystem>

#include "messages/result.hpp"
#include "storage/secret_bytes.hpp"

namespace penstock::storage {

/// Makes a new key file, readable by its owner only; never replaces one (errc::conflict).
[[nodiscard]] messages::result<void> create_key_file(const std::filesystem::path& path);
/// errc::not_found, io_error; errc::bad_configuration when it is not a key file, or others may read it.
[[nodiscard]] messages::result<secret_bytes> load_key_file(const std::filesystem::path& path);

}  // namespace penstock::storage
