#pragma once
// What a new rules file would change, for the journal and for whoever proposes it. Pure.

#include <string>
#include <vector>

#include "conf/rules.hpp"

namespace penstock::conf {

enum class change_kind : std::uint8_t { added, removed, changed };
[[nodiscard]] std::string_view name_of(change_kind kind);

/// One change. `thing` is "project", "pacs", "user", "institution", "source", "destination" or "rules"; `words` says
/// what changed, by key, for people. Neither holds a patient identifier or a key.
struct rule_change {
  change_kind kind;
  std::string thing;
  std::string id;
  std::string words;

  /// "project alz-brain changed: valid_through 2027-03-31 -> 2028-03-31"
  [[nodiscard]] std::string text() const;
  bool operator==(const rule_change&) const = default;
};

/// Empty when both mean the same.
[[nodiscard]] std::vector<rule_change> changes_between(const rules& old_rules, const rules& new_rules);

}  // namespace penstock::conf
