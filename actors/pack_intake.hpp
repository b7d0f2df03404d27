#pragma once
// Reads a pack once and says what is in it: each record's bytes are checked, digested and scanned in the same pass,
// through a buffer of fixed size. Blocks on the disk.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/settle_policy.hpp"
#include "messages/result.hpp"
#include "storage/catalogue_rows.hpp"
#include "storage/pack_reader.hpp"

namespace penstock::actors {

/// `records[i]` are the facts about the record that `rows[i]` would catalogue.
struct pack_intake {
  std::vector<arrived_record> records;
  std::vector<storage::catalogued_instance> rows;
};

/// More records than this in what one settlement reads is errc::too_large.
constexpr std::size_t most_records_of_a_study = 200'000;
constexpr std::size_t intake_buffer_bytes = std::size_t{256} << 10;

/// Adds what the pack at `path` holds. `pack_id` and `pacs` go into the rows. A file that is no pack (its writer died
/// before the file header) and a torn tail hold nothing; a record that does not check is listed as unsound. Failures
/// are those of the disk, and errc::too_large.
[[nodiscard]] messages::result<void> take_in(const std::string& path, storage::file_system& files,
                                             const std::string& pacs, const std::string& pack_id, pack_intake& into);

}  // namespace penstock::actors
