#pragma once
// From "this user may take these studies out" to an offer on the data socket: puts the objects into DICOM order and
// writes the manifest (WIRE.md, "The data socket"); once that is recorded, offers them and issues the ticket.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
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

/// What tells the pack's bytes of one object from any other's, as far as the file system knows: inode and time of last
/// change of a pack that is never written again. Empty when the pack is not there. Not the device: its number may be
/// another one after a reboot.
using pack_stamp = std::function<std::string(const std::string& pack)>;
[[nodiscard]] std::string stamp_of_file(const std::string& pack);

/// An offer, and what of it is recorded before it is made: the studies that it holds something of, in order.
struct prepared_download {
  download_offer offer;
  std::vector<messages::sealed_study> studies;
};

/// Pure but for `stamp`. Objects are numbered from 1: studies as given, then SeriesNumber, InstanceNumber, UID. An
/// instance that was authorised and not located, or cannot be read, has its line with "error" in the manifest and no
/// bytes. The same plan over the same packs gives the same offer, byte for byte, also after a restart.
[[nodiscard]] prepared_download prepare_download(const download_plan& plan, const pack_stamp& stamp = stamp_of_file);

struct download_desk_options {
  std::string data_endpoint;  ///< as clients are to reach it
  std::function<std::int64_t()> utc_us;
};

/// What the desk needs of the download gateway.
struct download_outlets {
  std::function<messages::result<void>(download_offer)> offer;
  std::function<void(const std::string& download)> withdraw;
  /// Withdraws what the predicate says no to.
  std::function<void(const std::function<bool(const std::string& user, const std::string& project)>&)> withdraw_unless;
};

/// A session that the gateway has ended, on its way to the project's queue.
struct ended_download {
  std::string project;
  messages::download_ended what;
};

/// Any thread.
class download_desk {
 public:
  /// `tickets` must outlive the desk.
  download_desk(download_desk_options options, download_tickets& tickets, download_outlets outlets);

  /// Makes the offer and issues the ticket. errc::too_large, rate_limited.
  [[nodiscard]] messages::result<download_opened> open(prepared_download prepared);

  void withdraw(const std::string& download) { outlets_.withdraw(download); }
  /// Withdraws the downloads of whoever may not open them any more: no member, approval or training over, a key taken
  /// away. Whoever still has a key that counts resumes.
  /// What is under way of `changed` projects is withdrawn too: their clients go on with what is still theirs.
  void judge_again(const conf::rules& rules, std::chrono::year_month_day today,
                   const std::set<std::string>& changed = {});

  void session_ended(ended_download ended);
  [[nodiscard]] std::vector<ended_download> take_ended();

 private:
  [[nodiscard]] std::set<std::string> users_who_lost_a_key(const conf::rules& rules);

  download_desk_options options_;
  download_tickets& tickets_;
  download_outlets outlets_;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> keys_;  ///< by user, as the last rules had them
  std::vector<ended_download> ended_;
};

}  // namespace penstock::gateways
