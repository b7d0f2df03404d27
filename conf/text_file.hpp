#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "conf/fault.hpp"

namespace penstock::conf {

/// The whole of a regular file of at most `most_bytes`; otherwise nothing, and a fault that says why.
[[nodiscard]] std::optional<std::string> read_text_file(const std::filesystem::path& file, std::size_t most_bytes,
                                                        std::vector<fault>& faults);

/// `path` as it stands when absolute, else relative to the directory that `file` lies in.
[[nodiscard]] std::filesystem::path beside(const std::filesystem::path& file, const std::filesystem::path& path);

}  // namespace penstock::conf
