#pragma once
// The studies that a search has found, and what has become of each since: asked for, on its way, in the cache. Pure.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/console/live.hpp"
#include "tools/console/row_store.hpp"
#include "tools/console/search_run.hpp"
#include "tools/penstock/pull_plan.hpp"
#include "tools/penstock/study_weights.hpp"

namespace penstock::console {

enum class study_value : std::size_t {
  accession,
  mrn,
  study_date,
  modality,
  images,
  here,  ///< "cached", the state of its newest request, or empty
  estimate,
  description,
  name,
  progress,
  outcome,  ///< of asking for it
  pacs,
  institution,
  department,
  availability,
  study,
  request,          ///< the newest one, not shown
  here_when_found,  ///< what the search said of it, not shown
  count
};
constexpr std::size_t shown_study_values = static_cast<std::size_t>(study_value::request);

/// What is asked before studies are asked for.
struct request_plan {
  std::vector<std::string> to_ask;  ///< ids of rows, in the order chosen
  std::size_t patients = 0;
  std::size_t cached = 0;
  std::size_t under_way = 0;
  commands::pull_plan sizes;
};

class found_studies {
 public:
  explicit found_studies(const live_project& project) : project_(project) {}

  [[nodiscard]] const row_store& rows() const { return rows_; }
  /// Whether there were more than there is room for.
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  void clear();
  /// Until `follow`, a new study is here or not as the search says.
  void learn(const search_news& news);
  /// Takes in what has changed in the project; cheap when nothing has.
  void follow();

  [[nodiscard]] std::string value(const std::string& id, study_value which) const;
  /// Bytes of what is not here yet, as far as they can be guessed.
  [[nodiscard]] std::uint64_t estimate_of(const std::set<std::string>& ids) const;
  [[nodiscard]] request_plan plan(const std::vector<std::string>& ids) const;
  /// An item of `requests.submit`.
  [[nodiscard]] nlohmann::json item_of(const std::string& id) const;
  /// Rows of an answer of `requests.submit` that asked for `ids`; how many were taken on.
  std::size_t learn_outcomes(const std::vector<std::string>& ids, const nlohmann::json& answer);
  /// Why asking for `ids` has no outcome.
  void learn_failure(const std::vector<std::string>& ids, const std::string& why);

 private:
  void learn_study(const std::string& pacs, const nlohmann::json& match);
  [[nodiscard]] commands::study_weights weigh() const;
  [[nodiscard]] std::string guess(row_store::slot at, const commands::study_weights& weights) const;
  void change(row_store::slot at, study_value which, std::string_view text);
  void follow_all();
  void follow_request(row_store::slot at);
  void follow_holding(row_store::slot at);
  bool follow_touched();
  void set(const std::string& id, study_value which, std::string_view text);

  const live_project& project_;
  row_store rows_{static_cast<std::size_t>(study_value::count)};
  std::set<std::string> pacs_;  ///< that studies were found at
  std::uint64_t requests_version_ = 0;
  std::uint64_t holdings_version_ = 0;
  bool listed_ = false;  ///< the project's lists were read to their end: what they do not have is not there
  bool stale_ = false;   ///< there are rows that the project's lists were not asked about
  bool overflowed_ = false;
};

}  // namespace penstock::console
