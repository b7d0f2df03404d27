#include "tools/console/line_outcomes.hpp"

#include <algorithm>

namespace penstock::console {

using messages::search_outcome;

line_outcomes::line_outcomes(std::size_t lines, const lines_by_pacs& asked) : best_(lines, search_outcome::pending) {
  for (const auto& [pacs, numbers] : asked) {
    auto& here = at_[pacs];
    here.resize(lines);
    for (const auto line : numbers)
      if (line < lines) here[line].asked = true;
  }
}

std::uint16_t line_outcomes::number_of(const std::string& reason) {
  const auto known = std::find(reasons_.begin(), reasons_.end(), reason);
  if (known != reasons_.end()) return static_cast<std::uint16_t>(known - reasons_.begin());
  if (reasons_.size() < most_reasons) reasons_.push_back(reason);
  return static_cast<std::uint16_t>(reasons_.size() - 1);
}

void line_outcomes::learn(std::size_t line, const std::string& pacs, search_outcome outcome, const std::string& why) {
  const auto here = at_.find(pacs);
  if (here == at_.end() || line >= here->second.size()) return;
  here->second[line] = {outcome, number_of(why), true};
}

void line_outcomes::count_line(std::size_t line) {
  best_[line] = search_outcome::pending;
  bool all = true;
  for (const auto& [pacs, said_here] : at_) {
    const auto& one = said_here[line];
    if (!one.asked) continue;
    all = all && one.outcome != search_outcome::pending;
    best_[line] = std::max(best_[line], one.outcome);
    if (one.outcome != search_outcome::unavailable && one.outcome != search_outcome::truncated) continue;
    const auto same = std::find_if(shortfalls_.begin(), shortfalls_.end(),
                                   [&](const auto& known) { return known.pacs == pacs && known.what == one.outcome; });
    if (same == shortfalls_.end())
      shortfalls_.push_back({pacs, one.outcome, reasons_[one.reason], 1});
    else
      ++same->lines;
  }
  if (!all) best_[line] = search_outcome::pending;
  if (best_[line] == search_outcome::pending) return;
  ++answered_;
  ++counts_[best_[line]];
}

void line_outcomes::count() {
  answered_ = 0;
  counts_.clear();
  shortfalls_.clear();
  for (std::size_t line = 0; line < best_.size(); ++line) count_line(line);
}

std::string line_outcomes::best_reason(std::size_t line) const {
  for (const auto& [pacs, said_here] : at_)
    if (said_here[line].asked && said_here[line].outcome == best_[line]) return reasons_[said_here[line].reason];
  return {};
}

std::string line_outcomes::why(std::size_t line) const {
  std::string text;
  for (const auto& [pacs, said_here] : at_) {
    const auto& one = said_here[line];
    if (!one.asked || one.outcome == search_outcome::found) continue;
    // That one PACS writes its numbers otherwise says nothing of a line that another one knows.
    const bool needed_no_query = one.outcome != search_outcome::pending && one.outcome < search_outcome::not_found;
    if (needed_no_query && best_[line] >= search_outcome::not_found) continue;
    const auto& reason = one.outcome == search_outcome::pending ? "not answered" : reasons_[one.reason];
    if (text.find(reason) == std::string::npos) text += (text.empty() ? "" : "; ") + pacs + ": " + reason;
  }
  return text;
}

lines_by_pacs line_outcomes::missing() const {
  lines_by_pacs found;
  for (const auto& [pacs, said_here] : at_)
    for (std::size_t line = 0; line < said_here.size(); ++line) {
      const auto& one = said_here[line];
      const bool answered = one.outcome != search_outcome::pending && one.outcome != search_outcome::unavailable;
      if (one.asked && !answered) found[pacs].push_back(line);
    }
  return found;
}

}  // namespace penstock::console
