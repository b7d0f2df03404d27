#include "tools/console/search_run.hpp"

#include <algorithm>

#include "tools/penstock/context.hpp"
#include "tools/penstock/search.hpp"

namespace penstock::console {
namespace {

using client::question;
using commands::text_in;
using messages::errc;
using messages::search_outcome;
using nlohmann::json;

/// The next lines of `all` from `begin` that one search may have.
std::vector<std::size_t> lines_for_one(const std::vector<std::string>& texts, const std::vector<std::size_t>& all,
                                       std::size_t begin) {
  constexpr std::size_t quotes_and_comma = 3;
  std::vector<std::size_t> lines;
  std::size_t bytes = 0;
  for (auto at = begin; at < all.size() && lines.size() < search_run::most_lines; ++at) {
    bytes += texts[all[at]].size() + quotes_and_comma;
    if (bytes > search_run::most_bytes && !lines.empty()) break;
    lines.push_back(all[at]);
  }
  return lines;
}

search_news::line line_of(std::size_t number, const json& row) {
  search_news::line line{number, search_outcome::unavailable, text_in(row, "mrn"), text_in(row, "message")};
  const auto outcome = text_in(row, "outcome");
  if (!messages::parse(outcome, line.outcome)) line.why = "the server says '" + outcome + "'";
  return line;
}

}  // namespace

search_run::search_run(search_wish wish) : wish_(std::move(wish)), outcomes_(wish_.lines.size(), wish_.asked) {
  add_parts(wish_.asked);
}

/// PACS take turns, so that those of the first parts differ.
void search_run::add_parts(const lines_by_pacs& asked) {
  std::map<std::string, std::size_t> taken;
  for (bool any = true; any;) {
    any = false;
    for (const auto& [pacs, lines] : asked) {
      auto& begin = taken[pacs];
      part one{pacs, lines_for_one(wish_.lines, lines, begin)};
      if (one.lines.empty()) continue;
      begin += one.lines.size();
      parts_.push_back(std::move(one));
      any = true;
    }
  }
}

question search_run::question_of(const part& one) const {
  if (!one.more.empty()) {
    auto args = one.more;
    args["wait_ms"] = longest_wait.count();
    return {"search.more", wish_.project, std::move(args), "", longest_wait};
  }
  auto args = wish_.limits;
  args["pacs"] = json::array({one.pacs});
  args["wait_ms"] = longest_wait.count();
  auto& inputs = args[wish_.inputs] = json::array();
  for (const auto line : one.lines) inputs.push_back(wish_.lines[line]);
  return {wish_.command, wish_.project, std::move(args), "", longest_wait};
}

std::vector<search_run::step> search_run::next() {
  std::vector<step> steps;
  auto busy = static_cast<std::size_t>(
      std::count_if(parts_.begin(), parts_.end(), [](const auto& one) { return one.is == state::asked; }));
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    auto& one = parts_[i];
    const bool known = !one.more.empty() && (one.is == state::asked || one.is == state::following);
    if (cancelled_ && known && !one.cancel_sent) {
      steps.push_back({i, {"search.cancel", wish_.project, {{"search", one.more["search"]}}, "", {}}, true});
      one.cancel_sent = true;
    }
    if ((one.is != state::waiting && one.is != state::following) || busy >= most_at_once) continue;
    steps.push_back({i, question_of(one)});
    one.is = state::asked;
    ++busy;
  }
  return steps;
}

search_news search_run::learn(std::size_t at, const json& answer) {
  search_news news;
  if (at >= parts_.size() || parts_[at].is != state::asked) return news;
  auto& one = parts_[at];
  commands::search_findings findings;
  one.is = commands::add_search_part(answer, wish_.items.c_str(), findings, one.more) ? state::following : state::done;
  news.pacs = one.pacs;
  news.found = std::move(findings.found);
  for (const auto& row : findings.rows) {
    if (one.rows >= one.lines.size()) break;
    news.lines.push_back(line_of(one.lines[one.rows++], row));
    const auto& line = news.lines.back();
    outcomes_.learn(line.number, one.pacs, line.outcome, line.why);
  }
  outcomes_.count();
  return news;
}

void search_run::fail(std::size_t at, const messages::failure& problem) {
  if (at >= parts_.size() || parts_[at].is != state::asked) return;
  auto& one = parts_[at];
  const bool goes_on = problem.code == errc::timed_out || problem.code == errc::rate_limited;
  one.is = goes_on && !one.more.empty() ? state::lost : state::failed;
  one.problem = problem.context;
}

void search_run::cancel() {
  cancelled_ = true;
  for (auto& one : parts_)
    if (one.is == state::waiting) one.is = state::done;
}

bool search_run::resume() {
  bool any = false;
  for (auto& one : parts_) {
    if (one.is != state::lost) continue;
    one.is = state::following;
    one.cancel_sent = false;
    any = true;
  }
  return any;
}

bool search_run::again() {
  const auto missing = outcomes_.missing();
  if (!over() || missing.empty()) return false;
  cancelled_ = false;
  parts_.clear();
  add_parts(missing);
  return true;
}

bool search_run::over() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const auto& one) { return one.is == state::done || one.is == state::failed; });
}

bool search_run::lost() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const auto& one) { return one.is == state::lost; });
}

std::string search_run::problem() const {
  for (const auto& one : parts_)
    if (one.is == state::failed) return one.pacs + ": " + one.problem;
  return {};
}

}  // namespace penstock::console
