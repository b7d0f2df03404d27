#pragma once
// Reading [[fault]] tables; a part of script.cpp.

#include <vector>

#include "conf/toml_reader.hpp"
#include "tools/pacs/faults.hpp"

namespace penstock::pacs {

[[nodiscard]] std::vector<fault> read_faults(conf::section& top);

/// A DIMSE status, 0 to 0xFFFF.
[[nodiscard]] std::optional<std::uint16_t> read_status(conf::section& from, std::string_view key);

}  // namespace penstock::pacs
