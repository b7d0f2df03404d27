#include "tools/console/child_programs.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "tools/penstock/own_program.hpp"

namespace penstock::console {
namespace {

using messages::errc;
using messages::fail;

struct pipe_ends {
  client::file_descriptor read;
  client::file_descriptor write;
};

/// What is read here never waits.
result<pipe_ends> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errc::io_error, "no pipe for another penstock");
  pipe_ends made{client::file_descriptor{ends[0]}, client::file_descriptor{ends[1]}};
  return made;
}

/// A passphrase always fits into a pipe.
void give_input(const client::file_descriptor& to, const client::secret_text& input) {
  if (input.empty()) return;
  for (const auto part : {input.reveal(), std::string_view{"\n"}}) {
    const auto ignored = ::write(to.get(), part.data(), part.size());
    static_cast<void>(ignored);
  }
}

int wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

result<int> child_programs::start(const std::vector<std::string>& arguments, const client::secret_text& input,
                                  line_handler on_line, end_handler on_end) {
  auto in = make_pipe();
  auto out = make_pipe();
  auto err = make_pipe();
  if (!in || !out || !err) return fail(errc::io_error, "no pipes for another penstock");
  for (const auto* end : {&out->read, &err->read}) ::fcntl(end->get(), F_SETFL, O_NONBLOCK);
  const auto process = commands::run_program(program_, arguments, {in->read.get(), out->write.get(), err->write.get()});
  if (!process) return process.error();
  give_input(in->write, input);
  const int which = ++last_;
  auto& one = children_[which];
  one.process = *process;
  one.output = std::move(out->read);
  one.errors = std::move(err->read);
  one.on_line = std::move(on_line);
  one.on_end = std::move(on_end);
  loop_.watch(one.output.get(), [this, which] { read_output(which); });
  loop_.watch(one.errors.get(), [this, which] { read_errors(which); });
  return which;
}

void child_programs::interrupt(int which) {
  if (const auto found = children_.find(which); found != children_.end()) ::kill(found->second.process, SIGINT);
}

void child_programs::read_output(int which) {
  auto& one = children_.at(which);
  std::array<char, 4096> part{};
  const auto got = ::read(one.output.get(), part.data(), part.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return close_pipe(which, one.output);
  if (one.read.size() < most_output_bytes) one.read.append(part.data(), static_cast<std::size_t>(got));
}

void child_programs::take_line(child& one, char c) {
  if (c != '\n') {
    one.line_too_long = one.line_too_long || one.line.size() == longest_line;
    if (!one.line_too_long) one.line += c;
    return;
  }
  const auto line = std::exchange(one.line, {});
  if (!std::exchange(one.line_too_long, false)) one.on_line(line);
}

void child_programs::read_errors(int which) {
  auto& one = children_.at(which);
  std::array<char, 4096> part{};
  const auto got = ::read(one.errors.get(), part.data(), part.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return close_pipe(which, one.errors);
  for (ssize_t i = 0; i < got; ++i) take_line(one, part.at(static_cast<std::size_t>(i)));
}

void child_programs::close_pipe(int which, const client::file_descriptor& pipe) {
  loop_.forget(pipe.get());
  auto& one = children_.at(which);
  if (--one.open_pipes != 0) return;
  const program_runner::outcome end{wait_for(one.process), std::move(one.read)};
  const auto tell = std::move(one.on_end);
  children_.erase(which);
  tell(end);
}

child_programs::~child_programs() {
  const auto deadline = std::chrono::steady_clock::now() + longest_farewell;
  for (const auto& [which, one] : children_) ::kill(one.process, SIGINT);
  for (auto& [which, one] : children_) {
    loop_.forget(one.output.get());
    loop_.forget(one.errors.get());
    pollfd end{one.output.get(), POLLIN, 0};
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (::poll(&end, 1, static_cast<int>(std::max<long long>(left, 0))) > 0) wait_for(one.process);
  }
}

}  // namespace penstock::console
