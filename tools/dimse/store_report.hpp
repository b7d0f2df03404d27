#pragma once
// What was stored and refused, gathered for the parent.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "messages/dimse_inbound.hpp"
#include "tools/dimse/session.hpp"

namespace penstock::dimse {

/// One message for each study and each kind of refusal, at most every 20 ms or when 32 KiB are gathered.
class store_report {
 public:
  static constexpr std::chrono::milliseconds interval{20};
  static constexpr std::size_t most_gathered_bytes = std::size_t{32} << 10;

  explicit store_report(parent_link& to) : to_(to) {}

  void add_stored(const messages::dicom_uid& study, const messages::dicom_uid& instance, std::uint64_t bytes);
  void add_refused(const messages::dicom_uid& study, const std::string& reason, std::uint16_t dimse_status);
  /// Sends what is gathered.
  void flush();
  /// Sends it if it is time; says when it will be.
  steady::time_point flush_if_due();

  [[nodiscard]] std::uint64_t stored() const { return stored_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  void gathered(std::size_t bytes);

  parent_link& to_;
  std::map<messages::dicom_uid, messages::stored> waiting_stored_;
  std::map<std::pair<messages::dicom_uid, std::string>, messages::refused> waiting_refused_;
  std::size_t gathered_bytes_ = 0;
  steady::time_point due_ = steady::time_point::max();
  std::uint64_t stored_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace penstock::dimse
