#include "conf/fault.hpp"

#include <algorithm>
#include <tuple>

namespace penstock::conf {

std::string fault::text() const {
  std::string place = file;
  if (line > 0) place += ":" + std::to_string(line) + ":" + std::to_string(column);
  return place + ": " + message;
}

std::string text_of(const std::vector<fault>& faults) {
  std::string text;
  for (const auto& one : faults) text += one.text() + "\n";
  return text;
}

void sort_faults(std::vector<fault>& faults, const std::string& first_file) {
  const auto place = [&](const fault& one) {
    return std::tuple{one.file != first_file, one.file, one.line == 0, one.line, one.column};
  };
  std::stable_sort(faults.begin(), faults.end(), [&](const fault& a, const fault& b) { return place(a) < place(b); });
}

}  // namespace penstock::conf
