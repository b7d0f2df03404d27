#include "gateways/zmq_auth.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <array>
#include <optional>
#include <vector>
#include <zmq.hpp>

#include "storage/digest.hpp"

namespace penstock::gateways {
namespace {

using messages::errc;
using messages::fail;

constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";
constexpr std::size_t curve_key_bytes = 32;
constexpr std::size_t z85_key_characters = 40;
constexpr std::size_t fingerprint_bytes = 8;
/// RFC 27: version, request id, domain, address, routing id, mechanism, then the credentials of the mechanism.
constexpr std::size_t most_request_frames = 8;
constexpr std::size_t frames_before_credentials = 6;

std::string fingerprint_of(const std::string& z85_key) {
  std::array<std::uint8_t, curve_key_bytes> raw{};
  if (z85_key.size() != z85_key_characters || zmq_z85_decode(raw.data(), z85_key.c_str()) == nullptr) return {};
  const auto digest = storage::sha256(storage::as_text(raw));
  return storage::to_hex(std::span{digest}.first(fingerprint_bytes));
}

std::string z85_of(std::string_view raw_key) {
  std::array<char, z85_key_characters + 1> text{};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(raw_key.data());
  return zmq_z85_encode(text.data(), bytes, raw_key.size()) == nullptr ? std::string{} : std::string{text.data()};
}

/// Nothing unless the whole message could be read.
std::optional<std::vector<std::string>> read_request(zmq::socket_t& socket) {
  std::vector<std::string> frames;
  for (bool more = true; more;) {
    zmq::message_t frame;
    if (!socket.recv(frame, zmq::recv_flags::dontwait)) return std::nullopt;
    more = frame.more();
    if (frames.size() <= most_request_frames) frames.push_back(frame.to_string());
  }
  return frames;
}

void reply(zmq::socket_t& socket, const std::string& request_id, const std::string& user_id) {
  const bool allowed = !user_id.empty();
  const std::array<std::string_view, 6> frames = {
      "1.0", request_id, allowed ? "200" : "400", allowed ? "OK" : "refused", user_id, ""};
  for (std::size_t at = 0; at < frames.size(); ++at)
    socket.send(zmq::buffer(frames[at]), at + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
}

}  // namespace

key_directory::key_directory(const conf::rules& from) {
  for (const auto& [name, user] : from.users) {
    for (const auto& key : user.keys) {
      const auto fingerprint = fingerprint_of(key);
      if (fingerprint.empty()) continue;
      const auto id = name + "/" + fingerprint;
      ids_.emplace(key, id);
      names_.emplace(id, name);
    }
  }
}

std::string key_directory::user_id_of_key(std::string_view z85_key) const {
  const auto found = ids_.find(z85_key);
  return found == ids_.end() ? std::string{} : found->second;
}

std::string key_directory::name_of(std::string_view user_id) const {
  const auto found = names_.find(user_id);
  return found == names_.end() ? std::string{} : found->second;
}

std::shared_ptr<const key_directory> key_directory_holder::get() const {
  std::lock_guard lock{mutex_};
  return directory_;
}

void key_directory_holder::set(std::shared_ptr<const key_directory> directory) {
  std::lock_guard lock{mutex_};
  directory_ = std::move(directory);
}

messages::result<std::unique_ptr<zap_handler>> zap_handler::start(zmq::context_t& context,
                                                                  std::shared_ptr<const key_directory_holder> directory,
                                                                  ticket_redeemer redeem) {
  std::unique_ptr<zap_handler> handler{new zap_handler{std::move(directory), std::move(redeem)}};
  handler->wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (handler->wake_ < 0) return fail(errc::io_error, "ZAP handler: eventfd");
  try {
    zmq::socket_t socket{context, zmq::socket_type::rep};
    socket.set(zmq::sockopt::linger, 0);
    socket.bind(zap_endpoint);
    handler->thread_ =
        std::thread{[self = handler.get(), moved = std::make_shared<zmq::socket_t>(std::move(socket))]() mutable {
          self->run(*moved);
          moved.reset();
        }};
  } catch (const zmq::error_t& problem) {
    return fail(errc::conflict, std::string{"ZAP handler: "} + problem.what());
  }
  return handler;
}

zap_handler::zap_handler(std::shared_ptr<const key_directory_holder> directory, ticket_redeemer redeem)
    : directory_(std::move(directory)), redeem_(std::move(redeem)) {}

zap_handler::~zap_handler() {
  if (thread_.joinable()) {
    ::eventfd_write(wake_, 1);
    thread_.join();
  }
  if (wake_ >= 0) ::close(wake_);
}

void zap_handler::run(zmq::socket_t& socket) {
  for (;;) {
    zmq::pollitem_t items[] = {{socket.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, wake_, ZMQ_POLLIN, 0}};
    try {
      zmq::poll(items, 2, std::chrono::milliseconds{-1});
      if (items[1].revents != 0) return;
      answer_one(socket);
    } catch (const zmq::error_t& problem) {
      if (problem.num() == ETERM || problem.num() == ENOTSOCK) return;
    }
  }
}

void zap_handler::answer_one(zmq::socket_t& socket) {
  const auto request = read_request(socket);
  if (!request) return;
  const auto user_id = user_id_for(*request);
  if (user_id.empty()) ++refused_;
  reply(socket, request->size() > 1 ? (*request)[1] : std::string{}, user_id);
}

std::string zap_handler::user_id_for(const std::vector<std::string>& request) const {
  if (request.size() <= frames_before_credentials || request[0] != "1.0") return {};
  const auto& domain = request[2];
  const auto& mechanism = request[5];
  const auto credentials = request.size() - frames_before_credentials;
  if (domain == control_zap_domain && mechanism == "CURVE" && credentials == 1 && request[6].size() == curve_key_bytes)
    return directory_->get()->user_id_of_key(z85_of(request[6]));
  if (domain == data_zap_domain && mechanism == "PLAIN" && credentials == 2 && redeem_)
    return redeem_(request[6], request[7]);
  return {};
}

}  // namespace penstock::gateways
