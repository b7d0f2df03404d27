// How fast instances are received into packs through the whole inbound path (listener, child process, pack), beside the
// stock receiver of DCMTK: the same instances from the same sender, in one run, so that the ratio holds on any machine.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <caf/all.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "actors/system_config.hpp"
#include "gateways/dicom_listener.hpp"
#include "messages/type_ids.hpp"
#include "storage/pack_reader.hpp"
#include "tools/bench/ct_image.hpp"
#include "tools/bench/machine.hpp"
#include "tools/bench/stock_receiver.hpp"
#include "tools/dimse/store_sender.hpp"

namespace penstock::bench {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::chrono::seconds answer_patience{60};
constexpr std::chrono::milliseconds look_interval{5};
constexpr const char* owner = "bench";

struct options {
  std::size_t small_instances = 20'000;
  std::size_t large_instances = 2'000;
  int rounds = 3;
  bool quick = false;
  std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "penstock-dimse";
  std::filesystem::path folder = std::filesystem::temp_directory_path();
};

struct task {
  std::size_t dataset_bytes = 0;
  std::size_t instances = 0;
  std::size_t associations = 1;
  double wanted_ratio = 0;
};

struct speed {
  double instances_per_second = 0;
  double receiver_cpu_us = 0;  ///< an instance, of the receiving processes
};

double children_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

template <class T>
T must(messages::result<T> outcome) {
  if (!outcome) throw std::runtime_error{outcome.error().text()};
  if constexpr (!std::is_void_v<T>) return std::move(outcome).value();
}

const patient_study& studied() {
  static const patient_study one{"BENCH-1", "2.25.200000000000001"};
  return one;
}

/// Opens the associations, sends what is to be sent over each, and releases them.
void send_all(const dimse::store_peer& peer, const task& of, const dimse::sample_image& image) {
  const auto send_share = [&](std::size_t first, std::size_t end) {
    auto sender = must(dimse::store_sender::open(peer, image));
    for (auto number = first; number < end; ++number) must(sender.store(instance_uid(number)));
    must(sender.release());
  };
  std::vector<std::future<void>> shares;
  for (std::size_t n = 0; n < of.associations; ++n)
    shares.push_back(std::async(std::launch::async, send_share, of.instances * n / of.associations,
                                of.instances * (n + 1) / of.associations));
  for (auto& share : shares) share.get();
}

speed measure_storescp(const task& of, bool no_delay, const std::filesystem::path& scratch) {
  const auto image = make_ct_image(studied(), of.dataset_bytes);
  stock_receiver receiver{{.fork = of.associations > 1, .no_delay = no_delay}, scratch};
  const double cpu_before = children_cpu_seconds();
  const auto start = steady::now();
  send_all({.port = receiver.port(), .called_ae = "STORESCP", .calling_ae = "BENCH"}, of, image);
  const std::chrono::duration<double> seconds = steady::now() - start;
  receiver.stop();
  if (receiver.files_received() != of.instances) throw std::runtime_error{"storescp did not store every instance"};
  const auto count = static_cast<double>(of.instances);
  return {count / seconds.count(), (children_cpu_seconds() - cpu_before) / count * 1e6};
}

/// Our inbound path: a listener with its real children, told what to expect as a PACS association would tell it.
class inbound_path {
 public:
  inbound_path(const std::filesystem::path& program, std::filesystem::path scratch) : scratch_(std::move(scratch)) {
    std::filesystem::create_directories(folder());
    listener_ = must(gateways::dicom_listener::start(system_, {.program = program, .most_associations_per_peer = 16}));
  }

  speed measure(const task& of) {
    const auto image = make_ct_image(studied(), of.dataset_bytes);
    const double cpu_before = children_cpu_seconds();
    const auto start = steady::now();
    expect();
    send_all({.port = listener_->port(), .called_ae = "PENSTOCK", .calling_ae = "BENCH"}, of, image);
    const auto parts = stop();
    const std::chrono::duration<double> seconds = steady::now() - start;
    wait_for_children();
    const auto count = static_cast<double>(of.instances);
    const speed measured{count / seconds.count(), (children_cpu_seconds() - cpu_before) / count * 1e6};
    check(parts, of, image);
    return measured;
  }

 private:
  [[nodiscard]] std::filesystem::path folder() const { return scratch_ / "packs"; }

  template <class Answer, class Question>
  Answer ask(Question question) {
    Answer answer;
    self_->request(listener_->handle(), answer_patience, std::move(question))
        .receive([&](Answer& given) { answer = std::move(given); },
                 [](const caf::error&) { throw std::runtime_error{"the listener does not answer"}; });
    return answer;
  }

  void expect() {
    messages::expect_arrivals expected;
    expected.owner = owner;
    expected.ticket = ++ticket_;
    expected.ae_title = "BENCH";
    expected.study = messages::dicom_uid{studied().study_uid};
    expected.patient.patient_id = messages::protected_text{studied().patient_id};
    expected.directory = folder().string();
    expected.stem = std::to_string(ticket_);
    ask<messages::arrivals_expected>(std::move(expected));
  }

  std::vector<std::string> stop() {
    return ask<messages::arrivals_stopped>(messages::stop_arrivals{owner, ticket_}).parts;
  }

  /// Their CPU time counts when they were waited for.
  void wait_for_children() {
    const auto until = steady::now() + answer_patience;
    while (steady::now() < until) {
      const auto described = nlohmann::json::parse(ask<messages::answered>(messages::describe_actor{"bench"}).json);
      if (described.at("associations") == 0) return;
      std::this_thread::sleep_for(look_interval);
    }
    throw std::runtime_error{"children are left"};
  }

  /// Every instance is in the packs once, with the data set's size and a checksum that agrees.
  void check(const std::vector<std::string>& parts, const task& of, const dimse::sample_image& image) const {
    std::set<messages::dicom_uid> found;
    for (const auto& part : parts) {
      const auto path = folder() / part;
      auto reader = must(storage::pack_reader::open(path.string()));
      const auto contents = must(reader.list());
      if (!contents.whole) throw std::runtime_error{"a pack is not whole"};
      for (const auto& record : contents.records) {
        must(reader.verify(record));
        if (record.dataset_bytes != image.dataset.size()) throw std::runtime_error{"an instance is not whole"};
        if (!found.insert(record.sop_instance).second) throw std::runtime_error{"an instance was stored twice"};
      }
      std::filesystem::remove(path);
    }
    for (std::size_t number = 0; number < of.instances; ++number)
      if (!found.contains(messages::dicom_uid{instance_uid(number)}))
        throw std::runtime_error{"an instance is missing in the packs"};
    if (found.size() != of.instances) throw std::runtime_error{"the packs hold instances that were not sent"};
  }

  std::filesystem::path scratch_;
  actors::system_config config_;
  caf::actor_system system_{config_};
  std::unique_ptr<gateways::dicom_listener> listener_;
  caf::scoped_actor self_{system_};
  std::uint64_t ticket_ = 0;
};

/// Removed with all that is in it.
class scratch_folder {
 public:
  explicit scratch_folder(const std::filesystem::path& in) {
    auto name = (in / "penstock-receive-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot make a folder in " + in.string()};
    path_ = name;
  }
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// The rounds of one task; the median of their ratios.
double run_task(const task& of, int rounds, inbound_path& ours, const std::filesystem::path& scratch) {
  std::vector<double> ratios;
  for (int round = 1; round <= rounds; ++round) {
    const auto stock = measure_storescp(of, true, scratch);
    const auto packs = ours.measure(of);
    const double megabytes = static_cast<double>(of.dataset_bytes) / 1e6;
    ratios.push_back(packs.instances_per_second / stock.instances_per_second);
    std::printf("%4zu KiB %6zu %6d %8.0f %7.0f %9.0f %10.0f %7.0f %9.0f %9.1f %9.1f\n", of.dataset_bytes / 1024,
                of.associations, round, stock.instances_per_second, stock.instances_per_second * megabytes,
                stock.receiver_cpu_us, packs.instances_per_second, packs.instances_per_second * megabytes,
                packs.receiver_cpu_us, ratios.back(), stock.receiver_cpu_us / packs.receiver_cpu_us);
    std::fflush(stdout);
  }
  return median(ratios);
}

void print_head(const options& chosen) {
  std::printf("machine: %s\n", describe_machine().c_str());
  std::printf("%zu instances of 32 KiB, %zu of 512 KiB; sender: one thread an association, in this process\n",
              chosen.small_instances, chosen.large_instances);
  std::printf("storescp: dcmtk's, TCP_NODELAY=1, otherwise its defaults; --fork for 4 associations\n\n");
  std::printf("                       |        storescp          |     penstock, into packs    |       ratio\n");
  std::printf(
      "instance assoc.  round |  inst/s    MB/s us CPU/i |   inst/s    MB/s us CPU/inst |    speed       CPU\n");
}

void run(options chosen) {
  if (chosen.quick) {
    chosen.small_instances = std::min<std::size_t>(chosen.small_instances, 4'000);
    chosen.large_instances = std::min<std::size_t>(chosen.large_instances, 400);
    chosen.rounds = 1;
  }
  const scratch_folder scratch{chosen.folder};
  inbound_path ours{chosen.program, scratch.path()};
  print_head(chosen);
  const std::vector<task> tasks{{std::size_t{32} << 10, chosen.small_instances, 1, 10},
                                {std::size_t{512} << 10, chosen.large_instances, 1, 2}};
  for (auto each : tasks) {
    std::vector<double> ratios;
    for (const std::size_t associations : {1, 4}) {
      each.associations = associations;
      ratios.push_back(run_task(each, chosen.rounds, ours, scratch.path()));
    }
    std::printf("  %zu KiB: median ratio %.1f with 1 association, %.1f with 4; wanted %.0f with either: %s\n",
                each.dataset_bytes / 1024, ratios[0], ratios[1], each.wanted_ratio,
                std::ranges::max(ratios) >= each.wanted_ratio ? "reached" : "MISSED");
  }
  constexpr std::size_t few = 100;
  const auto as_installed = measure_storescp({tasks[0].dataset_bytes, few, 1, 0}, false, scratch.path());
  std::printf("\nfor information: storescp with Nagle's algorithm on, as installed, 32 KiB: %.0f inst/s\n",
              as_installed.instances_per_second);
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  penstock::bench::options chosen;
  CLI::App app{"Measures receiving into packs beside DCMTK's storescp in one run."};
  app.add_option("--small", chosen.small_instances, "instances of 32 KiB")
      ->check(CLI::Range(100, 1'000'000))
      ->capture_default_str();
  app.add_option("--large", chosen.large_instances, "instances of 512 KiB")
      ->check(CLI::Range(100, 100'000))
      ->capture_default_str();
  app.add_option("--rounds", chosen.rounds)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_flag("--quick", chosen.quick, "one short round each");
  app.add_option("--dimse", chosen.program, "penstock-dimse")->check(CLI::ExistingFile)->capture_default_str();
  app.add_option("--folder", chosen.folder, "for what is received")
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
