#include "actors/cache_checker.hpp"

#include <spdlog/spdlog.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "actors/journal_pen.hpp"
#include "actors/json_text.hpp"
#include "messages/roster.hpp"
#include "messages/type_ids.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {
namespace {

using namespace messages;
using nlohmann::json;
namespace keys = storage::keys;

constexpr std::chrono::seconds part_patience{60};
constexpr std::chrono::seconds after_failure{2};
constexpr std::size_t holdings_of_a_part = 20;
constexpr std::size_t most_findings_told = 100;
constexpr int most_failures_of_a_shard = 5;

/// What a check is about, where it is, and what it has found.
struct run {
  bool repair = false;
  bool packs_too = true;              ///< false: only the holdings, after a loss
  std::optional<std::uint32_t> only;  ///< holdings of this shard
  std::string asked_by;
  std::int64_t began_us = 0;
  std::int64_t ended_us = 0;
  std::size_t shard = 0;
  std::string from;     ///< of the shard's part
  std::string holding;  ///< the key of the last that was looked at
  int failures = 0;     ///< in a row, of this shard
  std::uint64_t studies = 0;
  std::uint64_t packs = 0;
  std::uint64_t instances = 0;
  std::uint64_t bytes = 0;
  std::uint64_t holdings = 0;
  std::uint64_t repaired = 0;
  std::map<std::string, std::uint64_t> found;
  std::vector<cache_finding> told;
  std::string problem;  ///< a part that could not be checked

  [[nodiscard]] std::uint64_t all_found() const {
    std::uint64_t sum = 0;
    for (const auto& [kind, count] : found) sum += count;
    return sum;
  }
  void note(const cache_finding& one) {
    ++found[one.kind];
    repaired += one.repaired ? 1 : 0;
    if (told.size() < most_findings_told) told.push_back(one);
  }
};

json finding_json(const cache_finding& one) {
  return {{"kind", one.kind},
          {"pacs", one.pacs},
          {"pack", one.pack},
          {"instances", one.instances},
          {"repaired", one.repaired}};
}

class cache_checker {
 public:
  using handle = cache_checker_actor;
  static constexpr const char* name = "cache_checker";

  cache_checker(handle::pointer self, cache_checker_options options)
      : self_(self), options_(std::move(options)), pen_(self, options_.journal, name) {}

  handle::behavior_type make_behavior() {
    pen_.enrol([this] {
      options_.news->listen([to = handle{self_}.address()](const catalogue_made_again& news) {
        if (auto alive = caf::actor_cast<handle>(to)) caf::anon_send(alive, news);
      });
    });
    return {
        [this](const check_cache& order) { return on_check(order); },
        [this](const catalogue_made_again& news) { on_news(news); },
        [this](const tick& t) { on_tick(t); },
    };
  }

 private:
  // ---- what is asked ----

  caf::result<answered> on_check(const check_cache& order) {
    if (!order.start) return answered{dumped(report())};
    if (now_) return to_caf({errc::conflict, "a check is under way already; ask how far it is"});
    run fresh;
    fresh.repair = order.repair;
    fresh.asked_by = order.who.user;
    begin(std::move(fresh));
    return answered{dumped(report())};
  }

  /// Journaled, and the holdings of that shard are looked at as soon as nothing else is under way.
  void on_news(const catalogue_made_again& news) {
    run holdings;
    holdings.repair = true;
    holdings.packs_too = false;
    holdings.only = news.shard;
    later_.push_back(std::move(holdings));
    if (!news.kept_in.empty())
      record("catalogue.made_again",
             {{"shard", news.shard}, {"packs", news.packs}, {"unreadable", news.unreadable}, {"why", news.why}}, {});
    begin_next();
  }

  void begin(run fresh) {
    fresh.began_us = options_.clocks.utc_us();
    if (!fresh.packs_too) fresh.shard = options_.shards.size();
    now_ = std::move(fresh);
    ++generation_;
    look_on(options_.pause);
  }

  void begin_next() {
    if (now_ || later_.empty()) return;
    auto next = std::move(later_.front());
    later_.erase(later_.begin());
    begin(std::move(next));
  }

  json report() const {
    if (!now_ && !last_) return {{"running", false}};
    const auto& of = now_ ? *now_ : *last_;
    json told = json::array();
    for (const auto& one : of.told) told.push_back(finding_json(one));
    json answer{{"running", now_.has_value()},
                {"repair", of.repair},
                {"began", rfc3339(of.began_us)},
                {"shard", std::min(of.shard, options_.shards.size())},
                {"shards", options_.shards.size()},
                {"studies", of.studies},
                {"packs", of.packs},
                {"instances", of.instances},
                {"bytes", of.bytes},
                {"holdings", of.holdings},
                {"found", of.found},
                {"repaired", of.repaired},
                {"findings", std::move(told)}};
    if (of.ended_us > 0) answer["ended"] = rfc3339(of.ended_us);
    if (!of.problem.empty()) answer["problem"] = of.problem;
    return answer;
  }

  // ---- one part after the other ----

  void look_on(std::chrono::milliseconds later) { self_->delayed_send(handle{self_}, later, tick{generation_}); }

  void on_tick(const tick& t) {
    if (!now_ || t.generation != generation_) return;
    if (now_->shard < options_.shards.size()) return examine();
    look_at_holdings();
  }

  void examine() {
    const examine_cache order{now_->from, now_->repair, static_cast<std::uint32_t>(options_.work.count())};
    self_->request(options_.shards[now_->shard], part_patience, order)
        .then([this](const cache_examined& seen) { take(seen); },
              [this](const caf::error& problem) { examine_anew(from_caf(problem, "check a shard")); });
  }

  /// The shard was started again, or makes its catalogue again.
  void examine_anew(const failure& problem) {
    now_->from.clear();
    if (++now_->failures >= most_failures_of_a_shard) {
      now_->problem = "shard " + std::to_string(now_->shard) + ": " + problem.text();
      ++now_->shard;
      now_->failures = 0;
    }
    look_on(after_failure);
  }

  void take(const cache_examined& seen) {
    now_->failures = 0;
    now_->studies += seen.studies;
    now_->packs += seen.packs;
    now_->instances += seen.instances;
    now_->bytes += seen.bytes;
    json repaired = json::array();
    for (const auto& one : seen.findings) {
      now_->note(one);
      spdlog::warn("check of the cache: shard {}: {}: pack {} of {}, {} instances{}", now_->shard, one.kind, one.pack,
                   one.pacs, one.instances, one.repaired ? ", repaired" : "");
      if (one.repaired) repaired.push_back(finding_json(one));
    }
    if (!repaired.empty()) record("cache.repaired", {{"shard", now_->shard}, {"findings", repaired}}, now_->asked_by);
    now_->from = seen.next;
    if (seen.next.empty()) ++now_->shard;
    look_on(options_.pause);
  }

  // ---- holdings ----

  void look_at_holdings() {
    std::vector<holding_row> part;
    auto end = storage::read_rows<holding_row>(
        *options_.core, {.from = now_->holding, .prefix = "holding/", .limit = holdings_of_a_part + 1}, "holding",
        [&](std::string_view key, holding_row&& row) {
          if (key == now_->holding) return true;
          now_->holding = key;
          part.push_back(std::move(row));
          return part.size() < holdings_of_a_part;
        });
    if (!end) {
      now_->problem = end.error().text();
      return finish();
    }
    if (part.empty()) return finish();
    if (now_->only) std::erase_if(part, [&](const auto& row) { return row.shard != *now_->only; });
    open_ = part.size() + 1;
    for (const auto& row : part) look_at(row);
    one_less();
  }

  void look_at(const holding_row& row) {
    ++now_->holdings;
    auto manifest = storage::read_row<instance_list>(
        *options_.core, keys::manifest(row.project, row.pacs, row.study, row.version), "manifest");
    if (!manifest || !*manifest || row.shard >= options_.shards.size()) return one_less();
    self_
        ->request(options_.shards[row.shard], part_patience,
                  locate_objects{row.pacs, row.study, std::move((**manifest).instances)})
        .then(
            [this, row](const objects_located& located) {
              std::uint64_t missing = 0;
              for (const auto& object : located.objects) missing += object.problem.empty() ? 0 : 1;
              if (missing > 0) lost(row, missing);
              one_less();
            },
            [this](const caf::error& problem) {
              now_->problem = from_caf(problem, "look at a holding").text();
              one_less();
            });
  }

  void lost(const holding_row& row, std::uint64_t missing) {
    now_->note({"holding_lost", row.pacs, "", missing, now_->repair});
    spdlog::warn("check of the cache: a holding of {} from {} lacks {} of {} instances{}", row.project, row.pacs,
                 missing, row.instances, now_->repair ? ", given up: a retry fetches it again" : "");
    if (!now_->repair) return;
    const auto serving = options_.in_force->get().roster;
    const auto queue = serving->queues.find(row.project);
    if (queue != serving->queues.end())
      self_->send(queue->second, holding_damaged{row.pacs, row.study, row.version, missing});
  }

  void one_less() {
    if (--open_ == 0) look_on(options_.pause);
  }

  void finish() {
    now_->ended_us = options_.clocks.utc_us();
    spdlog::info("check of the cache: {} packs, {} instances, {} bytes, {} holdings compared; {} found, {} repaired{}",
                 now_->packs, now_->instances, now_->bytes, now_->holdings, now_->all_found(), now_->repaired,
                 now_->problem.empty() ? "" : "; " + now_->problem);
    if (now_->packs_too || now_->all_found() > 0)
      record("cache.checked",
             {{"packs", now_->packs},
              {"instances", now_->instances},
              {"bytes", now_->bytes},
              {"holdings", now_->holdings},
              {"found", now_->found},
              {"repaired", now_->repaired}},
             now_->asked_by);
    last_ = std::exchange(now_, {});
    begin_next();
  }

  void record(std::string kind, const json& details, const std::string& user) {
    journal_entry entry;
    entry.kind = std::move(kind);
    entry.user = user;
    entry.details = dumped(details);
    pen_.append(
        std::move(entry), [](const entries_committed&) {},
        [this](const failure& problem) { self_->quit(to_caf(problem)); });
  }

  handle::pointer self_;
  cache_checker_options options_;
  journal_pen<handle::pointer> pen_;
  std::optional<run> now_;
  std::optional<run> last_;
  std::vector<run> later_;
  std::size_t open_ = 0;  ///< holdings of the part that were not answered for yet
  std::uint64_t generation_ = 0;
};

}  // namespace

cache_checker_actor start_cache_checker(caf::actor_system& system, cache_checker_options options,
                                        custodian::observer on_restart) {
  return supervise<cache_checker>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
