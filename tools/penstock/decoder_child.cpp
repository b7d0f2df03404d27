#include "tools/penstock/decoder_child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tools/penstock/sandbox.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using messages::result;
using std::chrono::steady_clock;

constexpr std::chrono::seconds longest_decoding{30};
constexpr std::uint64_t most_file_bytes = 1ULL * 1024 * 1024 * 1024;

/// Both sides are the same program, so plain structs may cross the pipe.
struct decoding_order {
  std::uint64_t file_bytes = 0;
  std::uint32_t frame = 0;
  bool has_window = false;
  grey_window window;
};
struct decoding_answer {
  std::uint32_t code = 0;  ///< errc
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t samples = 0;
  std::uint64_t payload_bytes = 0;  ///< pixels, or the text of the error
};

template <class T>
std::span<std::uint8_t> bytes_of(T& value) {
  return {reinterpret_cast<std::uint8_t*>(&value), sizeof value};
}

/// Moves all of `bytes` with `move(fd, pointer, size)`; false at the deadline, the end or an error.
template <class Byte, class Move>
bool move_all(int fd, short ready, std::span<Byte> bytes, steady_clock::time_point deadline, Move move) {
  while (!bytes.empty()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    pollfd wait{fd, ready, 0};
    if (left <= 0 || (::poll(&wait, 1, static_cast<int>(left)) < 0 && errno != EINTR)) return false;
    if (wait.revents == 0) continue;
    const auto moved = move(fd, bytes.data(), bytes.size());
    if (moved < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (moved <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(moved));
  }
  return true;
}

bool write_all(int fd, std::span<const std::uint8_t> bytes, steady_clock::time_point deadline) {
  return move_all(fd, POLLOUT, bytes, deadline,
                  [](int to, const auto* from, std::size_t n) { return ::write(to, from, n); });
}

bool read_all(int fd, std::span<std::uint8_t> into, steady_clock::time_point deadline) {
  return move_all(fd, POLLIN, into, deadline, [](int from, auto* to, std::size_t n) { return ::read(from, to, n); });
}

decoding_answer answer_for(const result<decoded_image>& image) {
  if (!image) return {static_cast<std::uint32_t>(image.error().code), 0, 0, 0, image.error().context.size()};
  return {0, image->width, image->height, image->colour ? 3U : 1U, image->pixels.size()};
}

/// What the child does with its life.
int decode_one_file(int orders, int answers) {
  const auto deadline = steady_clock::now() + std::chrono::hours{24};  // people may think about their passphrase
  decoding_order order;
  if (!read_all(orders, bytes_of(order), deadline) || order.file_bytes > most_file_bytes) return 1;
  std::vector<std::uint8_t> file(order.file_bytes);
  if (!read_all(orders, file, deadline)) return 1;
  rendering how{order.frame, std::nullopt};
  if (order.has_window) how.window = order.window;
  const auto image = decode_image(file, how);
  auto answer = answer_for(image);
  if (!write_all(answers, bytes_of(answer), deadline)) return 1;
  if (image) return write_all(answers, image->pixels, deadline) ? 0 : 1;
  const auto& text = image.error().context;
  return write_all(answers, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, deadline) ? 0 : 1;
}

result<decoded_image> read_answer(int fd, steady_clock::time_point deadline) {
  const auto died = [&] {
    return steady_clock::now() >= deadline ? fail(errc::timed_out, "decoding the image took more than 30 s")
                                           : fail(errc::corrupt, "the decoder died of this image");
  };
  decoding_answer answer;
  if (!read_all(fd, bytes_of(answer), deadline)) return died();
  if (answer.code != 0) {
    std::string text(std::min<std::uint64_t>(answer.payload_bytes, 1024), '\0');
    if (!read_all(fd, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}, deadline)) return died();
    return fail(static_cast<errc>(answer.code), text);
  }
  const auto pixels = std::uint64_t{answer.width} * answer.height;
  const bool fits = (answer.samples == 1 || answer.samples == 3) && pixels <= most_image_pixels &&
                    answer.payload_bytes == pixels * answer.samples;
  if (!fits) return fail(errc::corrupt, "the decoder gave back what is no image");
  decoded_image image{answer.width, answer.height, answer.samples == 3, {}};
  image.pixels.resize(answer.payload_bytes);
  if (!read_all(fd, image.pixels, deadline)) return died();
  return image;
}

}  // namespace

result<decoder_child> decoder_child::start() {
  std::array<int, 2> orders{};
  std::array<int, 2> answers{};
  if (::pipe2(orders.data(), O_CLOEXEC) != 0) return fail(errc::io_error, "start the image decoder");
  decoder_child started;
  const client::file_descriptor child_reads{orders[0]};
  started.to_child_ = client::file_descriptor{orders[1]};
  if (::pipe2(answers.data(), O_CLOEXEC) != 0) return fail(errc::io_error, "start the image decoder");
  started.from_child_ = client::file_descriptor{answers[0]};
  const client::file_descriptor child_writes{answers[1]};
  prepare_image_decoder();
  const auto parent = ::getpid();
  started.child_ = ::fork();
  if (started.child_ < 0) return fail(errc::io_error, "start the image decoder");
  if (started.child_ == 0) {
    if (!enter_sandbox(child_reads.get(), child_writes.get(), parent)) ::_exit(1);
    ::_exit(decode_one_file(child_reads.get(), child_writes.get()));
  }
  ::fcntl(started.to_child_.get(), F_SETFL, O_NONBLOCK);
  return started;
}

decoder_child::decoder_child(decoder_child&& other) noexcept
    : child_(std::exchange(other.child_, -1)),
      to_child_(std::move(other.to_child_)),
      from_child_(std::move(other.from_child_)) {}

decoder_child::~decoder_child() {
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

result<decoded_image> decoder_child::decode(std::span<const std::uint8_t> part10, const rendering& how) {
  if (part10.size() > most_file_bytes) return fail(errc::too_large, "the file");
  const auto deadline = steady_clock::now() + longest_decoding;
  decoding_order order{part10.size(), how.frame, how.window.has_value(), how.window.value_or(grey_window{})};
  if (!write_all(to_child_.get(), bytes_of(order), deadline) || !write_all(to_child_.get(), part10, deadline))
    return fail(errc::corrupt, "the decoder died before it had the image");
  return read_answer(from_child_.get(), deadline);
}

}  // namespace penstock::commands
