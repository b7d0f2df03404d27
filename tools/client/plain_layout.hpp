#pragma once
// Where ordinary DICOM files go. Names come from patients' data and may be hostile: none leaves the folder, none is
// another's, none means something else to an operating system. Pure.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/client/download_manifest.hpp"

namespace penstock::client {

enum class plain_layout : std::uint8_t {
  ordinals,  ///< MR/0001/0002/000003.dcm
  readable,  ///< 0000123/20090131_MR_A1/2_T1_axial/000003.dcm
  spl,       ///< MR.MOD/STATION.STA/20090131.DAY/1.2.3.UID/2.SER/000003.dcm
  media      ///< PT000001/ST000001/SE000002/IM000003: the only names that a DICOMDIR may hold (PS3.10 section 8.2)
};
/// errc::bad_request names those that may be chosen: readable, spl, media.
[[nodiscard]] result<plain_layout> plain_layout_named(std::string_view name);

/// What names tell of a series besides the manifest; any of it may be empty.
struct series_words {
  std::string study_date;
  std::string accession;
  std::string station;
  std::string description;
};
/// (study ordinal, series ordinal)
using series_place = std::pair<std::uint32_t, std::uint32_t>;

/// One relative path for each object of the manifest; empty for what could not be sent. All differ, whatever the case
/// of their letters.
[[nodiscard]] std::vector<std::string> plain_paths(const download_manifest& manifest,
                                                   const std::vector<placement>& places,
                                                   const std::map<series_place, series_words>& words,
                                                   plain_layout layout);

constexpr std::size_t longest_safe_name = 64;
/// `text` as the name of one file or folder on any system: letters, digits, '-', '.', '_'; never empty, hidden or
/// reserved.
[[nodiscard]] std::string safe_name(std::string_view text);

}  // namespace penstock::client
