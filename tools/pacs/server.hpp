#pragma once
// What all associations share.

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "messages/result.hpp"
#include "tools/pacs/catalogue.hpp"
#include "tools/pacs/faults.hpp"
#include "tools/pacs/request_log.hpp"
#include "tools/pacs/script.hpp"

namespace penstock::pacs {

/// A script and what it describes. A request keeps the world in which it began.
struct world {
  script said;
  catalogue holds;
  std::unique_ptr<fault_book> faults;
};

struct server_options {
  std::filesystem::path script_file;
  std::vector<std::filesystem::path> directories;
  std::map<std::string, host_port, std::less<>> destinations;
};

/// Counts something for as long as it lives.
class counted {
 public:
  explicit counted(std::atomic<std::uint32_t>& counter) : counter_(&counter), count_(++counter) {}
  counted(counted&& other) noexcept : counter_(std::exchange(other.counter_, nullptr)), count_(other.count_) {}
  counted& operator=(counted&&) = delete;
  ~counted() { end(); }
  /// How many there were with this one.
  [[nodiscard]] std::uint32_t count() const { return count_; }
  void end() {
    if (auto* counter = std::exchange(counter_, nullptr)) --*counter;
  }

 private:
  std::atomic<std::uint32_t>* counter_;
  std::uint32_t count_;
};

/// Safe from every thread.
class server {
 public:
  explicit server(server_options options) : options_(std::move(options)) {}

  /// Reads the script; what was read before stays when it has a fault, and the failure's context has all faults.
  [[nodiscard]] messages::result<void> load();
  [[nodiscard]] std::shared_ptr<const world> now() const;

  /// How long until this study is on line; the first to ask with `recall` starts the recall. Zero when it is.
  [[nodiscard]] std::chrono::milliseconds recall_time(const nearline_rule& rule, const std::string& study_uid,
                                                      bool recall);

  [[nodiscard]] counted count_association() { return counted{associations_}; }
  [[nodiscard]] counted count_in_flight(request_kind kind) {
    return counted{in_flight_[static_cast<std::size_t>(kind)]};
  }
  [[nodiscard]] std::uint64_t next_request_number() { return ++requests_; }
  [[nodiscard]] std::uint64_t next_association_number() { return ++association_numbers_; }

  request_log log;

 private:
  static constexpr std::size_t kinds = 6;

  server_options options_;
  mutable std::mutex mutex_;
  std::shared_ptr<const world> world_;
  std::map<std::string, std::chrono::steady_clock::time_point> back_on_line_;
  std::array<std::atomic<std::uint32_t>, kinds> in_flight_{};
  std::atomic<std::uint32_t> associations_{0};
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint64_t> association_numbers_{0};
};

/// The rule that makes a study nearline; null for one that is on line.
[[nodiscard]] const nearline_rule* nearline_rule_for(const world& in, const study& of);

}  // namespace penstock::pacs
