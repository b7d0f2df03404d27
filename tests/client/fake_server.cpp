#include "tests/client/fake_server.hpp"

#include <array>
#include <zmq.hpp>
#include <zmq_addon.hpp>

namespace penstock::client::testing {
namespace {

constexpr std::chrono::milliseconds look_up{20};

void send_all(zmq::socket_t& socket, const text_frames& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto more = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
    socket.send(zmq::buffer(frames[i]), more);
  }
}

bool receive_all(zmq::socket_t& socket, text_frames& into) {
  std::vector<zmq::message_t> frames;
  zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
  if (zmq::poll(&item, 1, look_up) == 0) return false;
  if (!zmq::recv_multipart(socket, std::back_inserter(frames), zmq::recv_flags::dontwait)) return false;
  into.clear();
  for (const auto& frame : frames) into.push_back(frame.to_string());
  return true;
}

}  // namespace

std::unique_ptr<fake_server> fake_server::with_curve(script answer) {
  return std::unique_ptr<fake_server>{new fake_server{true, std::move(answer)}};
}
std::unique_ptr<fake_server> fake_server::with_tickets(script answer) {
  return std::unique_ptr<fake_server>{new fake_server{false, std::move(answer)}};
}

fake_server::fake_server(bool curve, script answer)
    : curve_(curve),
      answer_(std::move(answer)),
      key_(make_user_key().value()),
      context_(std::make_unique<zmq::context_t>(1)) {
  std::atomic<bool> bound{false};
  zap_ = std::thread{[this, &bound] {
    zmq::socket_t zap{*context_, zmq::socket_type::rep};
    zap.bind("inproc://zeromq.zap.01");
    bound = true;
    bound.notify_one();
    text_frames request;
    while (!stop_)
      if (receive_all(zap, request)) {
        const bool good = admits(request);
        send_all(zap, {"1.0", request.at(1), good ? "200" : "400", "", good ? "user" : "", ""});
      }
  }};
  bound.wait(false);
  bind();
  server_ = std::thread{[this] { serve(); }};
}

fake_server::~fake_server() {
  stop_ = true;
  server_.join();
  zap_.join();
}

void fake_server::allow(const std::string& public_key_or_ticket) {
  const std::lock_guard lock{mutex_};
  allowed_.insert(public_key_or_ticket);
}

bool fake_server::admits(const text_frames& request) {
  if (request.size() < 7) return false;
  const std::lock_guard lock{mutex_};
  std::string shown;
  if (curve_) {
    std::array<char, 41> z85{};
    zmq_z85_encode(z85.data(), reinterpret_cast<const std::uint8_t*>(request[6].data()), request[6].size());
    shown = z85.data();
  } else if (request.size() == 8) {
    shown = request[6] + ":" + request[7];
  }
  const bool good = curve_ ? allowed_.contains(shown) : allowed_.erase(shown) == 1;
  if (good) ++admitted_;
  return good;
}

void fake_server::bind() {
  socket_ = std::make_unique<zmq::socket_t>(*context_, zmq::socket_type::router);
  socket_->set(zmq::sockopt::linger, 0);
  socket_->set(zmq::sockopt::sndhwm, 0);  // a ROUTER drops what does not fit
  socket_->set(zmq::sockopt::zap_domain, "test");
  if (curve_) {
    socket_->set(zmq::sockopt::curve_server, true);
    socket_->set(zmq::sockopt::curve_secretkey, key_.secret_key.c_str());
  } else {
    socket_->set(zmq::sockopt::plain_server, true);
  }
  for (int attempt = 0;; ++attempt) try {  // after a close the port is free only when the I/O thread is done
      socket_->bind(endpoint_);
      break;
    } catch (const zmq::error_t&) {
      if (attempt == 100) throw;
      std::this_thread::sleep_for(look_up);
    }
  // The port is chosen once; later others read it while this thread binds again.
  if (endpoint_.back() == '*') endpoint_ = socket_->get(zmq::sockopt::last_endpoint);
}

void fake_server::serve() {
  text_frames message;
  while (!stop_) {
    if (!receive_all(*socket_, message)) continue;
    const auto peer = message.front();
    message.erase(message.begin());
    answer(message, peer);
  }
  socket_.reset();
}

void fake_server::answer(const text_frames& message, const std::string& peer) {
  for (auto& reply : answer_(message)) {
    if (reply.empty()) {
      socket_->set(zmq::sockopt::linger, 1000);
      std::this_thread::sleep_for(look_up);
      socket_->close();
      return bind();
    }
    reply.insert(reply.begin(), peer);
    send_all(*socket_, reply);
  }
}

}  // namespace penstock::client::testing
