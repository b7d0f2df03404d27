#include "actors/forecast.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "conf/calendar.hpp"

namespace penstock::actors {
namespace {

constexpr std::int64_t never_us = std::numeric_limits<std::int64_t>::max();
/// The place of a project that does not wait.
constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();
/// Live permits are numbered by microseconds since 1970: none is so high.
constexpr std::uint64_t first_simulated_permit = 1ULL << 63;

std::int64_t us_of(std::chrono::sys_seconds at) { return std::chrono::microseconds{at.time_since_epoch()}.count(); }

std::chrono::sys_seconds seconds_of(std::int64_t utc_us) {
  return std::chrono::sys_seconds{std::chrono::floor<std::chrono::seconds>(std::chrono::microseconds{utc_us})};
}

/// How long retrievals take in one play.
struct pace {
  std::int64_t retrieval_us = 0;  ///< from its start
  std::int64_t rest_us = 0;       ///< of what runs now
};

/// One play: the copy of the policy, its clock and what is in flight.
class play {
 public:
  play(const conf::pacs& pacs, const forecast_input& input, const std::vector<conf::stretch>& stretches, pace at)
      : pacs_(pacs), input_(input), stretches_(stretches), pace_(at), policy_(input.policy), now_(input.now) {
    if (now_.clock_in_doubt) now_.max_error_us = 0;
    now_.clock_in_doubt = false;
    starts_us_.resize(input.projects.size());
    last_end_us_.resize(input.projects.size());
    for (std::size_t i = 0; i < input.projects.size(); ++i) {
      const auto& one = input.projects[i];
      places_.emplace(one.project, i);
      if (one.waiting > 0) waiting_.push_back({one.project, one.weight});
    }
    for (const auto& one : input.running) {
      const auto found = places_.find(one.project);
      land_at(now_.wall_us + pace_.rest_us, one.permit, found == places_.end() ? nowhere : found->second);
    }
    expire();
  }

  /// All that happens before `until_us`.
  void run_until(std::int64_t until_us) {
    while (now_.wall_us < until_us && !is_full()) {
      settle();
      const auto decision = policy_.decide(now_, contract_, waiting_);
      if (decision.granted())
        start(decision.project);
      else
        advance_to(std::min(until_us, next_change(decision)));
    }
  }

  /// No more is simulated.
  [[nodiscard]] bool is_full() const { return started_ >= *input_.most_starts && !waiting_.empty(); }
  [[nodiscard]] std::int64_t now_us() const { return now_.wall_us; }
  [[nodiscard]] const std::vector<std::int64_t>& starts_us(std::size_t project) const { return starts_us_[project]; }
  [[nodiscard]] std::int64_t last_end_us(std::size_t project) const { return last_end_us_[project]; }

  [[nodiscard]] std::uint64_t may_start(const forecast_hour& hour);

 private:
  struct flight {
    std::int64_t ends_us = 0;
    std::uint64_t permit = 0;
    std::size_t place = nowhere;  ///< of its project
    bool operator>(const flight& other) const { return ends_us > other.ends_us; }
  };

  void settle() {
    while (!flights_.empty() && flights_.front().ends_us <= now_.wall_us) {
      policy_.retrieval_ended(flights_.front().permit);
      std::pop_heap(flights_.begin(), flights_.end(), std::greater<>{});
      flights_.pop_back();
    }
    if (now_.wall_us >= next_expiry_us_) expire();
    if (now_.wall_us >= contract_.ends_us) enter_stretch();
  }

  void enter_stretch() {
    while (stretch_ + 1 < stretches_.size() && us_of(stretches_[stretch_].ends) <= now_.wall_us) ++stretch_;
    const auto& in_force = stretches_[stretch_];
    contract_ = {conf::limits_of(pacs_.windows, in_force), us_of(in_force.begins), us_of(in_force.ends),
                 pacs_.lease_quiet};
    if (contract_.limits && contract_.limits->concurrent == 0 && contract_.limits->abort)
      abort_flights([](const flight&) { return true; });
  }

  void expire() {
    next_expiry_us_ = never_us;
    for (std::size_t i = 0; i < input_.projects.size(); ++i) {
      const auto& one = input_.projects[i];
      if (!one.expires_us) continue;
      if (*one.expires_us > now_.wall_us) {
        next_expiry_us_ = std::min(next_expiry_us_, *one.expires_us);
        continue;
      }
      std::erase_if(waiting_, [&](const waiting_project& other) { return other.project == one.project; });
      abort_flights([&](const flight& other) { return other.place == i; });
    }
  }

  template <class Predicate>
  void abort_flights(Predicate which) {
    std::erase_if(flights_, [&](const flight& one) {
      if (!which(one)) return false;
      policy_.retrieval_ended(one.permit);
      return true;
    });
    std::make_heap(flights_.begin(), flights_.end(), std::greater<>{});
  }

  void start(const std::string& project) {
    const auto place = places_.at(project);
    const auto permit = first_simulated_permit + started_++;
    static_cast<void>(policy_.reserve(now_, permit, project));
    land_at(now_.wall_us + pace_.retrieval_us, permit, place);
    starts_us_[place].push_back(now_.wall_us);
    last_end_us_[place] = now_.wall_us + pace_.retrieval_us;
    if (starts_us_[place].size() == input_.projects[place].waiting)
      std::erase_if(waiting_, [&](const waiting_project& one) { return one.project == project; });
  }

  void land_at(std::int64_t ends_us, std::uint64_t permit, std::size_t place) {
    flights_.push_back({ends_us, permit, place});
    std::push_heap(flights_.begin(), flights_.end(), std::greater<>{});
  }

  [[nodiscard]] std::int64_t next_change(const permit_decision& decision) const {
    auto next_us = std::min(contract_.ends_us, next_expiry_us_);
    if (!flights_.empty()) next_us = std::min(next_us, flights_.front().ends_us);
    if (decision.not_before_us > 0) next_us = std::min(next_us, decision.not_before_us);
    return std::max(next_us, now_.wall_us + 1);
  }

  void advance_to(std::int64_t wall_us) {
    now_.boottime_ns += (wall_us - now_.wall_us) * 1000;
    now_.wall_us = wall_us;
  }

  const conf::pacs& pacs_;
  const forecast_input& input_;
  const std::vector<conf::stretch>& stretches_;
  pace pace_;
  permit_policy policy_;
  instant now_;
  contract contract_;
  std::size_t stretch_ = 0;
  std::vector<waiting_project> waiting_;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<flight> flights_;  ///< a heap: the next to end is in front
  std::int64_t next_expiry_us_ = never_us;
  std::vector<std::vector<std::int64_t>> starts_us_;
  std::vector<std::int64_t> last_end_us_;
  std::size_t started_ = 0;
};

/// Asked when the play has come to the beginning of `hour`: what counts at its end has counted all along.
std::uint64_t play::may_start(const forecast_hour& hour) {
  if (policy_.paused() || !hour.limits || hour.limits->concurrent == 0) return 0;
  const auto lasts_us = hour.ends_us - hour.begins_us;
  const auto times_in_hour = [&](std::int64_t each_us) {
    return static_cast<std::uint64_t>((lasts_us + each_us - 1) / each_us);
  };
  auto end = now_;
  end.wall_us = hour.ends_us;
  end.boottime_ns += (hour.ends_us - now_.wall_us) * 1000;
  auto most = hour.limits->concurrent * times_in_hour(pace_.retrieval_us);
  const std::array<std::pair<std::chrono::seconds, std::optional<std::uint32_t>>, 2> rates{
      {{hour_window, hour.limits->per_hour}, {day_window, hour.limits->per_day}}};
  for (const auto& [window, limit] : rates) {
    if (!limit) continue;
    const std::uint64_t counted = policy_.started(end, window);
    most = std::min(most, *limit - std::min<std::uint64_t>(counted, *limit));
  }
  const auto minute_us = std::chrono::microseconds{minute_window + send_deadline + network_guard}.count();
  if (hour.limits->per_minute) most = std::min(most, *hour.limits->per_minute * times_in_hour(minute_us));
  return most;
}

/// The hours up to `until_us`, and the play at their end.
std::vector<forecast_hour> play_hours(const conf::pacs& pacs, const forecast_input& input,
                                      const std::vector<conf::stretch>& stretches, play& mean, std::int64_t until_us) {
  std::vector<forecast_hour> hours;
  std::vector<std::size_t> before(input.projects.size());
  auto in_force = stretches.begin();
  while (mean.now_us() < until_us && !mean.is_full()) {
    while (std::next(in_force) != stretches.end() && us_of(in_force->ends) <= mean.now_us()) ++in_force;
    forecast_hour hour;
    hour.begins_us = mean.now_us();
    hour.ends_us = std::min(
        {us_of(conf::next_local_hour(seconds_of(hour.begins_us), pacs.timezone)), us_of(in_force->ends), until_us});
    if (in_force->window) hour.window = pacs.windows[*in_force->window].name;
    hour.limits = conf::limits_of(pacs.windows, *in_force);
    hour.may_start = mean.may_start(hour);
    mean.run_until(hour.ends_us);
    for (std::size_t i = 0; i < before.size(); ++i) {
      hour.starts.push_back(mean.starts_us(i).size() - before[i]);
      before[i] = mean.starts_us(i).size();
    }
    hours.push_back(std::move(hour));
  }
  return hours;
}

/// The starts of one project in all plays.
struct curves {
  std::array<const std::vector<std::int64_t>*, 3> plays_us;  ///< the one at the mean comes first
  std::size_t common = 0;                                    ///< starts that all plays have

  [[nodiscard]] const std::vector<std::int64_t>& mean_us() const { return *plays_us[0]; }
};

/// Positions [first, last], counted from 0.
struct span {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// What is to be divided next: the longest as seen from now, so that what comes soon is told finest.
std::vector<span>::iterator coarsest(std::vector<span>& spans, const curves& of, std::int64_t now_us) {
  const std::int64_t shortest_us = std::chrono::microseconds{shortest_forecast_step}.count();
  const auto coarseness = [&](const span& one) {
    const auto from_us = of.mean_us()[one.first];
    const auto lasts_us = of.mean_us()[one.last] - from_us;
    if (lasts_us <= shortest_us) return 0.0;
    return static_cast<double>(lasts_us) / static_cast<double>(from_us - now_us + 10 * shortest_us);
  };
  const auto found = std::max_element(spans.begin(), spans.end(), [&](const span& one, const span& other) {
    return coarseness(one) < coarseness(other);
  });
  return found != spans.end() && coarseness(*found) > 0 ? found : spans.end();
}

/// Divided in the middle of its time, so that a pause between two starts falls between two steps.
std::vector<forecast_step> make_steps(const curves& of, std::int64_t now_us) {
  std::vector<span> spans;
  if (of.common > 0) spans.push_back({0, of.common - 1});
  while (spans.size() < most_forecast_steps) {
    const auto found = coarsest(spans, of, now_us);
    if (found == spans.end()) break;
    const auto begin = of.mean_us().begin();
    const auto middle_us = std::midpoint(of.mean_us()[found->first], of.mean_us()[found->last]);
    const auto cut = std::upper_bound(begin + static_cast<std::ptrdiff_t>(found->first),
                                      begin + static_cast<std::ptrdiff_t>(found->last), middle_us);
    const span rest{static_cast<std::size_t>(cut - begin), found->last};
    found->last = rest.first - 1;
    spans.insert(std::next(found), rest);
  }
  std::vector<forecast_step> steps;
  for (const auto& one : spans) {
    forecast_step step{one.last + 1, never_us, 0};
    for (const auto* play_us : of.plays_us) {
      step.earliest_us = std::min(step.earliest_us, (*play_us)[one.first]);
      step.latest_us = std::max(step.latest_us, (*play_us)[one.last]);
    }
    steps.push_back(step);
  }
  return steps;
}

forecast_end end_of(const forecast_input& input, const queued_project& project, const play& mean,
                    std::uint64_t starts) {
  if (starts >= project.waiting) return forecast_end::started;
  if (input.policy.paused()) return forecast_end::pacs_paused;
  if (project.expires_us && *project.expires_us <= mean.now_us()) return forecast_end::project_expired;
  return mean.is_full() ? forecast_end::beyond_starts : forecast_end::beyond_horizon;
}

project_forecast project_outcome(const forecast_input& input, std::size_t index,
                                 const std::array<const play*, 3>& plays) {
  const auto& project = input.projects[index];
  curves of{{}, std::numeric_limits<std::size_t>::max()};
  project_forecast told;
  for (std::size_t i = 0; i < plays.size(); ++i) {
    of.plays_us[i] = &plays[i]->starts_us(index);
    of.common = std::min(of.common, of.plays_us[i]->size());
    told.possible = std::max<std::uint64_t>(told.possible, of.plays_us[i]->size());
  }
  told.project = project.project;
  told.waiting = project.waiting;
  told.starts = of.mean_us().size();
  told.end = end_of(input, project, *plays[0], told.starts);
  if (told.end == forecast_end::started) told.done_us = plays[0]->last_end_us(index);
  told.steps = make_steps(of, input.now.wall_us);
  told.later_than_us = never_us;
  for (const auto* one : plays) {
    const auto& starts_us = one->starts_us(index);
    told.later_than_us =
        std::min(told.later_than_us, of.common < starts_us.size() ? starts_us[of.common] : one->now_us());
  }
  return told;
}

}  // namespace

std::size_t affordable_starts(std::size_t projects) {
  return std::min(most_forecast_starts, most_forecast_turns / std::max<std::size_t>(projects, 1));
}

forecast make_forecast(const conf::pacs& pacs, forecast_input input) {
  input.horizon = std::clamp(input.horizon, std::chrono::days{1}, longest_forecast);
  if (!input.most_starts) input.most_starts = affordable_starts(input.projects.size());
  const auto mean_us = std::max<std::int64_t>(input.mean_retrieval.count(), 100);
  const auto spread_us = mean_us * retrieval_spread_percent / 100;
  const auto horizon_us = input.now.wall_us + std::chrono::microseconds{input.horizon}.count();
  const auto stretches = conf::stretches_between(pacs.windows, pacs.timezone, seconds_of(input.now.wall_us),
                                                 seconds_of(horizon_us) + std::chrono::seconds{1});
  play mean{pacs, input, stretches, {mean_us, mean_us / 2}};
  play fast{pacs, input, stretches, {mean_us - spread_us, 0}};
  play slow{pacs, input, stretches, {mean_us + spread_us, mean_us + spread_us}};
  forecast told;
  told.hours = play_hours(pacs, input, stretches, mean, horizon_us);
  fast.run_until(horizon_us);
  slow.run_until(horizon_us);
  told.ends_us = mean.now_us();
  for (std::size_t i = 0; i < input.projects.size(); ++i)
    told.projects.push_back(project_outcome(input, i, {&mean, &fast, &slow}));
  return told;
}

start_estimate estimate_start(const project_forecast& project, std::uint64_t position) {
  const auto step = std::find_if(project.steps.begin(), project.steps.end(),
                                 [&](const forecast_step& one) { return position <= one.starts; });
  if (step != project.steps.end()) return {forecast_end::started, step->earliest_us, step->latest_us};
  if (position <= project.possible || project.end == forecast_end::started)
    return {forecast_end::beyond_horizon, project.later_than_us, std::nullopt};
  return {project.end, project.later_than_us, std::nullopt};
}

}  // namespace penstock::actors
