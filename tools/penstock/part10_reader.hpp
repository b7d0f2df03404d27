#pragma once
// Lets DCMTK read a file that lies in memory. In a sandboxed child only (decoder_child.hpp).

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcistrmb.h>

#include <cstdint>
#include <span>
#include <string>

#include "messages/result.hpp"

namespace penstock::commands {

/// errc::corrupt when it is no DICOM file. `part10` must outlive `file`.
[[nodiscard]] inline messages::result<void> read_part10(DcmFileFormat& file, std::span<const std::uint8_t> part10) {
  DcmInputBufferStream stream;
  stream.setBuffer(part10.data(), static_cast<offile_off_t>(part10.size()));
  stream.setEos();
  file.transferInit();
  const auto read = file.read(stream);
  file.transferEnd();
  if (read.good()) return {};
  return messages::fail(messages::errc::corrupt, std::string{"not a DICOM file: "} + read.text());
}

}  // namespace penstock::commands
