#pragma once
// Compares a shard's catalogue with its packs, both ways, a little at a time: every row has its bytes, of the right
// checksum and SHA-256; every pack and every record in it has its row. Blocks on the disk. No actor.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "actors/study_settlement.hpp"
#include "messages/cache_check.hpp"
#include "messages/result.hpp"

namespace penstock::actors {

class shard_check {
 public:
  /// So many findings end a part early.
  static constexpr std::size_t most_findings_of_a_part = 200;

  /// Goes on until `time_is_up`, asked after each instance and each pack, or until all was seen. With `repair`, what is
  /// damaged is served no more, what is gone is forgotten, and what has no row gets it. Damaged is what fails a check;
  /// what the disk does not give is told and left as it is. errc::corrupt when the catalogue itself is damaged.
  [[nodiscard]] messages::result<messages::cache_examined> next_part(shard_storage& shard, bool repair,
                                                                     const std::function<bool()>& time_is_up);

  [[nodiscard]] bool is_over() const { return phase_ == phase::over; }

 private:
  enum class phase { rows, packs, over };
  struct part;

  [[nodiscard]] messages::result<void> examine_next_study(part& of);
  [[nodiscard]] messages::result<void> examine_study(part& of, const storage::catalogued_study& study);
  [[nodiscard]] messages::result<void> examine_pack(part& of, const storage::catalogued_pack& pack,
                                                    const std::vector<storage::catalogued_instance>& rows);
  [[nodiscard]] messages::result<void> examine_bytes(part& of, const std::string& path,
                                                     const std::vector<storage::catalogued_instance>& mine,
                                                     storage::pack_contents& contents);
  [[nodiscard]] messages::result<void> condemn_or_tell(part& of, const storage::catalogued_pack& pack,
                                                       std::uint64_t instances, const messages::failure& problem);
  [[nodiscard]] messages::result<void> examine_records(part& of, const storage::catalogued_pack& pack,
                                                       const std::vector<storage::catalogued_instance>& rows,
                                                       const storage::pack_contents& contents);
  [[nodiscard]] messages::result<void> examine_next_pack(part& of);
  [[nodiscard]] messages::result<void> examine_unlisted(part& of, const shelved_pack& pack);

  phase phase_ = phase::rows;
  storage::catalogued_study study_;    ///< the last that was begun
  bool in_study_ = false;              ///< and that is not through
  std::set<std::string> packs_done_;   ///< of it
  std::size_t rows_done_ = 0;          ///< of the pack in hand
  std::set<std::string> listed_;       ///< packs that have rows
  std::vector<shelved_pack> shelved_;  ///< still to be compared
};

}  // namespace penstock::actors
