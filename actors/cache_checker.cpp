#include "actors/cache_checker.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "actors/journal_pen.hpp"
#include "actors/json_text.hpp"
#include "messages/roster.hpp"
#include "messages/type_ids.hpp"
#include "storage/digest.hpp"
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
/// A shard that was started again in between is examined from its beginning: so often, however far each attempt comes.
constexpr int most_attempts_at_a_shard = 5;
constexpr int most_attempts_at_holdings = 5;
constexpr std::size_t most_ended_known = 8;
constexpr std::size_t id_bytes = 8;

struct tally {
  std::uint64_t studies = 0;
  std::uint64_t packs = 0;
  std::uint64_t instances = 0;
  std::uint64_t bytes = 0;
};

/// What a check is about, where it is, and what it has found.
struct run {
  std::string id;
  bool repair = false;
  std::optional<shard_news::item> news;  ///< begun by itself, for the holdings of the shard that told it
  std::string asked_by;
  std::int64_t began_us = 0;
  std::int64_t ended_us = 0;
  std::size_t shard = 0;
  std::string from;     ///< of the shard's part
  std::string holding;  ///< the key of the last that was looked at
  int attempts = 0;     ///< at this shard; then at the holdings of a part
  tally seen;
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
    if (!one.repaired) ++open_of_shard_[one.kind];
    if (told.size() < most_findings_told) told.push_back(one);
  }
  void next_shard() {
    ++shard;
    attempts = 0;
    from.clear();
    seen_before_shard_ = seen;
    told_before_shard_ = told.size();
    open_of_shard_.clear();
  }
  /// The shard will be examined again from its beginning; only what was repaired will not be found again.
  void take_shard_back() {
    from.clear();
    seen = seen_before_shard_;
    for (const auto& [kind, count] : open_of_shard_)
      if ((found[kind] -= count) == 0) found.erase(kind);
    open_of_shard_.clear();
    const auto first = told.begin() + static_cast<std::ptrdiff_t>(told_before_shard_);
    told.erase(std::remove_if(first, told.end(), [](const auto& one) { return !one.repaired; }), told.end());
  }

 private:
  tally seen_before_shard_;
  std::size_t told_before_shard_ = 0;
  std::map<std::string, std::uint64_t> open_of_shard_;  ///< found there and not repaired
};

std::string new_id() {
  std::array<std::uint8_t, id_bytes> bytes{};
  storage::fill_random(bytes);
  return storage::to_hex(bytes);
}

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
        [this](const catalogue_made_again&) { on_news(); },
        [this](const tick& t) { on_tick(t); },
    };
  }

 private:
  // ---- what is asked ----

  caf::result<answered> on_check(const check_cache& order) {
    if (!order.start) return on_progress(order.run);
    if (now_) return to_caf({errc::conflict, "a check is under way already; ask how far it is"});
    run fresh;
    fresh.repair = order.repair;
    fresh.asked_by = order.who.user;
    begin(std::move(fresh));
    return answered{dumped(report(*now_))};
  }

  caf::result<answered> on_progress(const std::string& id) const {
    const auto wanted = [&](const run& one) { return id.empty() || one.id == id; };
    if (now_ && wanted(*now_)) return answered{dumped(report(*now_))};
    const auto found = std::find_if(ended_.rbegin(), ended_.rend(), wanted);
    if (found != ended_.rend()) return answered{dumped(report(*found))};
    if (id.empty()) return answered{dumped(json{{"running", false}})};
    return to_caf({errc::not_found, "no such check is known: what made it was started again since"});
  }

  /// Journaled, and the holdings of those shards are looked at as soon as nothing else is under way. It waits in
  /// `options_.news` until that is done, in whichever life of this actor.
  void on_news() {
    for (const auto& [number, what, journaled] : options_.news->waiting()) {
      if (what.kept_in.empty() || journaled || !journaling_.insert(number).second) continue;
      record("catalogue.made_again",
             {{"shard", what.shard}, {"packs", what.packs}, {"unreadable", what.unreadable}, {"why", what.why}}, {},
             [this, number = number] { options_.news->journaled(number); });
    }
    begin_next();
  }

  void begin(run fresh) {
    fresh.id = new_id();
    fresh.began_us = options_.clocks.utc_us();
    if (fresh.news) fresh.shard = options_.shards.size();
    now_ = std::move(fresh);
    part_.clear();
    ++generation_;
    look_on(options_.pause);
  }

  void begin_next() {
    if (now_) return;
    auto waiting = options_.news->waiting();
    if (waiting.empty()) return;
    run holdings;
    holdings.news = std::move(waiting.front());
    begin(std::move(holdings));
  }

  json report(const run& of) const {
    json told = json::array();
    for (const auto& one : of.told) told.push_back(finding_json(one));
    json answer{{"run", of.id},
                {"running", of.ended_us == 0},
                {"repair", of.repair},
                {"began", rfc3339(of.began_us)},
                {"shard", std::min(of.shard, options_.shards.size())},
                {"shards", options_.shards.size()},
                {"studies", of.seen.studies},
                {"packs", of.seen.packs},
                {"instances", of.seen.instances},
                {"bytes", of.seen.bytes},
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
    now_->take_shard_back();
    if (++now_->attempts >= most_attempts_at_a_shard) {
      now_->problem = "shard " + std::to_string(now_->shard) + ": given up after " + std::to_string(now_->attempts) +
                      " attempts: " + problem.text();
      now_->next_shard();
    }
    look_on(after_failure);
  }

  void take(const cache_examined& seen) {
    now_->seen.studies += seen.studies;
    now_->seen.packs += seen.packs;
    now_->seen.instances += seen.instances;
    now_->seen.bytes += seen.bytes;
    json repaired = json::array();
    for (const auto& one : seen.findings) {
      now_->note(one);
      spdlog::warn("check of the cache: shard {}: {}: pack {} of {}, {} instances{}", now_->shard, one.kind, one.pack,
                   one.pacs, one.instances, one.repaired ? ", repaired" : "");
      if (one.repaired) repaired.push_back(finding_json(one));
    }
    if (!repaired.empty()) record("cache.repaired", {{"shard", now_->shard}, {"findings", repaired}}, now_->asked_by);
    now_->from = seen.next;
    if (seen.next.empty()) now_->next_shard();
    look_on(options_.pause);
  }

  // ---- holdings ----

  void look_at_holdings() {
    if (part_.empty() && !read_part()) return finish();
    auto part = std::exchange(part_, {});
    open_ = part.size() + 1;
    for (auto& row : part) look_at(std::move(row));
    one_less();
  }

  /// False: that was all.
  bool read_part() {
    std::size_t seen = 0;
    now_->attempts = 0;
    auto end = storage::read_rows<holding_row>(
        *options_.core, {.from = now_->holding, .prefix = "holding/", .limit = holdings_of_a_part + 1}, "holding",
        [&](std::string_view key, holding_row&& row) {
          if (key == now_->holding) return true;
          now_->holding = key;
          if (!now_->news || row.shard == now_->news->what.shard) part_.push_back(std::move(row));
          return ++seen < holdings_of_a_part;
        });
    if (!end) now_->problem = end.error().text();
    return end && seen > 0;
  }

  void look_at(holding_row row) {
    auto manifest = storage::read_row<instance_list>(
        *options_.core, keys::manifest(row.project, row.pacs, row.study, row.version), "manifest");
    if (!manifest || !*manifest || row.shard >= options_.shards.size()) {
      ++now_->holdings;
      return one_less();
    }
    self_
        ->request(options_.shards[row.shard], part_patience,
                  locate_objects{row.pacs, row.study, std::move((**manifest).instances)})
        .then(
            [this, row](const objects_located& located) {
              std::uint64_t missing = 0;
              ++now_->holdings;
              for (const auto& object : located.objects) missing += object.problem.empty() ? 0 : 1;
              if (missing > 0) lost(row, missing);
              one_less();
            },
            [this, row](const caf::error& problem) {
              not_answered(row, from_caf(problem, "look at a holding"));
              one_less();
            });
  }

  /// The shard may just be starting. Once one has stayed silent for all attempts, no other is waited for.
  void not_answered(const holding_row& row, const failure& problem) {
    if (now_->problem.empty() && now_->attempts + 1 < most_attempts_at_holdings)
      part_.push_back(row);
    else
      now_->problem = "shard " + std::to_string(row.shard) + ": " + problem.text();
  }

  void lost(const holding_row& row, std::uint64_t missing) {
    const auto serving = options_.in_force->get().roster;
    const auto queue = serving->queues.find(row.project);
    const bool served = queue != serving->queues.end();
    now_->note({"holding_lost", row.pacs, "", missing, now_->repair && served});
    spdlog::warn("check of the cache: a holding of {} from {} lacks {} of {} instances{}", row.project, row.pacs,
                 missing, row.instances,
                 now_->repair ? ", given up: a retry fetches it again"
                 : now_->news ? "; its claim stays, a retry fetches what does not return"
                              : "");
    if (served && (now_->repair || now_->news))
      self_->send(queue->second, holding_damaged{row.pacs, row.study, row.version, missing, now_->repair});
  }

  void one_less() {
    if (--open_ > 0) return;
    if (!part_.empty()) ++now_->attempts;
    look_on(part_.empty() ? options_.pause : after_failure);
  }

  void finish() {
    now_->ended_us = options_.clocks.utc_us();
    spdlog::info("check of the cache: {} packs, {} instances, {} bytes, {} holdings compared; {} found, {} repaired{}",
                 now_->seen.packs, now_->seen.instances, now_->seen.bytes, now_->holdings, now_->all_found(),
                 now_->repaired, now_->problem.empty() ? "" : "; " + now_->problem);
    if (!now_->news || now_->all_found() > 0)
      record("cache.checked",
             {{"packs", now_->seen.packs},
              {"instances", now_->seen.instances},
              {"bytes", now_->seen.bytes},
              {"holdings", now_->holdings},
              {"found", now_->found},
              {"repaired", now_->repaired}},
             now_->asked_by);
    if (now_->news) options_.news->dealt_with(now_->news->number);
    if (ended_.size() == most_ended_known) ended_.erase(ended_.begin());
    ended_.push_back(std::move(*now_));
    now_.reset();
    begin_next();
  }

  void record(
      std::string kind, const json& details, const std::string& user, std::function<void()> then = [] {}) {
    journal_entry entry;
    entry.kind = std::move(kind);
    entry.user = user;
    entry.details = dumped(details);
    pen_.append(
        std::move(entry), [then = std::move(then)](const entries_committed&) { then(); },
        [this](const failure& problem) { self_->quit(to_caf(problem)); });
  }

  handle::pointer self_;
  cache_checker_options options_;
  journal_pen<handle::pointer> pen_;
  std::optional<run> now_;
  std::vector<run> ended_;              ///< the newest last
  std::set<std::uint64_t> journaling_;  ///< news whose entry is on its way
  std::vector<holding_row> part_;       ///< of holdings, that are to be looked at, or looked at again
  std::size_t open_ = 0;                ///< holdings of the part that were not answered for yet
  std::uint64_t generation_ = 0;
};

}  // namespace

cache_checker_actor start_cache_checker(caf::actor_system& system, cache_checker_options options,
                                        custodian::observer on_restart) {
  return supervise<cache_checker>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
