#pragma once
// What this PACS holds: studies read from files and studies made on the fly. Never changed once it is filled; text is
// UTF-8 in here whatever the objects have.

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "messages/result.hpp"
#include "tools/pacs/dataset.hpp"
#include "tools/pacs/script.hpp"

namespace penstock::pacs {

struct instance {
  std::string sop_instance_uid;
  std::string sop_class_uid;
  std::string transfer_syntax;  ///< of the file; generated ones have any of little endian
  std::uint32_t number = 0;
  std::filesystem::path file;    ///< empty: generated
  std::uint64_t dataset_at = 0;  ///< in the file
};

struct series {
  dataset attributes;
  std::vector<instance> instances;
};

struct study {
  dataset attributes;  ///< of the patient and the study
  std::vector<series> members;
  // Of generated studies:
  std::string character_set;
  std::uint64_t instance_bytes = 0;

  [[nodiscard]] std::string uid() const { return text(attributes, attributes::study_instance_uid); }
  [[nodiscard]] std::string patient_id() const { return text(attributes, attributes::patient_id); }
};

/// One object, and what it belongs to. Lives as long as the catalogue.
struct object {
  const study* of_study = nullptr;
  const series* of_series = nullptr;
  const instance* what = nullptr;
};

class catalogue {
 public:
  /// Adds a study that is complete; one whose UID is there already is left out.
  void add(study made);

  [[nodiscard]] const std::vector<study>& studies() const { return studies_; }
  /// Null when there is none.
  [[nodiscard]] const study* find(const std::string& study_uid) const;
  /// Whether there are objects of that class that can be sent in that transfer syntax.
  [[nodiscard]] bool has(const std::string& sop_class_uid, const std::string& transfer_syntax) const {
    return sent_as_.contains({sop_class_uid, transfer_syntax});
  }

 private:
  std::vector<study> studies_;
  std::unordered_map<std::string, std::size_t> by_uid_;
  std::set<std::pair<std::string, std::string>> sent_as_;
};

/// All that the script tells of. A directory that cannot be read is a failure; a file that is no DICOM is left out, and
/// `skipped` says how many were.
[[nodiscard]] messages::result<catalogue> fill_catalogue(const script& from, std::size_t& skipped);

void add_generated(const generated_patient& patient, catalogue& to);
[[nodiscard]] messages::result<void> add_directory(const std::filesystem::path& directory, catalogue& to,
                                                   std::size_t& skipped);

/// The data set of an object that no file holds.
[[nodiscard]] bytes generate(const object& wanted, encoding as);
/// The data set of any object, as in the file or, when generated, in this encoding.
[[nodiscard]] messages::result<bytes> dataset_of(const object& wanted, encoding as);

}  // namespace penstock::pacs
