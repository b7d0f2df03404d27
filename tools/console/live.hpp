#pragma once
// What the project has asked for and what it has, as the server last said: listings, and events on top of them. Pure:
// it says what to ask, and learns answers and events; somebody else has the connection.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/client/session.hpp"
#include "tools/console/row_store.hpp"

namespace penstock::console {

/// Columns of the store of requests.
enum class request_value : std::size_t {
  state,
  accession,
  progress,  ///< "received/expected"
  reason,
  mrn,
  modality,
  bytes,
  position,
  estimate,
  pacs,
  institution,
  priority,
  user,
  submitted,
  study,
  study_date,
  attempts,
  ended,
  count
};

/// Columns of the store of holdings: the ten of the repository first.
enum class holding_value : std::size_t {
  accession,
  institution,
  department,
  mrn,
  cached,
  study_date,
  modality,
  bytes,
  last_download_user,
  last_download,
  study,
  images,
  count
};

struct quota_state {
  std::uint64_t quota = 0;
  std::uint64_t used = 0;
  std::uint64_t reserved = 0;
  std::uint64_t studies = 0;
};

enum class listing : std::uint8_t { requests, holdings };

class live_project {
 public:
  static constexpr std::size_t page_rows = 1000;

  explicit live_project(std::string project);

  [[nodiscard]] const std::string& project() const { return project_; }
  [[nodiscard]] const row_store& requests() const { return requests_; }
  [[nodiscard]] const row_store& holdings() const { return holdings_; }
  [[nodiscard]] const quota_state& quota() const { return quota_; }
  [[nodiscard]] std::string requests_topic() const { return "p/" + project_ + "/requests"; }
  [[nodiscard]] std::string progress_topic() const { return "p/" + project_ + "/progress"; }
  [[nodiscard]] std::string cache_topic() const { return "p/" + project_ + "/cache"; }

  /// The first question of a listing; what is not in it at its end is gone. Begins anew when one is under way.
  [[nodiscard]] client::question begin(listing which);
  /// Asks for one page of what events do not tell (position, estimate, new holdings); nothing is dropped after it.
  [[nodiscard]] client::question refresh(listing which);
  /// Takes a page of it; the question for the next one, if any.
  std::optional<client::question> learn_page(listing which, const nlohmann::json& page);
  [[nodiscard]] bool reading(listing which) const { return read_[static_cast<std::size_t>(which)].under_way; }
  /// Whether there were more rows than there is room for.
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  void learn_usage(const nlohmann::json& usage);
  void learn_event(const client::topic_event& event);

  /// Events said less than the listing would, and none is under way; asking clears it.
  [[nodiscard]] bool take_wish(listing which);
  /// Some request waits: its position and estimate change without an event.
  [[nodiscard]] bool anything_waits() const;

 private:
  struct reading_state {
    bool under_way = false;
    bool whole = false;
    /// By slot; who gets the slot of a row that is gone came by an event, and is newer.
    std::vector<bool> seen;
    std::size_t seen_rows = 0;
    /// Touched by an event meanwhile: a page may be older than what the event said.
    std::set<std::string> newer;
  };
  [[nodiscard]] reading_state& state_of(listing which) { return read_[static_cast<std::size_t>(which)]; }
  [[nodiscard]] client::question question_for(listing which, bool whole, const nlohmann::json& cursor) const;
  void learn_request(const nlohmann::json& item);
  void learn_holding(const nlohmann::json& item);
  void learn_request_event(const nlohmann::json& event);
  void learn_holding_event(const nlohmann::json& event);
  static void mark_seen(reading_state& reading, std::optional<row_store::slot> at);
  void drop_unseen(listing which);

  std::string project_;
  row_store requests_;
  row_store holdings_;
  quota_state quota_;
  reading_state read_[2];
  bool wished_[2] = {false, false};
  bool overflowed_ = false;
};

/// "40/64" of `counts`; empty when nothing is expected and nothing came.
[[nodiscard]] std::string progress_in(const nlohmann::json& item);

}  // namespace penstock::console
