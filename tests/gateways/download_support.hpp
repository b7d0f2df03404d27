#pragma once
// A data socket with its ZAP handler on loopback, packs in a scratch folder, and a client, for tests.

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "gateways/download_frames.hpp"
#include "gateways/download_gateway.hpp"
#include "gateways/download_tickets.hpp"
#include "storage/digest.hpp"
#include "storage/sealed_reader.hpp"

namespace penstock::gateways::download_test {

constexpr std::uint32_t segment_bytes = 1024;
constexpr int answer_timeout_ms = 10'000;
constexpr int silence_ms = 150;

/// Answers PLAIN handshakes by redeeming tickets.
class ticket_authority {
 public:
  ticket_authority(zmq::context_t& context, download_tickets& tickets)
      : tickets_(tickets), socket_(context, zmq::socket_type::rep) {
    socket_.bind("inproc://zeromq.zap.01");
    socket_.set(zmq::sockopt::rcvtimeo, 20);
    thread_ = std::thread{[this] { run(); }};
  }
  ~ticket_authority() {
    stopping_ = true;
    thread_.join();
  }

 private:
  void run() {
    while (!stopping_) {
      std::vector<std::string> request;
      for (bool more = true; more;) {
        zmq::message_t frame;
        if (!socket_.recv(frame)) break;
        request.push_back(frame.to_string());
        more = frame.more();
      }
      if (request.size() != 8) continue;
      const auto user = tickets_.redeem(request[6], request[7]);
      const bool ok = !user.empty();
      const std::string answer[] = {"1.0", request[1], ok ? "200" : "400", "", user, ""};
      for (std::size_t i = 0; i < 6; ++i)
        socket_.send(zmq::buffer(answer[i]), i < 5 ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
    socket_.close();
  }

  download_tickets& tickets_;
  zmq::socket_t socket_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

using frames = std::vector<std::string>;

class client {
 public:
  client(zmq::context_t& context, const std::string& endpoint, const download_ticket& ticket)
      : socket_(context, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::reconnect_ivl, -1);
    socket_.set(zmq::sockopt::sndtimeo, silence_ms);  // one that was refused has nobody to send to
    socket_.set(zmq::sockopt::plain_username, ticket.ticket);
    socket_.set(zmq::sockopt::plain_password, ticket.secret);
    socket_.connect(endpoint);
  }

  void send(const frames& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto flags = i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      if (!socket_.send(zmq::buffer(parts[i]), flags)) return;
    }
  }
  void open(const std::string& download) { send({"OPEN", download}); }
  void credit(std::uint32_t messages) { send({"CREDIT", big_endian_32(messages)}); }

  /// The next message, or nothing when none comes in time.
  std::optional<frames> receive(int timeout_ms = answer_timeout_ms) {
    socket_.set(zmq::sockopt::rcvtimeo, timeout_ms);
    frames message;
    for (bool more = true; more;) {
      zmq::message_t frame;
      if (!socket_.recv(frame)) return std::nullopt;
      message.push_back(frame.to_string());
      more = frame.more();
    }
    return message;
  }

 private:
  zmq::socket_t socket_;
};

/// What a client has at the end: sealed bytes by index, and what went wrong.
struct fetched {
  std::map<std::string, std::string> sealed;
  std::map<std::string, std::string> announced;
  std::map<std::string, std::string> failed;
  std::vector<std::string> order;
  std::optional<std::string> closed;
  bool complete = false;
};

/// Receives until END, CLOSED or silence, granting one credit for each message.
inline fetched fetch_all(client& from, std::uint32_t window = 4) {
  fetched got;
  from.credit(window);
  while (auto message = from.receive()) {
    const auto& parts = *message;
    got.order.push_back(parts[0]);
    if (parts[0] == "OBJ") got.announced[parts[1]] = parts[2];
    if (parts[0] == "SEG") got.sealed[parts[1]] += parts[3];
    if (parts[0] == "ERR") got.failed[parts[1]] = parts[2];
    if (parts[0] == "CLOSED") got.closed = parts[1];
    got.complete = parts[0] == "END";
    if (got.complete || got.closed) break;
    from.credit(1);
  }
  return got;
}

inline std::string plain_of(std::size_t length, char first) {
  std::string made(length, '\0');
  for (std::size_t i = 0; i < length; ++i) made[i] = static_cast<char>(first + static_cast<char>(i * 7 + i / 251));
  return made;
}

/// The plain text of one sealed object, or nothing when it does not authenticate.
inline std::optional<std::string> opened(const std::string& sealed, const download_offer& offer, std::uint32_t index) {
  auto reader = storage::sealed_reader::create(
      offer.key, {offer.download, index, sealed.size(), offer.segment_bytes},
      [&](std::uint64_t offset, std::span<std::uint8_t> into) -> messages::result<std::size_t> {
        return sealed.copy(reinterpret_cast<char*>(into.data()), into.size(), offset);
      });
  if (!reader) return std::nullopt;
  std::string plain;
  const auto read = reader->read_all([&](std::span<const std::uint8_t> more) -> messages::result<void> {
    plain.append(storage::as_text(more));
    return {};
  });
  return read ? std::optional{plain} : std::nullopt;
}

/// Gateway, tickets and packs. The clock stands still unless a test moves it.
struct data_site {
  std::filesystem::path folder = std::filesystem::temp_directory_path() /
                                 ("penstock-downloads-" + storage::to_hex(storage::secret_bytes::random(8).view()));
  std::atomic<std::chrono::steady_clock::duration> clock{std::chrono::hours{1}};
  zmq::context_t context{1};
  download_tickets tickets{default_max_tickets, [this] { return now(); }};
  ticket_authority authority{context, tickets};
  std::mutex ended_mutex;
  std::condition_variable ended_changed;
  std::vector<download_session_ended> ended;
  std::unique_ptr<download_gateway> gateway;

  data_site() { std::filesystem::create_directory(folder); }
  ~data_site() {
    gateway.reset();
    std::filesystem::remove_all(folder);
  }

  [[nodiscard]] std::chrono::steady_clock::time_point now() const {
    return std::chrono::steady_clock::time_point{clock.load()};
  }
  void start(download_gateway_options options = {}) {
    options.now = [this] { return now(); };
    options.tick = std::chrono::milliseconds{5};
    const auto remember = [this](const download_session_ended& one) {
      const std::lock_guard lock{ended_mutex};
      ended.push_back(one);
      ended_changed.notify_all();
    };
    gateway = download_gateway::start(context, std::move(options), remember).value();
  }
  bool has_ended(std::size_t n, std::chrono::milliseconds patience) {
    std::unique_lock lock{ended_mutex};
    return ended_changed.wait_for(lock, patience, [&] { return ended.size() > n; });
  }
  /// Waits for the n-th end of a session.
  download_session_ended session_end(std::size_t n) {
    BOOST_REQUIRE(has_ended(n, std::chrono::milliseconds{answer_timeout_ms}));
    const std::lock_guard lock{ended_mutex};
    return ended[n];
  }

  /// Waits for the n-th end of a session while the clock runs on, whatever the gateway was doing when it was set
  /// forward.
  download_session_ended session_end_in_time(std::size_t n) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{answer_timeout_ms};
    while (std::chrono::steady_clock::now() < deadline) {
      clock = clock.load() + std::chrono::seconds{61};
      std::unique_lock lock{ended_mutex};
      if (ended_changed.wait_for(lock, std::chrono::milliseconds{20}, [&] { return ended.size() > n; }))
        return ended[n];
    }
    BOOST_FAIL("no session has ended");
    return {};
  }

  /// A pack in which object n of `plains` lies at some offset, and an offer of them all.
  download_offer offer_of(const std::vector<std::string>& plains, const std::string& download = "d-1") const {
    download_offer offer;
    offer.download = download;
    offer.project = "alz-brain";
    offer.key = key();
    offer.segment_bytes = segment_bytes;
    offer.manifest = R"({"project":"alz-brain","objects":[]})";
    const auto pack = folder / (download + ".pack");
    std::ofstream file{pack, std::ios::binary};
    std::uint64_t offset = 0;
    std::uint32_t index = 0;
    for (const auto& plain : plains) {
      file << "gap" << plain;
      offset += 3;
      offer.objects.push_back({++index, pack, offset, plain.size(), storage::sha256(plain)});
      offset += plain.size();
    }
    return offer;
  }
  static storage::secret_bytes key() {
    auto made = storage::secret_bytes::of_size(storage::data_key_bytes);
    for (std::uint8_t next = 0; auto& byte : made.writable()) byte = next++;
    return made;
  }
  client connect(const std::string& download = "d-1") {
    return client{context, gateway->endpoint(), tickets.issue(download).value()};
  }
};

inline std::string index_of(std::uint32_t index) { return big_endian_32(index); }

}  // namespace penstock::gateways::download_test
