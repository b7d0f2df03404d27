#pragma once
// CRC32C (Castagnoli, RFC 3720 appendix B.4): in hardware where the processor has it, else by table.

#include <cstddef>
#include <cstdint>
#include <span>

namespace penstock::storage {

/// The checksum of what came before, whose checksum is `before`, followed by `bytes`. The checksum of nothing is 0.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0);

/// The same by table, for processors without the instruction and for the test that compares the two.
[[nodiscard]] std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t before = 0);

}  // namespace penstock::storage
