#pragma once
// Searches in memory and as rows: those that run, and the last few that were read. No actor, no clock.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/search_plan.hpp"
#include "actors/search_view.hpp"
#include "conf/rules.hpp"
#include "messages/journal.hpp"
#include "storage/row_store.hpp"

namespace penstock::actors {

struct running_search {
  messages::search_row row;
  std::vector<messages::search_unit> units;
  std::uint64_t matches = 0;  ///< committed so far
  std::size_t next_unit = 0;  ///< the first that nobody has taken
  std::size_t unanswered = 0;
  /// Which accession numbers have a match that may be shown; read on as matches come, anew when the rules change.
  struct shown_accessions {
    conf::rules_ptr by;
    std::uint64_t matches = 0;  ///< read so far
    std::set<std::string> keys;
  } shown;
};

/// What a cancelled search leaves unanswered.
void give_up(messages::search_unit& unit);

class search_store {
 public:
  /// Searches in memory; beyond it, the oldest finished one is read again when somebody asks.
  static constexpr std::size_t most_kept = 64;
  /// A page of an answer: matches and input rows.
  static constexpr std::size_t page_rows = 500;
  static constexpr std::size_t page_bytes = 512 << 10;

  search_store(std::string project, std::shared_ptr<const storage::row_reader> core)
      : project_(std::move(project)), core_(std::move(core)) {}

  /// Reads those that a stop interrupted.
  [[nodiscard]] messages::result<void> load_unfinished();
  /// The rows that make a new search durable.
  [[nodiscard]] std::vector<messages::state_row> rows_of(const search_plan& plan) const;
  running_search& add(search_plan plan);
  /// Null when this project has no such search.
  [[nodiscard]] messages::result<running_search*> find(const std::string& search);
  [[nodiscard]] std::map<std::string, running_search>& all() { return searches_; }
  [[nodiscard]] std::size_t running() const;

  /// The part of an answer from `cursor` ("MATCHES:ROWS", empty = the start): JSON object with search, done, rows, the
  /// matches under patients, studies or series, and next. What `rules` do not cover any more is left out, or looks as
  /// if it had not been found. errc::bad_request for a cursor that no part gave.
  [[nodiscard]] messages::result<std::string> part(running_search& of, const std::string& cursor,
                                                   const conf::rules_ptr& rules) const;
  /// True when a page from there is full, or all is there.
  [[nodiscard]] static bool is_worth_answering(const running_search& of, const std::string& cursor);

 private:
  [[nodiscard]] messages::result<running_search> read(messages::search_row row) const;
  [[nodiscard]] messages::result<void> look_for_shown(running_search& of, const search_view& view,
                                                      const conf::rules_ptr& rules) const;
  void forget_one();

  std::string project_;
  std::shared_ptr<const storage::row_reader> core_;
  std::map<std::string, running_search> searches_;
};

}  // namespace penstock::actors
