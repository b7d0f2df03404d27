#pragma once
// What a project's members may still be told of a search, by the rules in force: its answers stay on the disk when a
// patient is withdrawn or a PACS taken away, and name nobody whom the rules no longer cover. Pure.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "conf/rules.hpp"
#include "messages/searches.hpp"

namespace penstock::actors {

class search_view {
 public:
  /// All must outlive the view.
  search_view(const conf::rules& rules, const conf::project& project, const messages::search_row& search,
              const std::vector<messages::search_unit>& units)
      : rules_(rules), project_(project), search_(search), units_(units) {}

  /// May this match, one of those that clients get, be shown?
  [[nodiscard]] bool shows(const nlohmann::json& match) const;

  /// The unit as a search of today would answer it. `found_by_accession`: keys (accession_key) of the matches that are
  /// shown; an accession whose every match is withheld must look like one that does not exist.
  [[nodiscard]] messages::search_unit as_seen(messages::search_unit unit,
                                              const std::set<std::string>& found_by_accession) const;

  [[nodiscard]] static std::string accession_key(const std::string& pacs, const std::string& accession) {
    return pacs + "/" + accession;
  }

 private:
  const conf::rules& rules_;
  const conf::project& project_;
  const messages::search_row& search_;
  const std::vector<messages::search_unit>& units_;
};

}  // namespace penstock::actors
