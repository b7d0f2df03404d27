#include "tools/client/download.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "tools/client/dealer.hpp"

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;
using std::chrono::milliseconds;

/// One credit is one message; the server holds a session to 64.
constexpr std::uint32_t credit_window = 48;
constexpr std::uint32_t credit_refill = 16;
constexpr milliseconds look_up_interval{250};
/// The server writes a manifest before it answers.
constexpr milliseconds preparation_time{60'000};

template <class Unsigned>
std::string big_endian(Unsigned value) {
  std::string bytes(sizeof value, '\0');
  for (std::size_t i = 0; i < sizeof value; ++i)
    bytes[i] = static_cast<char>(static_cast<std::uint8_t>(value >> 8 * (sizeof value - 1 - i)));
  return bytes;
}

template <class Unsigned>
bool read_big_endian(const zmq::message_t& frame, Unsigned& into) {
  if (frame.size() != sizeof into) return false;
  into = 0;
  for (const char byte : frame.to_string_view())
    into = static_cast<Unsigned>(into << 8 | static_cast<std::uint8_t>(byte));
  return true;
}

result<opened_download> parse_opened(const json& answer, const json& greeting) try {
  opened_download opened;
  opened.facts.download = answer.at("download").get<std::string>();
  auto key = storage::from_base64(answer.at("key").get<std::string>(), storage::data_key_bytes, "key of the download");
  if (!key) return key.error();
  opened.facts.key = std::move(*key);
  opened.facts.segment_bytes = answer.value("segment_bytes", storage::sealed_segment_bytes);
  opened.facts.objects = answer.at("objects").get<std::uint64_t>();
  opened.facts.bytes = answer.at("bytes").get<std::uint64_t>();
  opened.ticket.endpoint = answer.value("data_endpoint", greeting.value("data_endpoint", ""));
  opened.ticket.ticket = answer.at("ticket").get<std::string>();
  opened.ticket.secret = secret_text{answer.at("secret").get<std::string>()};
  return opened;
} catch (const json::exception&) {
  return fail(errc::internal, "download.open: the server's answer is not as the protocol says");
}

result<opened_download> ask_for_download(session& control, const std::string& project, const json& args) {
  auto answer = control.ask({"download.open", project, args, new_op(), preparation_time});
  if (!answer) return answer.error();
  return parse_opened(*answer, control.greeting());
}

download_progress progress_of(const download_receiver& receiver, const download_facts& facts) {
  const auto total = receiver.manifest() ? receiver.manifest()->objects.size() : 0;
  return {receiver.objects_finished(), total, receiver.sealed_bytes_received(), facts.bytes};
}

/// Another attempt may help; whoever asks the control socket again learns what will not pass.
bool may_pass(errc code) {
  return code == errc::timed_out || code == errc::rate_limited || code == errc::shutting_down;
}

/// `["CLOSED", {"code"}]`: the server ends the session. `not_found`: its offer is gone, which the next resumption
/// explains.
messages::failure closed_with(const zmq::message_t& reason) {
  const auto parsed = json::parse(reason.to_string_view(), nullptr, false);
  const auto code = messages::errc_named(parsed.is_object() ? parsed.value("code", "internal") : "internal");
  if (code == errc::conflict) return fail(code, "another program has gone on with this download");
  return fail(may_pass(code) || code == errc::not_found ? errc::timed_out : code,
              "the server ended the session: " + to_string(code));
}

/// True at the end.
result<bool> pass_on(const frames& message, download_receiver& receiver) {
  const auto refused = fail(errc::corrupt, "the data socket sent what the protocol does not know");
  const auto went_on = [](result<void> done) { return done ? result<bool>{false} : done.error(); };
  if (message.empty()) return refused;
  const auto type = message.front().to_string_view();
  if (type == "END" && message.size() == 1) {
    auto done = receiver.on_end();
    return done ? result<bool>{true} : done.error();
  }
  if (type == "CLOSED" && message.size() == 2) return closed_with(message[1]);
  std::uint32_t index = 0;
  std::uint64_t number = 0;
  if (message.size() < 3 || !read_big_endian(message[1], index)) return refused;
  if (type == "ERR" && message.size() == 3) return went_on(receiver.on_missing(index));
  if (!read_big_endian(message[2], number)) return refused;
  if (type == "OBJ" && message.size() == 3) return went_on(receiver.on_object(index, number));
  if (type != "SEG" || message.size() != 4) return refused;
  return went_on(receiver.on_segment(index, number, {message[3].data<std::uint8_t>(), message[3].size()}));
}

void send_open(dealer& socket, const download_facts& facts, download_position from) {
  if (from == download_position{}) {
    socket.send({"OPEN", facts.download});
  } else {
    const auto start = json{{"object", from.object}, {"segment", from.segment}}.dump();
    socket.send({"OPEN", facts.download, start});
  }
  socket.send({"CREDIT", big_endian(credit_window)});
}

/// One connection, from the receiver's position. errc::timed_out when another one may help.
result<void> receive_on_one_connection(const opened_download& opened, download_receiver& receiver,
                                       const fetch_options& options) {
  const auto& ticket = opened.ticket;
  auto socket = dealer::connect({ticket.endpoint, plain_identity{ticket.ticket, ticket.secret}});
  if (!socket) return socket.error();
  send_open(**socket, opened.facts, receiver.position());
  std::uint32_t spent = 0;
  auto last_arrival = std::chrono::steady_clock::now();
  for (;;) {
    if (options.stopped()) return fail(errc::shutting_down, "the download was interrupted");
    auto message = (*socket)->receive(std::min(look_up_interval, options.idle_timeout));
    if (!message) {
      const auto idle = std::chrono::steady_clock::now() - last_arrival;
      if ((*socket)->failed() || idle >= options.idle_timeout) {
        auto problem = explain((*socket)->state(), ticket.endpoint, options.idle_timeout);
        return fail(errc::timed_out, "data socket: " + problem.context);
      }
      continue;
    }
    last_arrival = std::chrono::steady_clock::now();
    auto ended = pass_on(*message, receiver);
    if (!ended) return ended.error();
    options.on_progress(progress_of(receiver, opened.facts));
    if (*ended) return {};
    if (++spent == credit_refill) {
      (*socket)->send({"CREDIT", big_endian(credit_refill)});
      spent = 0;
    }
  }
}

}  // namespace

result<opened_download> open_download(session& control, const std::string& project, const json& selection) {
  const auto key = storage::secret_bytes::random(storage::data_key_bytes);
  auto args = selection;
  args["key"] = storage::to_base64(key.view());
  return ask_for_download(control, project, args);
}

result<opened_download> resume_download(session& control, const std::string& project, const std::string& download,
                                        const storage::secret_bytes& key) {
  const secret_text encoded{storage::to_base64(key.view())};
  auto opened = ask_for_download(control, project, json{{"resume", download}, {"key", encoded.reveal()}});
  if (opened && opened->facts.download != download)
    return fail(errc::internal, "download.open: the server resumed another download");
  return opened;
}

namespace {

/// False when the user has had enough.
bool wait_for_next_attempt(milliseconds pause, const fetch_options& options) {
  const auto until = std::chrono::steady_clock::now() + pause;
  while (!options.stopped()) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
    if (left <= milliseconds{0}) return true;
    std::this_thread::sleep_for(std::min(left, look_up_interval));
  }
  return false;
}

}  // namespace

result<void> fetch_download(session& control, const std::string& project, opened_download& opened,
                            download_receiver& receiver, const fetch_options& options) {
  auto before = receiver.position();
  auto done = receive_on_one_connection(opened, receiver, options);
  auto pause = options.pause;
  for (std::uint32_t fruitless = 0; !done && may_pass(done.error().code) && !options.stopped();) {
    if (receiver.position() != before) {
      before = receiver.position();
      fruitless = 0;
      pause = options.pause;
    } else if (++fruitless >= options.max_attempts) {
      return done;
    }
    options.on_pause(done.error(), pause);
    if (!wait_for_next_attempt(pause, options)) return fail(errc::shutting_down, "the download was interrupted");
    pause = std::min(2 * pause, options.longest_pause);
    auto again = resume_download(control, project, opened.facts.download, opened.facts.key);
    if (!again) {
      done = again.error();
      continue;
    }
    opened.ticket = std::move(again->ticket);
    done = receive_on_one_connection(opened, receiver, options);
  }
  return done;
}

}  // namespace penstock::client
