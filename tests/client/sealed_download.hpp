#pragma once
// A download as a server would seal it: some patients, small and large instances, a segment size small enough that they
// have many segments.

#include <cstdint>
#include <string>
#include <vector>

#include "tools/client/download_receiver.hpp"

namespace penstock::client::testing {

constexpr std::uint32_t small_segment_bytes = 256;
/// Stands in every instance; must never be seen on a disk.
constexpr auto plaintext_canary = "CANARY^PLAINTEXT";

struct test_instance {
  std::string patient;
  std::string study;
  std::string series;
  std::string instance;
  int series_number = 1;
  int instance_number = 1;
  std::size_t bytes = 1000;
  std::string error;  ///< the server could not have it
};

struct sealed_segment {
  std::uint32_t object = 0;
  std::uint64_t segment = 0;
  std::vector<std::uint8_t> bytes;
};

class sealed_download {
 public:
  explicit sealed_download(std::vector<test_instance> instances);

  [[nodiscard]] const download_facts& facts() const { return facts_; }
  [[nodiscard]] download_facts copy_of_facts() const;
  [[nodiscard]] const std::vector<std::uint64_t>& sealed_bytes() const { return sealed_bytes_; }
  [[nodiscard]] const std::vector<sealed_segment>& segments() const { return segments_; }
  [[nodiscard]] const std::string& plain(std::size_t instance) const { return plain_[instance]; }

  /// Feeds a receiver from `from` on, at most `most` segments; true when everything was fed.
  result<bool> feed(download_receiver& receiver, download_position from, std::size_t most) const;

 private:
  void seal(std::uint32_t index, const std::string& plain);

  download_facts facts_;
  std::vector<std::string> plain_;
  std::vector<std::uint64_t> sealed_bytes_;  ///< by index; 0 for what could not be had
  std::vector<sealed_segment> segments_;
};

/// Two patients, three studies, in an order that is not DICOM's.
[[nodiscard]] std::vector<test_instance> two_patients();

/// A Part 10 file of `bytes` with the canary in its data set.
[[nodiscard]] std::string part10_file(std::size_t bytes, const std::string& salt);

}  // namespace penstock::client::testing
