#pragma once
// One find of a person, followed to its end: a search of the server for each PACS, so that what one PACS did not tell
// is never hidden by what another did; a long list in several. Pure: it says what to ask, and learns the answers.

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "messages/searches.hpp"
#include "tools/client/session.hpp"
#include "tools/console/line_outcomes.hpp"

namespace penstock::console {

struct search_wish {
  std::string project;
  std::string command;               ///< "patients.find", "studies.find"
  std::string inputs;                ///< how the command calls them: "mrns", "accessions"
  std::string items;                 ///< how the answer calls what was found: "patients", "studies"
  std::vector<std::string> lines{};  ///< exactly as written
  lines_by_pacs asked{};
  nlohmann::json limits = nlohmann::json::object();  ///< modalities, study date
};

/// What one answer brought.
struct search_news {
  struct line {
    std::size_t number = 0;  ///< place in the list, from 0
    messages::search_outcome outcome = messages::search_outcome::pending;
    std::string mrn;  ///< as the PACS writes it
    std::string why;
  };
  std::string pacs;
  nlohmann::json found = nlohmann::json::array();
  std::vector<line> lines;
};

class search_run {
 public:
  /// Of one search of the server.
  static constexpr std::size_t most_lines = 10'000;
  static constexpr std::size_t most_bytes = 512 * 1024;
  /// Searches that are followed at the same time.
  static constexpr std::size_t most_at_once = 4;
  /// An answer comes so soon, with what is there.
  static constexpr std::chrono::milliseconds longest_wait{1000};

  struct step {
    std::size_t part = 0;
    client::question ask;
    bool cancels = false;  ///< its answer tells nothing
  };

  search_run() = default;
  explicit search_run(search_wish wish);

  /// What to ask now. Each that does not cancel is to be answered by `learn` or `fail`.
  [[nodiscard]] std::vector<step> next();
  [[nodiscard]] search_news learn(std::size_t part, const nlohmann::json& answer);
  void fail(std::size_t part, const messages::failure& problem);
  /// The server gives up what has not been asked; nothing new is begun.
  void cancel();
  /// The connection may be back: what the server goes on with is followed again. False when there is none.
  bool resume();
  /// Asks again what was not answered, and where a PACS was not available. False when there is nothing.
  bool again();

  [[nodiscard]] const search_wish& wish() const { return wish_; }
  [[nodiscard]] const line_outcomes& outcomes() const { return outcomes_; }
  [[nodiscard]] bool begun() const { return !parts_.empty(); }
  [[nodiscard]] bool over() const;
  [[nodiscard]] bool cancelled() const { return cancelled_; }
  /// The connection is lost, and the server searches on.
  [[nodiscard]] bool lost() const;
  /// Why a part could not be asked or followed; empty when all could.
  [[nodiscard]] std::string problem() const;

 private:
  enum class state { waiting, asked, following, lost, done, failed };
  struct part {
    std::string pacs;
    std::vector<std::size_t> lines;
    state is = state::waiting;
    nlohmann::json more = nlohmann::json::object();  ///< args of search.more
    std::size_t rows = 0;                            ///< learned so far
    bool cancel_sent = false;
    std::string problem{};
  };
  void add_parts(const lines_by_pacs& asked);
  [[nodiscard]] client::question question_of(const part& one) const;

  search_wish wish_;
  line_outcomes outcomes_;
  std::vector<part> parts_;
  bool cancelled_ = false;
};

}  // namespace penstock::console
