#include "gateways/download_gateway.hpp"

#include <zmq.hpp>

#include <array>
#include <atomic>
#include <map>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "gateways/download_frames.hpp"
#include "gateways/download_session.hpp"
#include "gateways/segment_pool.hpp"
#include "gateways/standing_offers.hpp"
#include "storage/digest.hpp"

namespace penstock::gateways {
namespace {

using messages::errc;
using messages::fail;
using messages::result;
using steady_time = std::chrono::steady_clock::time_point;

/// A draft constant of zmq.h: without a ZAP handler for the domain, every connection is refused instead of accepted.
constexpr int zap_enforce_domain_option = 93;
constexpr std::int64_t max_client_frame_bytes = 4096;
constexpr std::size_t max_client_frames = 3;
constexpr int max_client_messages_a_poll = 64;
constexpr int max_messages_between_polls = 16;
/// Buffers beyond these are given back to the system when a burst of sessions is over: 16 MiB stay.
constexpr std::size_t max_kept_buffers = 64;
/// The download socket's I/O thread, where the context has two: large sends do not delay the control socket.
constexpr std::uint64_t data_io_thread = 2;

std::string_view text_of(const zmq::message_t& frame) { return {static_cast<const char*>(frame.data()), frame.size()}; }

/// Who connected, as the ZAP handler said; libzmq attaches it to payload frames only.
std::string user_of(zmq::message_t& last_frame) {
  const char* user = zmq_msg_gets(last_frame.handle(), "User-Id");
  return user != nullptr ? user : "";
}

void set_options(zmq::socket_t& socket, const download_gateway_options& options, bool own_io_thread) {
  using namespace zmq::sockopt;
  socket.set(linger, 0);
  socket.set(plain_server, true);
  socket.set(zap_domain, options.zap_domain);
  const int enforce = 1;
  if (zmq_setsockopt(socket.handle(), zap_enforce_domain_option, &enforce, sizeof enforce) != 0) throw zmq::error_t{};
  socket.set(maxmsgsize, max_client_frame_bytes);
  // Twice what may be outstanding: libzmq learns late what the peer has taken.
  socket.set(sndhwm, static_cast<int>(2 * options.max_credit));
  socket.set(rcvhwm, static_cast<int>(options.max_credit));
  socket.set(router_mandatory, true);
  socket.set(router_handover, false);
  socket.set(handshake_ivl, 2000);
  socket.set(heartbeat_ivl, 5000);
  socket.set(heartbeat_timeout, 15000);
  socket.set(heartbeat_ttl, 15000);
  socket.set(backlog, 1024);
  if (own_io_thread) socket.set(affinity, data_io_thread);
}

void release_payload(void* /*bytes*/, void* buffer) { segment_pool::give_back{}(static_cast<segment_buffer*>(buffer)); }

/// The frames that follow the routing id.
std::vector<zmq::message_t> frames_of(download_message message) {
  using kind_of = download_message::kind_of;
  std::vector<zmq::message_t> frames;
  const auto add = [&frames](std::string_view text) { frames.emplace_back(text); };
  switch (message.kind) {
    case kind_of::object:
      add("OBJ");
      add(big_endian_32(message.index));
      add(big_endian_64(message.number));
      break;
    case kind_of::segment: {
      add("SEG");
      add(big_endian_32(message.index));
      add(big_endian_64(message.number));
      auto* const bytes = message.payload->bytes().data();
      frames.emplace_back(bytes, message.payload_bytes, release_payload, message.payload.get());
      static_cast<void>(message.payload.release());  // the frame gives it back
      break;
    }
    case kind_of::error:
      add("ERR");
      add(big_endian_32(message.index));
      add(error_json(message.code));
      break;
    case kind_of::end:
      add("END");
      break;
  }
  return frames;
}

}  // namespace

class download_gateway::loop {
 public:
  loop(zmq::context_t& context, download_gateway_options options, session_ended on_session_ended)
      : options_(std::move(options)),
        on_session_ended_(std::move(on_session_ended)),
        pool_(std::make_shared<segment_pool>(storage::sealed_segment_bytes, max_kept_buffers, wake_)),
        socket_(context, zmq::socket_type::router),
        offers_(options_.offers) {
    set_options(socket_, options_, zmq_ctx_get(context.handle(), ZMQ_IO_THREADS) > 1);
    socket_.bind(options_.endpoint);
    endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
    thread_ = std::thread{[this] { run(); }};
  }

  ~loop() {
    stopping_ = true;
    wake_->signal();
    if (thread_.joinable()) thread_.join();
  }

  result<void> add_offer(download_offer offer);
  void withdraw(const std::string& download);
  void withdraw_unless(const std::function<bool(const std::string& user, const std::string& project)>& allowed);
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  [[nodiscard]] download_statistics statistics() const;

 private:
  struct connected_session {
    download_session session;
    std::uint32_t credit = 0;
    steady_time last_progress;
  };
  using sessions = std::map<std::string, connected_session, std::less<>>;
  enum class sent { yes, no_room, peer_gone };

  void run();
  void wait(bool more_to_send);
  void receive_some();
  bool receive_one();
  void handle(std::string_view peer, const std::string& user, std::span<const std::string_view> frames);
  void on_open(std::string_view peer, const std::string& user, const open_download& open);
  void on_credit(std::string_view peer, const std::string& user, grant_credit grant);
  void end_withdrawn();
  bool send_some();
  /// True when a message was sent; ends the session when it is over.
  bool send_one(sessions::iterator at);
  sent start_message(std::string_view peer);
  void finish_message(std::vector<zmq::message_t> frames);
  /// Refuses or ends a download without END.
  void send_closed(std::string_view peer, errc why);
  void end_session(sessions::iterator at);
  void refuse(std::string_view peer, errc why);
  void drop_expired();

  const download_gateway_options options_;
  const session_ended on_session_ended_;
  const std::shared_ptr<wake_event> wake_ = std::make_shared<wake_event>();
  const std::shared_ptr<segment_pool> pool_;
  zmq::socket_t socket_;
  std::string endpoint_;
  std::atomic<bool> stopping_{false};

  standing_offers offers_;
  sessions sessions_;
  steady_time next_expiry_{};
  std::atomic<std::uint64_t> session_count_{0};
  std::atomic<std::uint64_t> segments_sent_{0};
  std::atomic<std::uint64_t> sealed_bytes_sent_{0};
  std::atomic<std::uint64_t> objects_failed_{0};
  std::atomic<std::uint64_t> sessions_refused_{0};
  std::thread thread_;
};

result<void> download_gateway::loop::add_offer(download_offer offer) {
  if (auto checked = check_offer(offer); !checked) return checked;
  auto live = std::make_shared<live_offer>();
  live->manifest_digest = storage::sha256(offer.manifest);
  live->offer = std::move(offer);
  auto added = offers_.add(std::move(live), options_.now());
  wake_->signal();
  return added;
}

void download_gateway::loop::withdraw(const std::string& download) {
  offers_.withdraw(download);
  wake_->signal();
}

void download_gateway::loop::withdraw_unless(
    const std::function<bool(const std::string& user, const std::string& project)>& allowed) {
  offers_.withdraw_unless(allowed);
  wake_->signal();
}

download_statistics download_gateway::loop::statistics() const {
  return {.offers = offers_.size(),
          .sessions = session_count_,
          .segments_sent = segments_sent_,
          .sealed_bytes_sent = sealed_bytes_sent_,
          .objects_failed = objects_failed_,
          .sessions_refused = sessions_refused_};
}

void download_gateway::loop::run() {
  bool more_to_send = false;
  while (!stopping_) {
    wait(more_to_send);
    receive_some();
    more_to_send = send_some();
    if (options_.now() >= next_expiry_) drop_expired();
  }
  while (!sessions_.empty()) end_session(sessions_.begin());
  socket_.close();
}

void download_gateway::loop::wait(bool more_to_send) {
  std::array<zmq::pollitem_t, 2> items{
      {{socket_.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, wake_->descriptor(), ZMQ_POLLIN, 0}}};
  const auto timeout_ms = more_to_send ? 0 : static_cast<long>(options_.tick.count());
  // Interrupted or not, the loop looks at everything again; a context that is going ends it.
  if (zmq_poll(items.data(), static_cast<int>(items.size()), timeout_ms) < 0 && zmq_errno() == ETERM) stopping_ = true;
  if ((items[1].revents & ZMQ_POLLIN) != 0) wake_->clear();
}

void download_gateway::loop::receive_some() {
  for (int n = 0; n < max_client_messages_a_poll; ++n)
    if (!receive_one()) return;
}

bool download_gateway::loop::receive_one() {
  zmq::message_t peer;
  if (zmq_msg_recv(peer.handle(), socket_.handle(), ZMQ_DONTWAIT) < 0) return false;
  std::array<zmq::message_t, max_client_frames> frames;
  std::array<std::string_view, max_client_frames> texts;
  std::size_t count = 0;
  zmq::message_t surplus;
  bool more = peer.more();
  while (more) {
    auto& frame = count < frames.size() ? frames[count] : surplus;
    if (zmq_msg_recv(frame.handle(), socket_.handle(), ZMQ_DONTWAIT) < 0) return false;
    more = frame.more();
    ++count;
  }
  if (count == 0 || count > frames.size()) return true;  // no message of this protocol
  for (std::size_t i = 0; i < count; ++i) texts[i] = text_of(frames[i]);
  handle(text_of(peer), user_of(frames[count - 1]), std::span{texts}.first(count));
  return true;
}

void download_gateway::loop::handle(std::string_view peer, const std::string& user,
                                    std::span<const std::string_view> frames) {
  if (user.empty()) return;
  // A routing id that changed hands takes nothing over.
  const auto at = sessions_.find(peer);
  if (at != sessions_.end() && at->second.session.offer().offer.download != user) end_session(at);
  const auto message = parse_client_message(frames);
  if (!message) {
    refuse(peer, errc::bad_request);
    return;
  }
  if (const auto* open = std::get_if<open_download>(&*message)) on_open(peer, user, *open);
  if (const auto* grant = std::get_if<grant_credit>(&*message)) on_credit(peer, user, *grant);
}

void download_gateway::loop::on_open(std::string_view peer, const std::string& user, const open_download& open) {
  if (sessions_.contains(peer)) return refuse(peer, errc::conflict);
  // Sessions whose offer was replaced or withdrawn make room first, whoever's they are.
  end_withdrawn();
  if (sessions_.size() >= options_.max_sessions) return refuse(peer, errc::rate_limited);
  if (open.download != user) return refuse(peer, errc::not_found);
  const auto offer = offers_.take(user, options_.now());
  if (!offer) return refuse(peer, offer.error().code);
  auto session = download_session::create(*offer, open, pool_);
  if (!session) {
    offers_.give_back(*offer, false, options_.now());
    return refuse(peer, session.error().code);
  }
  sessions_.emplace(peer, connected_session{std::move(*session), 0, options_.now()});
  session_count_ = sessions_.size();
}

void download_gateway::loop::on_credit(std::string_view peer, const std::string& user, grant_credit grant) {
  const auto at = sessions_.find(peer);
  if (at == sessions_.end() || at->second.session.offer().offer.download != user) return;
  auto& credit = at->second.credit;
  credit = grant.messages >= options_.max_credit - credit ? options_.max_credit : credit + grant.messages;
  at->second.last_progress = options_.now();
}

void download_gateway::loop::end_withdrawn() {
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    const auto current = at++;
    const auto why = current->second.session.offer().withdrawn.load();
    if (why == errc::none) continue;
    send_closed(current->first, why);
    end_session(current);
  }
}

bool download_gateway::loop::send_some() {
  end_withdrawn();
  int messages = 0;
  for (bool progress = true; progress;) {
    progress = false;
    for (auto at = sessions_.begin(); at != sessions_.end();) {
      const auto current = at++;  // send_one may end it
      if (!send_one(current)) continue;
      progress = true;
      ++messages;
    }
    if (progress && messages >= max_messages_between_polls) return true;
  }
  return false;
}

bool download_gateway::loop::send_one(sessions::iterator at) {
  auto& [session, credit, last_progress] = at->second;
  if (credit == 0) return false;
  if (!session.has_next() && session.segments_in_flight() >= options_.max_segments_in_flight) {
    pool_->wake_when_one_is_back();
    // One that came back just before nobody was to be woken for it.
    if (session.segments_in_flight() >= options_.max_segments_in_flight) return false;
  }
  static_cast<void>(session.next());
  switch (start_message(at->first)) {
    case sent::no_room:
      return false;
    case sent::peer_gone:
      end_session(at);
      return false;
    case sent::yes:
      break;
  }
  auto message = session.take_sent();
  if (message.kind == download_message::kind_of::segment) ++segments_sent_;
  sealed_bytes_sent_ += message.payload_bytes;
  finish_message(frames_of(std::move(message)));
  --credit;
  last_progress = options_.now();
  if (session.complete()) end_session(at);
  return true;
}

/// The routing id decides: once it is taken, libzmq takes the frames that follow without waiting.
download_gateway::loop::sent download_gateway::loop::start_message(std::string_view peer) {
  if (zmq_send(socket_.handle(), peer.data(), peer.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0) return sent::yes;
  return zmq_errno() == EAGAIN ? sent::no_room : sent::peer_gone;
}

void download_gateway::loop::finish_message(std::vector<zmq::message_t> frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
    zmq_msg_send(frames[i].handle(), socket_.handle(), ZMQ_DONTWAIT | more);
  }
}

void download_gateway::loop::send_closed(std::string_view peer, errc why) {
  if (start_message(peer) != sent::yes) return;
  std::vector<zmq::message_t> frames;
  frames.emplace_back(std::string_view{"CLOSED"});
  frames.emplace_back(error_json(why));
  finish_message(std::move(frames));
}

void download_gateway::loop::refuse(std::string_view peer, errc why) {
  ++sessions_refused_;
  send_closed(peer, why);
  if (const auto at = sessions_.find(peer); at != sessions_.end()) end_session(at);
}

void download_gateway::loop::end_session(sessions::iterator at) {
  const auto& session = at->second.session;
  const auto& offer = session.offer().offer;
  const bool complete = session.complete() || session.all_taken();
  const download_session_ended ended{offer.download, offer.project, session.sealed_bytes_sent(), complete};
  objects_failed_ += session.objects_failed();
  offers_.give_back(session.shared_offer(), ended.complete, options_.now());
  sessions_.erase(at);
  session_count_ = sessions_.size();
  if (on_session_ended_) on_session_ended_(ended);
}

void download_gateway::loop::drop_expired() {
  const auto at = options_.now();
  next_expiry_ = at + options_.tick;
  offers_.drop_expired(at);
  for (auto session = sessions_.begin(); session != sessions_.end();) {
    const auto current = session++;
    if (at - current->second.last_progress < options_.idle_timeout) continue;
    send_closed(current->first, errc::timed_out);
    end_session(current);
  }
}

result<std::unique_ptr<download_gateway>> download_gateway::start(zmq::context_t& context,
                                                                  download_gateway_options options,
                                                                  session_ended on_session_ended) {
  const auto endpoint = options.endpoint;
  try {
    return std::unique_ptr<download_gateway>{
        new download_gateway{std::make_unique<loop>(context, std::move(options), std::move(on_session_ended))}};
  } catch (const zmq::error_t& problem) {
    const auto code = problem.num() == EADDRINUSE ? errc::held_by_another : errc::bad_configuration;
    return fail(code, "data socket " + endpoint + ": " + problem.what());
  } catch (const std::exception& problem) {
    return fail(errc::internal, "data socket " + endpoint + ": " + problem.what());
  }
}

download_gateway::download_gateway(std::unique_ptr<loop> running) : loop_(std::move(running)) {}
download_gateway::~download_gateway() = default;

const std::string& download_gateway::endpoint() const { return loop_->endpoint(); }
result<void> download_gateway::offer(download_offer offer) { return loop_->add_offer(std::move(offer)); }
void download_gateway::withdraw(const std::string& download) { loop_->withdraw(download); }
void download_gateway::withdraw_unless(
    const std::function<bool(const std::string& user, const std::string& project)>& allowed) {
  loop_->withdraw_unless(allowed);
}
download_statistics download_gateway::statistics() const { return loop_->statistics(); }

}  // namespace penstock::gateways
