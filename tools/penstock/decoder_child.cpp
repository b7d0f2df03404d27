#include "tools/penstock/decoder_child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "tools/penstock/own_program.hpp"
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
enum class wish : std::uint32_t { image, attributes };
struct decoding_order {
  std::uint64_t file_bytes = 0;
  wish wanted = wish::image;
  std::uint32_t frame = 0;
  bool has_window = false;
  bool full_range = false;
  bool same_file = false;  ///< as the last one; no bytes follow
  grey_window window;
};
struct decoding_answer {
  std::uint32_t code = 0;  ///< errc
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t samples = 0;
  std::uint64_t payload_bytes = 0;  ///< pixels, or the text of the error
  std::uint32_t frames = 1;
  bool has_window = false;
  grey_window window;
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

bool answer_with(int answers, decoding_answer answer, std::span<const std::uint8_t> payload,
                 steady_clock::time_point deadline) {
  answer.payload_bytes = payload.size();
  return write_all(answers, bytes_of(answer), deadline) && write_all(answers, payload, deadline);
}

std::span<const std::uint8_t> bytes_of_text(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

bool answer_with_problem(int answers, const messages::failure& problem, steady_clock::time_point deadline) {
  decoding_answer answer;
  answer.code = static_cast<std::uint32_t>(problem.code);
  return answer_with(answers, answer, bytes_of_text(problem.context), deadline);
}

bool answer_order(int answers, const decoding_order& order, std::span<const std::uint8_t> file,
                  steady_clock::time_point deadline) {
  if (order.wanted == wish::attributes) {
    const auto text = write_attributes(file);
    if (!text) return answer_with_problem(answers, text.error(), deadline);
    return answer_with(answers, {}, bytes_of_text(*text), deadline);
  }
  rendering how{order.frame, std::nullopt, order.full_range};
  if (order.has_window) how.window = order.window;
  const auto image = decode_image(file, how);
  if (!image) return answer_with_problem(answers, image.error(), deadline);
  const decoding_answer answer{0,
                               image->width,
                               image->height,
                               image->colour ? 3U : 1U,
                               0,
                               image->frames,
                               image->window.has_value(),
                               image->window.value_or(grey_window{})};
  return answer_with(answers, answer, image->pixels, deadline);
}

/// What the child does with its life.
int serve_files(int orders, int answers) {
  const auto deadline = steady_clock::now() + std::chrono::hours{24};  // people may think about their passphrase
  std::vector<std::uint8_t> file;
  for (;;) {
    decoding_order order;
    if (!read_all(orders, bytes_of(order), deadline) || order.file_bytes > most_file_bytes) return 1;
    if (!order.same_file) file.resize(order.file_bytes);
    if (!order.same_file && !read_all(orders, file, deadline)) return 1;
    if (!answer_order(answers, order, file, deadline)) return 1;
  }
}

messages::failure died(steady_clock::time_point deadline) {
  return steady_clock::now() >= deadline ? fail(errc::timed_out, "decoding the image took more than 30 s")
                                         : fail(errc::corrupt, "the decoder died of this image");
}

/// The head of an answer that is none of a failure.
result<decoding_answer> read_head(int fd, steady_clock::time_point deadline) {
  decoding_answer answer;
  if (!read_all(fd, bytes_of(answer), deadline)) return died(deadline);
  if (answer.code == 0) return answer;
  std::string text(std::min<std::uint64_t>(answer.payload_bytes, 1024), '\0');
  if (!read_all(fd, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}, deadline)) return died(deadline);
  return fail(static_cast<errc>(answer.code), text);
}

result<decoded_image> read_image(int fd, steady_clock::time_point deadline) {
  const auto head = read_head(fd, deadline);
  if (!head) return head.error();
  const auto& answer = *head;
  const auto pixels = std::uint64_t{answer.width} * answer.height;
  const bool fits = (answer.samples == 1 || answer.samples == 3) && pixels <= most_image_pixels &&
                    answer.payload_bytes == pixels * answer.samples;
  if (!fits) return fail(errc::corrupt, "the decoder gave back what is no image");
  decoded_image image{answer.width, answer.height, answer.samples == 3, {}, std::max(answer.frames, 1U)};
  const auto& window = answer.window;
  if (answer.has_window && std::isfinite(window.centre) && std::isfinite(window.width)) image.window = window;
  image.pixels.resize(answer.payload_bytes);
  if (!read_all(fd, image.pixels, deadline)) return died(deadline);
  return image;
}

result<std::vector<attribute>> read_attributes(int fd, steady_clock::time_point deadline) {
  const auto head = read_head(fd, deadline);
  if (!head) return head.error();
  if (head->payload_bytes > 2 * most_attribute_text_bytes)
    return fail(errc::corrupt, "the decoder gave back what are no attributes");
  std::string text(head->payload_bytes, '\0');
  if (!read_all(fd, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}, deadline)) return died(deadline);
  return parse_attributes(text);
}

struct decoder_pipes {
  client::file_descriptor child_reads;
  client::file_descriptor to_child;
  client::file_descriptor from_child;
  client::file_descriptor child_writes;
};

result<decoder_pipes> make_pipes() {
  std::array<int, 2> orders{};
  std::array<int, 2> answers{};
  if (::pipe2(orders.data(), O_CLOEXEC) != 0) return fail(errc::io_error, "start the image decoder");
  decoder_pipes made;
  made.child_reads = client::file_descriptor{orders[0]};
  made.to_child = client::file_descriptor{orders[1]};
  if (::pipe2(answers.data(), O_CLOEXEC) != 0) return fail(errc::io_error, "start the image decoder");
  made.from_child = client::file_descriptor{answers[0]};
  made.child_writes = client::file_descriptor{answers[1]};
  ::fcntl(made.to_child.get(), F_SETFL, O_NONBLOCK);
  return made;
}

result<void> give(const client::file_descriptor& child, decoding_order& order, std::span<const std::uint8_t> part10,
                  steady_clock::time_point deadline) {
  if (part10.size() > most_file_bytes) return fail(errc::too_large, "the file");
  if (write_all(child.get(), bytes_of(order), deadline) && write_all(child.get(), part10, deadline)) return {};
  return fail(errc::corrupt, "the decoder died before it had the image");
}

}  // namespace

int run_decoder(pid_t parent) {
  prepare_image_decoder();
  if (!enter_sandbox(STDIN_FILENO, STDOUT_FILENO, parent)) return 1;
  return serve_files(STDIN_FILENO, STDOUT_FILENO);
}

result<decoder_child> decoder_child::start() {
  auto pipes = make_pipes();
  if (!pipes) return pipes.error();
  prepare_image_decoder();
  const auto parent = ::getpid();
  decoder_child started;
  started.child_ = ::fork();
  if (started.child_ < 0) return fail(errc::io_error, "start the image decoder");
  if (started.child_ == 0) {
    if (!enter_sandbox(pipes->child_reads.get(), pipes->child_writes.get(), parent)) ::_exit(1);
    ::_exit(serve_files(pipes->child_reads.get(), pipes->child_writes.get()));
  }
  started.to_child_ = std::move(pipes->to_child);
  started.from_child_ = std::move(pipes->from_child);
  return started;
}

result<decoder_child> decoder_child::start_program(const std::filesystem::path& program) {
  auto pipes = make_pipes();
  if (!pipes) return pipes.error();
  const auto child = run_program(program, {"open", decoder_command, std::to_string(::getpid())},
                                 {pipes->child_reads.get(), pipes->child_writes.get()});
  if (!child) return child.error();
  decoder_child started;
  started.child_ = *child;
  started.to_child_ = std::move(pipes->to_child);
  started.from_child_ = std::move(pipes->from_child);
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

result<decoded_image> decoder_child::ask_for_image(std::span<const std::uint8_t> part10, bool same,
                                                   const rendering& how) {
  const auto deadline = steady_clock::now() + longest_decoding;
  decoding_order order{part10.size(),
                       wish::image,
                       how.frame,
                       how.window.has_value(),
                       how.full_range,
                       same,
                       how.window.value_or(grey_window{})};
  if (auto given = give(to_child_, order, part10, deadline); !given) return given.error();
  return read_image(from_child_.get(), deadline);
}

result<decoded_image> decoder_child::decode(std::span<const std::uint8_t> part10, const rendering& how) {
  return ask_for_image(part10, false, how);
}

result<decoded_image> decoder_child::decode_again(const rendering& how) { return ask_for_image({}, true, how); }

result<std::vector<attribute>> decoder_child::attributes(std::span<const std::uint8_t> part10) {
  const auto deadline = steady_clock::now() + longest_decoding;
  decoding_order order;
  order.file_bytes = part10.size();
  order.wanted = wish::attributes;
  if (auto given = give(to_child_, order, part10, deadline); !given) return given.error();
  return read_attributes(from_child_.get(), deadline);
}

}  // namespace penstock::commands
