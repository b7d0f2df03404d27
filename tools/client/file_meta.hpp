#pragma once
// The head of a DICOM Part 10 file (PS3.10 section 7.1): what says how the data set behind it is to be read. Pure;
// nothing of the data set is looked at.

#include <string>
#include <string_view>

#include "messages/result.hpp"

namespace penstock::client {

struct file_meta {
  std::string sop_class;
  std::string sop_instance;
  std::string transfer_syntax;
  std::string_view data_set;  ///< the rest of the file
};

/// errc::corrupt when it does not begin like a Part 10 file, or one of the three is no UID.
[[nodiscard]] messages::result<file_meta> read_file_meta(std::string_view part10);

}  // namespace penstock::client
