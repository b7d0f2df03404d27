#pragma once
// Starts a shard of the cache: packs on the disk and the catalogue that says what is in them. It blocks on the disk, so
// it is detached in a server; tests leave it scheduled.
//
// Under `packs`: `incoming/<stem>-<n>.part` while objects arrive, `settled/<pacs>/<first two digits>/<stem>-<n>.pack`
// afterwards. A stem is 16 random hexadecimal digits; of names that others chose, only the PACS's id of the rules file
// is in a path. The PACS's folder tells whose a pack is when the catalogue must be made again from the packs.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/hosting.hpp"
#include "messages/interfaces.hpp"
#include "storage/file.hpp"

namespace penstock::actors {

/// What shards have to tell of a loss. It waits until it is dealt with, whoever listened and ended meanwhile. Any
/// thread.
class shard_news {
 public:
  using listener = std::function<void(const messages::catalogue_made_again&)>;
  struct item {
    std::uint64_t number = 0;
    messages::catalogue_made_again what;
    bool journaled = false;
  };

  void tell(messages::catalogue_made_again news);
  /// In place of whoever listened before; told at once of what waits.
  void listen(listener to);
  /// The oldest first.
  [[nodiscard]] std::vector<item> waiting() const;
  void journaled(std::uint64_t number);
  void dealt_with(std::uint64_t number);

 private:
  mutable std::mutex mutex_;
  listener to_;
  std::uint64_t last_number_ = 0;
  std::vector<item> waiting_;
};

/// What the lives of one shard tell each other, one life at a time.
struct shard_lives {
  /// Packs, catalogue and claims have been compared at the start of the process; a restart of the actor alone leaves
  /// what is on its way in peace.
  bool reconciled = false;
  /// The catalogue was found damaged by a read: the next life sets it aside.
  bool condemned = false;
  /// It was set aside, and the packs have not been read again to the last one: whichever life does that tells of it.
  std::optional<messages::catalogue_made_again> unfinished;
};

struct cache_shard_options {
  std::uint32_t number = 0;
  std::filesystem::path packs;      ///< made when absent
  std::filesystem::path catalogue;  ///< made when absent; made again from the packs when it is damaged
  std::string node;                 ///< what objects_located says of where the packs are
  /// Does any project hold this study? Asked at the start of the process, from the shard's thread; when in doubt the
  /// answer must be true, because a study without a claim is removed.
  std::function<bool(const std::string& pacs, const messages::dicom_uid& study)> is_claimed;
  std::shared_ptr<shard_lives> lives = std::make_shared<shard_lives>();
  /// Of the journal, since a restore or a cut: that nobody claims a study proves nothing, so it stays, and at the start
  /// of the process the holdings are to be looked at.
  bool claims_may_be_missing = false;
  /// With less room where the packs lie, nothing more is fetched; what arrived settles all the same.
  std::uint64_t min_free_bytes = 0;
  std::shared_ptr<shard_news> news = std::make_shared<shard_news>();
  storage::file_system* files = &storage::posix_files();
};

[[nodiscard]] messages::cache_shard_actor start_cache_shard(caf::actor_system& system, cache_shard_options options,
                                                            custodian::observer on_restart,
                                                            hosting where = hosting::detached);

}  // namespace penstock::actors
