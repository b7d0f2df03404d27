#pragma once
// Fetches a download: a ticket from the control socket, the sealed objects from the data socket, again with a new
// ticket when the connection is lost.

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "messages/result.hpp"
#include "tools/client/download_receiver.hpp"
#include "tools/client/session.hpp"

namespace penstock::client {

/// A one-time right to connect to the data socket.
struct data_ticket {
  std::string endpoint;
  std::string ticket;
  secret_text secret;
};

struct opened_download {
  download_facts facts;
  data_ticket ticket;
};

/// Asks `download.open` with `selection`: {"studies": [...]}, {"series": [...]} or {"instances": [...]}. Brings the key
/// along, so that an answer that was lost on the way is given again.
[[nodiscard]] result<opened_download> open_download(session& control, const std::string& project,
                                                    const nlohmann::json& selection);
/// A new ticket for a download whose key is here.
[[nodiscard]] result<opened_download> resume_download(session& control, const std::string& project,
                                                      const std::string& download, const storage::secret_bytes& key);

struct download_progress {
  std::uint64_t objects = 0;
  std::uint64_t objects_total = 0;  ///< without the manifest; 0 until it is here
  std::uint64_t bytes = 0;
  std::uint64_t bytes_total = 0;
};

struct fetch_options {
  std::chrono::milliseconds idle_timeout{30'000};  ///< without a message from the data socket
  std::uint32_t max_attempts = 20;                 ///< in a row that brought nothing: about eight minutes
  std::chrono::milliseconds pause{1000};           ///< before another attempt; doubled each time
  std::chrono::milliseconds longest_pause{30'000};
  std::function<void(const download_progress&)> on_progress = [](const download_progress&) {};
  std::function<void(const messages::failure& why, std::chrono::milliseconds pause)> on_pause =
      [](const messages::failure&, std::chrono::milliseconds) {};
  std::function<bool()> stopped = [] { return false; };
};

/// Receives from where `receiver` is to the end, across lost connections and restarts of the server.
/// errc::shutting_down when `stopped` says so; what has come can be resumed.
[[nodiscard]] result<void> fetch_download(session& control, const std::string& project, opened_download& opened,
                                          download_receiver& receiver, const fetch_options& options);

}  // namespace penstock::client
