#pragma once
// An invented CT image of a wanted size, for measuring how fast images are received.

#include <cstddef>
#include <string>

#include "tools/dimse/store_sender.hpp"

namespace penstock::bench {

struct patient_study {
  std::string patient_id;
  std::string study_uid;
};

/// Explicit VR little endian, uncompressed; the data set has exactly `dataset_bytes`, an even number from 4 KiB up.
/// Some 80 attributes go before the pixels, as a scanner writes them.
[[nodiscard]] dimse::sample_image make_ct_image(const patient_study& of, std::size_t dataset_bytes);

/// A SOP Instance UID; all are of one length, an even one. `number` is below 10^12.
[[nodiscard]] std::string instance_uid(std::size_t number);

}  // namespace penstock::bench
