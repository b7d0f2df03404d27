#pragma once
// From "this user may take these studies out" to an offer on the data socket: puts the objects into DICOM order, writes
// the manifest (WIRE.md, "The data socket"), offers them and issues the ticket.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "conf/rules.hpp"
#include "gateways/download_offer.hpp"
#include "gateways/download_tickets.hpp"
#include "messages/commands.hpp"
#include "messages/holdings.hpp"
#include "messages/result.hpp"
#include "storage/secret_bytes.hpp"

namespace penstock::gateways {

/// One study of a download, as authorised and as the shard located it.
struct download_study {
  messages::download_part part;
  std::vector<messages::located_object> objects;
};

struct download_plan {
  std::string download;
  std::string project;
  std::string user;
  std::shared_ptr<const storage::secret_bytes> key;
  std::vector<download_study> studies;      ///< in the order in which they were asked for
  std::vector<messages::dicom_uid> series;  ///< when not empty: only objects of these series
};

/// The "ok" object of `download.open`. Holds secrets: never logged, never remembered.
struct download_opened {
  std::string download;
  std::string data_endpoint;
  std::string ticket;
  std::string secret;
  std::string key;  ///< base64
  std::uint32_t segment_bytes = 0;
  std::uint64_t objects = 0;  ///< with the manifest
  std::uint64_t bytes = 0;    ///< sealed, all objects
  std::int64_t expires_us = 0;
};

/// What tells the pack's bytes of one object from any other's, as far as the file system knows: device, inode and time
/// of last change of a pack that is never written again. Empty when the pack is not there.
using pack_stamp = std::function<std::string(const std::string& pack)>;
[[nodiscard]] std::string stamp_of_file(const std::string& pack);

/// Pure but for `stamp`. Objects are numbered from 1: studies as given, then SeriesNumber, InstanceNumber, UID. An
/// instance that was authorised and not located, or cannot be read, has its line with "error" in the manifest and no
/// bytes.
[[nodiscard]] download_offer offer_of(const download_plan& plan, const pack_stamp& stamp);

struct download_desk_options {
  std::string data_endpoint;  ///< as clients are to reach it
  std::function<std::int64_t()> utc_us;
};

/// Any thread.
class download_desk {
 public:
  using offer_function = std::function<messages::result<void>(download_offer)>;
  using withdraw_function = std::function<void(const std::string& download)>;

  /// `tickets` must outlive the desk. `offer` and `withdraw` are those of the download gateway.
  download_desk(download_desk_options options, download_tickets& tickets, offer_function offer,
                withdraw_function withdraw);

  /// errc::too_large, rate_limited.
  [[nodiscard]] messages::result<download_opened> open(const download_plan& plan);

  /// Ends the downloads of users who are no longer members of their project.
  void rules_changed(const conf::rules& rules);

 private:
  struct taken_out {
    std::string project;
    std::string user;
    std::int64_t at_us = 0;
  };
  void remember(const download_plan& plan, std::int64_t now_us);

  download_desk_options options_;
  download_tickets& tickets_;
  offer_function offer_;
  withdraw_function withdraw_;
  std::mutex mutex_;
  std::map<std::string, taken_out, std::less<>> open_;
};

}  // namespace penstock::gateways
