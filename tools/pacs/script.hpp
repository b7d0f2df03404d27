#pragma once
// What the TOML file says: who this PACS is, what it holds, and how it misbehaves. README.md has every key.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "conf/fault.hpp"
#include "tools/pacs/connection.hpp"
#include "tools/pacs/dataset.hpp"
#include "tools/pacs/faults.hpp"

namespace penstock::pacs {

/// Studies that are made on the fly: `count` of them, the first with these values.
struct generated_study {
  std::string study_uid;  ///< empty: made from the patient and the place in the file
  std::string date;       ///< YYYYMMDD
  std::string time;       ///< HHMMSS
  std::string modality;
  std::string accession;
  std::string description;
  std::string character_set;
  std::uint32_t count = 1;
  std::uint32_t series = 1;
  std::uint32_t instances = 1;       ///< of a series
  std::uint64_t instance_bytes = 0;  ///< of its pixel data
};

struct generated_patient {
  std::string mrn;
  std::string issuer;
  std::string name;
  std::string birth_date;  ///< YYYYMMDD or empty
  std::string sex;
  std::vector<generated_study> studies;
};

/// Studies that lie on tape until they were asked for.
struct nearline_rule {
  std::string study_uid;  ///< empty: any
  std::string mrn;        ///< empty: any
  std::chrono::milliseconds recall{0};
  /// Answer of a retrieval until the study is back; without it the retrieval waits.
  std::optional<std::uint16_t> status;
};

struct script {
  std::string ae_title;  ///< empty: whatever we are called
  std::optional<std::uint16_t> port;
  std::uint32_t most_associations = 0;  ///< 0: no limit
  std::uint32_t seed = 0;
  std::map<std::string, host_port, std::less<>> destinations;
  std::vector<std::filesystem::path> directories;
  std::vector<generated_patient> patients;
  std::vector<nearline_rule> nearline;
  std::vector<fault> faults;
};

[[nodiscard]] conf::loaded<script> read_script(const std::filesystem::path& file);

/// "AE=HOST:PORT"; nothing when it is not that.
[[nodiscard]] std::optional<std::pair<std::string, host_port>> parse_destination(const std::string& text);

}  // namespace penstock::pacs
