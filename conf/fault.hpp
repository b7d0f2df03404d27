#pragma once
// What is wrong with a file that a person wrote, and where, so that it can be mended without guessing.

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::conf {

/// A reader stops collecting after so many faults; the last one then says that there are more.
inline constexpr std::size_t max_faults = 100;

/// One fault. `line` and `column` count from 1 and point at the offending value; 0 when it lies in no line of the file
/// (the file cannot be read). `message` says what was expected and never repeats a line of a cohort.
struct fault {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string message;

  /// "governance.toml:12:8: port: expected 1 to 65535"
  [[nodiscard]] std::string text() const;
  bool operator==(const fault&) const = default;
};

/// All faults, one a line.
[[nodiscard]] std::string text_of(const std::vector<fault>& faults);

/// In the order of `first_file`, then other files; what lies in no line comes last.
void sort_faults(std::vector<fault>& faults, const std::string& first_file);

/// What a file holds, or every fault in it. `value` is to be used only when there is no fault: all or nothing.
template <class T>
struct [[nodiscard]] loaded {
  T value{};
  std::vector<fault> faults;

  [[nodiscard]] bool ok() const { return faults.empty(); }
};

}  // namespace penstock::conf
