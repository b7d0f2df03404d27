#pragma once
// The sandboxed process in which files are parsed and images decoded. It is started before any key is unwrapped, gets
// the bytes of files through a pipe, gives pixels or the text of attributes back, and can do nothing else: no files, no
// network, no other process, a limit on memory and time (seccomp(2), setrlimit(2)).

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>

#include "messages/result.hpp"
#include "tools/client/local_file.hpp"
#include "tools/penstock/attributes.hpp"
#include "tools/penstock/image_decoder.hpp"

namespace penstock::commands {

class decoder_child {
 public:
  /// Call while the process has one thread and holds no secret.
  static messages::result<decoder_child> start();
  /// For a process with threads and secrets: `program` is run anew, and does what `run_decoder` does. The child ends
  /// when the thread that calls this does.
  static messages::result<decoder_child> start_program(const std::filesystem::path& program);
  decoder_child(decoder_child&& other) noexcept;
  decoder_child& operator=(decoder_child&&) = delete;
  /// Ends the child.
  ~decoder_child();

  /// errc::corrupt when the child died of the file, errc::timed_out when it took too long, else as decode_image. A
  /// child that died stays dead: the next file needs another.
  messages::result<decoded_image> decode(std::span<const std::uint8_t> part10, const rendering& how);
  /// The file that was decoded last, in another way.
  messages::result<decoded_image> decode_again(const rendering& how);
  /// The same, else as write_attributes.
  messages::result<std::vector<attribute>> attributes(std::span<const std::uint8_t> part10);

  [[nodiscard]] pid_t process() const { return child_; }

 private:
  decoder_child() = default;
  messages::result<decoded_image> ask_for_image(std::span<const std::uint8_t> part10, bool same, const rendering& how);

  pid_t child_ = -1;
  client::file_descriptor to_child_;
  client::file_descriptor from_child_;
};

/// The subcommand of `penstock open` that does nothing but `run_decoder`.
constexpr auto decoder_command = "__decoder";
/// The life of a decoder: orders from standard input, answers on standard output. Its exit code.
[[nodiscard]] int run_decoder(pid_t parent);

}  // namespace penstock::commands
