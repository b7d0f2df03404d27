#pragma once
// The patients that a project may touch: a CSV file with a header line `# rows: N`, an optional line of column names
// (`issuer,mrn` or `issuer,mrn,subject`), then N rows. It is the list an IRB approved, so whatever suggests that a part
// is missing is a fault: another number of rows, no newline at the end, a row with other than its columns.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conf/fault.hpp"
#include "messages/ids.hpp"

namespace penstock::conf {

inline constexpr std::size_t max_cohort_bytes = 64 << 20;
inline constexpr std::size_t max_cohort_rows = 1'000'000;

/// One patient. `subject` is the project's own code for the patient; empty when the file has none.
struct cohort_patient {
  messages::medical_record_number mrn;
  messages::protected_text subject;

  bool operator==(const cohort_patient&) const = default;
};

/// Immutable; look-ups are a binary search.
class cohort {
 public:
  cohort() = default;
  /// Rows that repeat a patient are counted and dropped (the first stays).
  cohort(std::vector<cohort_patient> rows, std::string text);

  [[nodiscard]] bool has(const messages::medical_record_number& mrn) const { return find(mrn) != nullptr; }
  [[nodiscard]] const cohort_patient* find(const messages::medical_record_number& mrn) const;
  /// Sorted by MRN, then issuer; each patient once.
  [[nodiscard]] const std::vector<cohort_patient>& patients() const { return patients_; }
  [[nodiscard]] std::size_t duplicates() const { return duplicates_; }
  /// The file as read, for whoever hashes it.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::vector<cohort_patient> patients_;
  std::size_t duplicates_ = 0;
  std::string text_;
};

/// Reads one cohort file, or says everything that is wrong with it (line and column, never the value).
[[nodiscard]] loaded<std::shared_ptr<const cohort>> load_cohort(const std::filesystem::path& file);
[[nodiscard]] loaded<std::shared_ptr<const cohort>> parse_cohort(std::string text, const std::string& name);

}  // namespace penstock::conf
