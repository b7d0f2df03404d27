#include "tools/dimse/store_report.hpp"

#include <utility>

namespace penstock::dimse {

void store_report::gathered(std::size_t bytes) {
  if (gathered_bytes_ == 0) due_ = steady::now() + interval;
  gathered_bytes_ += bytes;
  if (gathered_bytes_ >= most_gathered_bytes) flush();
}

void store_report::add_stored(const messages::dicom_uid& study, const messages::dicom_uid& instance,
                              std::uint64_t bytes) {
  ++stored_;
  bytes_ += bytes;
  auto& waiting = waiting_stored_[study];
  waiting.study_uid = study;
  waiting.instances.push_back({instance, bytes});
  constexpr std::size_t json_around_one = 64;
  gathered(instance.reveal().size() + json_around_one);
}

void store_report::add_refused(const messages::dicom_uid& study, const std::string& reason,
                               std::uint16_t dimse_status) {
  ++refused_;
  auto& waiting = waiting_refused_[{study, reason}];
  waiting.study_uid = study;
  waiting.reason = reason;
  waiting.dimse_status = dimse_status;
  ++waiting.count;
  constexpr std::size_t json_around_one = 128;
  gathered(waiting.count == 1 ? study.reveal().size() + reason.size() + json_around_one : 0);
}

void store_report::flush() {
  for (const auto& [study, message] : std::exchange(waiting_stored_, {})) to_.tell(message);
  for (const auto& [key, message] : std::exchange(waiting_refused_, {})) to_.tell(message);
  gathered_bytes_ = 0;
  due_ = steady::time_point::max();
}

steady::time_point store_report::flush_if_due() {
  if (steady::now() >= due_) flush();
  return due_;
}

}  // namespace penstock::dimse
