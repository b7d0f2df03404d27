// What people are told of a PACS: why nothing starts now, and its state.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/forecast_report.hpp"
#include "actors/governor_clock_impl.hpp"
#include "actors/governor_outlook.hpp"
#include "conf/calendar.hpp"
#include "conf/rules_queries.hpp"
#include "messages/type_ids.hpp"

namespace penstock::actors {

using namespace messages;

namespace {

/// A new forecast costs about 20 ms.
constexpr std::int64_t look_ahead_every_ns = 10'000'000'000;
constexpr std::size_t most_simulated_starts = 40'000;

std::string never_of(forecast_end end) {
  switch (end) {
    case forecast_end::project_expired:
      return "not before the project is extended";
    case forecast_end::pacs_paused:
      return "not before the PACS is resumed";
    default:
      return {};
  }
}

}  // namespace

std::string governor_clock::zone() const {
  const auto* pacs = conf::find_pacs(*options_.rules, options_.pacs);
  return pacs ? pacs->timezone : options_.rules->timezone;
}

forecast_input governor_clock::what_waits(const instant& now, const conf::rules& rules) const {
  forecast_input input;
  input.policy = policy_;
  input.now = now;
  for (const auto& [permit, ran] : running_)
    if (!leftovers_.contains(permit)) input.running.push_back({permit, ran.project});
  for (const auto& [id, each] : queues_) {
    const auto* project = conf::find_project(rules, id);
    if (!project || !conf::may_use_pacs(*project, options_.pacs)) continue;
    queued_project queued{id, project->weight, each.waiting, {}};
    if (project->valid_through)
      queued.expires_us =
          conf::end_of_day(*project->valid_through, rules.timezone).time_since_epoch().count() * 1'000'000;
    input.projects.push_back(std::move(queued));
  }
  input.mean_retrieval = std::chrono::microseconds{mean_retrieval_us_};
  return input;
}

/// Now and then, while something waits.
void governor_clock::look_ahead(const instant& now) {
  const auto* pacs = conf::find_pacs(*options_.rules, options_.pacs);
  // A PACS that is left alone comes back nobody knows when.
  if (!pacs || !in_use() || !breaker_.state(now.boottime_ns, true).may_start) {
    if (!forecasts_.empty())
      for (auto& [project, each] : queues_) each.forecast = false;
    return forecasts_.clear();
  }
  if (!forecasts_.empty() && now.boottime_ns - looked_ahead_ns_ < look_ahead_every_ns) return;
  looked_ahead_ns_ = now.boottime_ns;
  auto told = make_forecast(*pacs, what_waits(now, *options_.rules));
  forecasts_.clear();
  for (auto& each : told.projects)
    forecasts_[each.project] = {std::move(each.steps), each.later_than_us, never_of(each.end)};
  for (auto& [project, each] : queues_) each.forecast = false;
}

void governor_clock::tell_outlook(const permit_decision& decision) {
  outlook_ = outlook_text(decision);
  const auto& text = outlook_;
  for (auto& [project, each] : queues_) {
    if (!each.address || (each.told == text && each.forecast)) continue;
    each.told = text;
    each.forecast = true;
    const auto ahead = forecasts_.find(project);
    self_->send(each.address, governor_outlook{options_.pacs, text, decision.not_before_us,
                                               ahead == forecasts_.end() ? line_forecast{} : ahead->second});
  }
}

std::string governor_clock::outlook_text(const permit_decision& decision) const {
  if (paused_) return pause_text();
  const auto now_ns = options_.clocks.boottime_ns();
  const auto now_us = options_.clocks.utc_us();
  const auto breaker = breaker_.state(now_ns, in_use());
  if (!breaker.may_start) {
    if (breaker.next_probe_at_ns == never_ns || breaker.next_probe_at_ns <= now_ns) return breaker.reason;
    const auto at_us = now_us + (breaker.next_probe_at_ns - now_ns) / 1000;
    return breaker.reason + "; asked again at " + local_time(at_us, zone(), now_us);
  }
  return full_ ? "the disk of the server is nearly full" : explain(decision, zone(), now_us);
}

answered governor_clock::on_simulate(const simulate_governor& question) const {
  const auto& rules = question.rules ? *question.rules : *options_.rules;
  const auto* pacs = conf::find_pacs(rules, options_.pacs);
  if (!pacs) return {nlohmann::json{{"pacs", options_.pacs}, {"problem", "not in these rules"}}.dump()};
  auto input = what_waits(options_.clocks.now(), rules);
  input.horizon = std::chrono::days{question.days};
  input.most_starts = most_simulated_starts;
  const auto horizon = input.horizon;
  const auto told = make_forecast(*pacs, std::move(input));
  const auto is_shown = [&question](std::string_view project) {
    return question.all_projects ||
           std::find(question.projects.begin(), question.projects.end(), project) != question.projects.end();
  };
  return {simulation_document(*pacs, told, horizon, is_shown).dump()};
}

answered governor_clock::on_describe(const describe_governor& who) {
  const auto now = options_.clocks.now();
  refresh_contract(now);
  nlohmann::json waiting = nlohmann::json::object();
  for (const auto& [project, each] : queues_)
    if (who.all_projects || std::find(who.projects.begin(), who.projects.end(), project) != who.projects.end())
      waiting[project] = each.waiting;
  nlohmann::json limits = nlohmann::json::object();
  if (contract_.limits) {
    limits["concurrent"] = contract_.limits->concurrent;
    if (contract_.limits->per_minute) limits["per_minute"] = *contract_.limits->per_minute;
    if (contract_.limits->per_hour) limits["per_hour"] = *contract_.limits->per_hour;
    if (contract_.limits->per_day) limits["per_day"] = *contract_.limits->per_day;
  }
  const auto breaker = breaker_.state(now.boottime_ns, in_use());
  const bool down = !breaker.may_start;
  return {
      nlohmann::json{{"pacs", options_.pacs},
                     {"window", window_name_},
                     {"limits", limits},
                     {"started",
                      {{"minute", policy_.started(now, std::chrono::seconds{60})},
                       {"hour", policy_.started(now, std::chrono::seconds{3600})},
                       {"day", policy_.started(now, std::chrono::seconds{86400})}}},
                     {"in_flight", policy_.in_flight()},
                     {"waiting", waiting},
                     {"next_change", window_changes_ ? nlohmann::json(rfc3339(contract_.ends_us)) : nlohmann::json{}},
                     {"paused", policy_.paused() ? nlohmann::json(policy_.pause_reason()) : nlohmann::json(false)},
                     {"state", policy_.paused() ? "paused"
                               : down           ? "down"
                                                : "up"},
                     {"problem", breaker.reason},
                     {"outlook", outlook_}}
          .dump()};
}

}  // namespace penstock::actors
