#pragma once
// The patients that a search has found, and the lines for which it has not: one row for each line and PACS. Pure.

#include <set>
#include <string>
#include <vector>

#include "tools/console/row_store.hpp"
#include "tools/console/search_run.hpp"

namespace penstock::console {

enum class patient_value : std::size_t {
  line,
  outcome,
  mrn,
  name,
  studies,
  pacs,
  reason,
  born,
  sex,
  institution,
  issuer,
  count
};

/// Who is to be looked for, and where.
struct chosen_patients {
  std::vector<std::string> mrns;
  lines_by_pacs at;
  std::size_t unfound = 0;  ///< chosen rows that are no patient
};

class found_patients {
 public:
  [[nodiscard]] const row_store& rows() const { return rows_; }
  /// Whether there were more than there is room for.
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  void clear();
  /// `lines`: the list that was searched; `outcomes`: of all PACS, with this news.
  void learn(const search_news& news, const std::vector<std::string>& lines, const line_outcomes& outcomes);
  [[nodiscard]] chosen_patients choose(const std::vector<std::string>& ids) const;

 private:
  void learn_match(const std::string& pacs, const nlohmann::json& match);
  void learn_answer(const std::string& pacs, const search_news::line& line, const std::string& text);
  void learn_found(const std::string& pacs, const search_news::line& line);
  void put_line(const std::string& id, const std::string& pacs, const search_news::line& line, const std::string& text);

  row_store rows_{static_cast<std::size_t>(patient_value::count)};
  std::unordered_map<std::string, std::vector<std::string>> matches_of_;  ///< ids of rows, by PACS and MRN
  bool overflowed_ = false;
};

}  // namespace penstock::console
