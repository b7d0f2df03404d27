// How fast sealed downloads leave the server, beside how fast this machine seals: both in one run, so that the ratio
// holds on any machine. The client runs here too, on a thread of its own, and discards what it gets.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "gateways/download_frames.hpp"
#include "gateways/download_gateway.hpp"
#include "gateways/download_tickets.hpp"
#include "gateways/zmq_auth.hpp"
#include "storage/sealed_segments.hpp"

namespace penstock::bench {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::uint64_t instance_bytes = 16'000'000;
constexpr int receive_timeout_ms = 10'000;

struct options {
  std::uint64_t megabytes = 1500;
  int rounds = 5;
  std::uint32_t credit = 16;
  std::filesystem::path folder = std::filesystem::temp_directory_path();
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Megabytes are 10^6 plain bytes; CPU is that of the whole process.
struct speed {
  double megabytes_per_second = 0;
  double cpu_seconds_per_gigabyte = 0;
};

/// Between its making and `over`.
class stopwatch {
 public:
  [[nodiscard]] speed over(std::uint64_t bytes) const {
    const double seconds = std::chrono::duration<double>(steady::now() - start_).count();
    const auto moved = static_cast<double>(bytes);
    return {moved / seconds / 1e6, (cpu_seconds() - cpu_before_) / (moved / 1e9)};
  }

 private:
  double cpu_before_ = cpu_seconds();
  steady::time_point start_ = steady::now();
};

/// One thread, in place, full segments.
speed measure_sealing(std::uint64_t bytes) {
  auto sealer = storage::segment_sealer::create(storage::secret_bytes::random(16), {"bench", 1, bytes}, {}).value();
  std::vector<std::uint8_t> buffer(storage::sealed_segment_bytes);
  const std::size_t plain = buffer.size() - storage::sealed_tag_bytes;
  const auto segments = bytes / plain;
  const stopwatch watch;
  for (std::uint64_t n = 0; n < segments; ++n)
    if (!sealer.seal(n, false, buffer, plain)) return {};
  return watch.over(segments * plain);
}

/// A pack of one instance's size, in the page cache; every object of the download is read from it.
class scratch_pack {
 public:
  explicit scratch_pack(const std::filesystem::path& folder)
      : path_(folder / ("penstock-bench-" + storage::to_hex(storage::secret_bytes::random(8).view()))) {
    std::ofstream{path_, std::ios::binary} << std::string(instance_bytes, 'x');
  }
  ~scratch_pack() { std::filesystem::remove(path_); }
  scratch_pack(const scratch_pack&) = delete;
  scratch_pack& operator=(const scratch_pack&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class site {
 public:
  explicit site(const std::filesystem::path& folder) : pack_(folder) {
    const auto redeem = [this](std::string_view ticket, std::string_view secret) {
      return tickets_.redeem(ticket, secret);
    };
    authority_ =
        gateways::zap_handler::start(context_, std::make_shared<gateways::key_directory_holder>(), redeem).value();
    gateway_ = gateways::download_gateway::start(context_, {}, {}).value();
  }

  gateways::download_ticket offer(const std::string& download, std::uint64_t bytes) {
    gateways::download_offer made;
    made.download = download;
    made.key = storage::secret_bytes::random(storage::data_key_bytes);
    made.manifest = "{}";
    for (std::uint32_t index = 1; index <= bytes / instance_bytes; ++index)
      made.objects.push_back({index, pack_.path(), 0, instance_bytes, {}});
    if (auto offered = gateway_->offer(std::move(made)); !offered) throw std::runtime_error{offered.error().text()};
    return tickets_.issue(download).value();
  }
  [[nodiscard]] const std::string& endpoint() const { return gateway_->endpoint(); }

 private:
  zmq::context_t context_{2};
  scratch_pack pack_;
  gateways::download_tickets tickets_;
  std::unique_ptr<gateways::zap_handler> authority_;
  std::unique_ptr<gateways::download_gateway> gateway_;
};

void send_credit(zmq::socket_t& socket, std::uint32_t messages) {
  const auto bytes = gateways::big_endian_32(messages);
  socket.send(zmq::str_buffer("CREDIT"), zmq::send_flags::sndmore);
  socket.send(zmq::buffer(bytes));
}

/// Receives up to END and drops it all; the sealed bytes seen.
std::uint64_t discard_download(const std::string& endpoint, const std::string& download,
                               const gateways::download_ticket& ticket, std::uint32_t credit) {
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::dealer};
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::plain_username, ticket.ticket);
  socket.set(zmq::sockopt::plain_password, ticket.secret);
  socket.set(zmq::sockopt::rcvtimeo, receive_timeout_ms);
  socket.connect(endpoint);
  socket.send(zmq::str_buffer("OPEN"), zmq::send_flags::sndmore);
  socket.send(zmq::buffer(download));
  send_credit(socket, credit);
  const std::uint32_t refill = std::max(1U, credit / 4);
  std::uint64_t sealed_bytes = 0;
  zmq::message_t frame;
  for (std::uint32_t messages = 1;; ++messages) {
    if (!socket.recv(frame)) throw std::runtime_error{"the download stopped"};
    const bool segment = frame.to_string_view() == "SEG";
    if (frame.to_string_view() == "END") return sealed_bytes;
    while (frame.more()) static_cast<void>(socket.recv(frame));
    if (segment) sealed_bytes += frame.size();
    if (messages % refill == 0) send_credit(socket, refill);
  }
}

speed measure_download(site& served, const std::string& download, const options& chosen) {
  const auto ticket = served.offer(download, chosen.megabytes * 1'000'000);
  const stopwatch watch;
  std::uint64_t bytes = 0;
  std::thread{[&] { bytes = discard_download(served.endpoint(), download, ticket, chosen.credit); }}.join();
  return watch.over(bytes);
}

std::string cpu_model() {
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void run(const options& chosen) {
  std::printf("machine: %s, %u cores; libzmq %d.%d.%d\n", cpu_model().c_str(), std::thread::hardware_concurrency(),
              ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH);
  std::printf(
      "%llu MB a round, objects of %llu MB, segments of %u, credit %u; client in the same process, discards\n\n",
      static_cast<unsigned long long>(chosen.megabytes), static_cast<unsigned long long>(instance_bytes / 1'000'000),
      storage::sealed_segment_bytes, chosen.credit);
  std::printf("        sealing, one thread      download, both ends\n");
  std::printf("round     MB/s   CPU s/GB         MB/s   CPU s/GB     MB/s ratio\n");
  site served{chosen.folder};
  std::vector<double> sealing_speeds;
  std::vector<double> download_speeds;
  std::vector<double> ratios;
  for (int round = 1; round <= chosen.rounds; ++round) {
    const auto sealing = measure_sealing(chosen.megabytes * 1'000'000);
    const auto download = measure_download(served, "bench-" + std::to_string(round), chosen);
    sealing_speeds.push_back(sealing.megabytes_per_second);
    download_speeds.push_back(download.megabytes_per_second);
    ratios.push_back(download.megabytes_per_second / sealing.megabytes_per_second);
    std::printf("%5d %8.0f %10.2f %12.0f %10.2f %14.2f\n", round, sealing.megabytes_per_second,
                sealing.cpu_seconds_per_gigabyte, download.megabytes_per_second, download.cpu_seconds_per_gigabyte,
                ratios.back());
  }
  std::printf("median %7.0f %23.0f %25.2f\n", median(sealing_speeds), median(download_speeds), median(ratios));
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  penstock::bench::options chosen;
  CLI::App app{"Measures sealing and the data socket in one run."};
  app.add_option("--megabytes", chosen.megabytes, "per round")->check(CLI::Range(16, 1'000'000))->capture_default_str();
  app.add_option("--rounds", chosen.rounds)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--credit", chosen.credit, "messages outstanding")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--folder", chosen.folder, "for the scratch pack")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    penstock::bench::run(chosen);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 1;
  }
}
