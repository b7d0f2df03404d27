#pragma once
// What a download holds, as its object 0 says, and where each object goes on the researcher's disk.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "messages/ids.hpp"
#include "messages/result.hpp"

namespace penstock::client {

using messages::result;

/// Object 0 is held in memory to be read.
constexpr std::uint64_t largest_manifest_bytes = 512ULL * 1024 * 1024;

struct manifest_object {
  std::uint32_t index = 0;
  messages::dicom_uid study;
  messages::dicom_uid series;
  messages::dicom_uid instance;
  messages::protected_text patient_id;
  std::int64_t series_number = 0;
  std::int64_t instance_number = 0;
  std::string modality;  ///< upper case letters and digits only; "OTHER" when the manifest does not say
  std::uint64_t plain_bytes = 0;
  std::string dataset_sha256;  ///< lower case hexadecimal, or empty
  std::string error;           ///< why the server could not send it; then nothing follows the index
};

struct download_manifest {
  std::string project;
  std::string download;
  std::vector<manifest_object> objects;  ///< in the order in which they are sent: index 1, 2, 3, ...
};

/// errc::corrupt when it is not the JSON of messages/WIRE.md, "The data socket", or its indices are not dense.
[[nodiscard]] result<download_manifest> parse_manifest(std::string_view json);

/// Ordinals from 1, in DICOM order: studies as they first appear, series by number then UID, instances by number then
/// UID.
struct placement {
  std::uint32_t study = 0;
  std::uint32_t series = 0;
  std::uint32_t instance = 0;
};

/// One for each object of the manifest, in its order; zeros for an object that could not be sent.
[[nodiscard]] std::vector<placement> place_objects(const download_manifest& manifest);

/// "0001/0002/000003.sealed": tells nothing but the order.
[[nodiscard]] std::string sealed_path(const placement& place);
/// "MR/0001/0002/000003.dcm".
[[nodiscard]] std::string plain_path(const placement& place, const std::string& modality);

}  // namespace penstock::client
