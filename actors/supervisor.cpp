#include "actors/supervisor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "actors/audit_journal.hpp"
#include "actors/backup_keeper.hpp"
#include "actors/cache_checker.hpp"
#include "actors/cache_shard.hpp"
#include "actors/governor_clock.hpp"
#include "actors/list_reader.hpp"
#include "actors/pacs_association.hpp"
#include "actors/project_queue.hpp"
#include "actors/project_search.hpp"
#include "actors/rules_keeper.hpp"
#include "messages/actor_errors.hpp"
#include "messages/type_ids.hpp"
#include "storage/keys.hpp"

namespace penstock::actors {
namespace {

using namespace messages;
using nlohmann::json;

constexpr std::chrono::seconds description_patience{3};
constexpr std::chrono::hours unclaimed_kept{7 * 24};

custodian::observer tell_restarts(std::string who) {
  return [who = std::move(who)](const caf::error& reason, std::chrono::milliseconds pause) {
    spdlog::error("{} ended ({}); starting it again in {} ms", who, from_caf(reason, "fault").text(), pause.count());
  };
}

class supervisor {
 public:
  using handle = supervisor_actor;
  static constexpr const char* name = "supervisor";

  /// `disk` says how much room there is, as JSON.
  supervisor(handle::pointer self, server_tree tree, time_source clocks, std::function<json()> disk)
      : self_(self),
        tree_(std::move(tree)),
        clocks_(std::move(clocks)),
        disk_(std::move(disk)),
        started_us_(clocks_.utc_us()) {}

  handle::behavior_type make_behavior() {
    return {[this](const describe_server&) { return on_describe(); }};
  }

 private:
  struct gathering {
    json actors = json::array();
    std::size_t open = 0;
    caf::typed_response_promise<answered> promise;
  };

  caf::result<answered> on_describe() {
    auto all = std::make_shared<gathering>();
    all->promise = self_->make_response_promise<answered>();
    const auto serving = tree_.in_force->get().roster;
    all->open = 2 + tree_.shards.size() + serving->associations.size() + serving->queues.size() +
                serving->searches.size() + serving->governors.size();
    ask(all, "audit_journal", "", tree_.journal, describe_actor{});
    ask(all, "backup_keeper", "", tree_.backup_keeper, describe_actor{});
    for (const auto& [id, who] : serving->associations) ask(all, "pacs_association", id, who, describe_actor{});
    for (const auto& [id, who] : serving->queues) ask(all, "project_queue", id, who, describe_actor{});
    for (const auto& [id, who] : serving->searches) ask(all, "project_search", id, who, describe_actor{});
    for (const auto& [id, who] : serving->governors) ask(all, "governor_clock", id, who, describe_governor{{}, true});
    for (std::size_t i = 0; i < tree_.shards.size(); ++i) ask_shard(all, i);
    return all->promise;
  }

  template <class Handle, class Question>
  void ask(std::shared_ptr<gathering> all, const char* kind, const std::string& of, const Handle& who,
           Question question) {
    self_->request(who, description_patience, std::move(question))
        .then(
            [this, all, kind, of](const answered& answer) {
              auto one = json::parse(answer.json, nullptr, false);
              one["actor"] = kind;
              if (!of.empty()) one["of"] = of;
              gathered(all, std::move(one));
            },
            [this, all, kind, of](const caf::error& problem) { gathered(all, silent(kind, of, problem)); });
  }

  void ask_shard(std::shared_ptr<gathering> all, std::size_t number) {
    const auto of = std::to_string(number);
    self_->request(tree_.shards[number], description_patience, describe_shard{})
        .then(
            [this, all, of](const shard_described& shard) {
              gathered(all, {{"actor", "cache_shard"},
                             {"of", of},
                             {"state", shard.problem.empty() ? "running" : shard.problem},
                             {"studies", shard.studies},
                             {"instances", shard.instances},
                             {"bytes", shard.bytes}});
            },
            [this, all, of](const caf::error& problem) { gathered(all, silent("cache_shard", of, problem)); });
  }

  static json silent(const char* kind, const std::string& of, const caf::error& problem) {
    return {{"actor", kind}, {"of", of}, {"state", "silent"}, {"problem", from_caf(problem, "describe").text()}};
  }

  void gathered(const std::shared_ptr<gathering>& all, json one) {
    all->actors.push_back(std::move(one));
    if (--all->open > 0) return;
    const auto uptime_s = (clocks_.utc_us() - started_us_) / 1'000'000;
    all->promise.deliver(answered{json{{"uptime_s", uptime_s}, {"disk", disk_()}, {"actors", all->actors}}.dump()});
  }

  handle::pointer self_;
  server_tree tree_;
  time_source clocks_;
  std::function<json()> disk_;
  std::int64_t started_us_ = 0;
};

std::function<json()> disk_of(const server_tree_options& options) {
  return [state = options.state, room_left = options.room_left, least = options.min_free_disk_bytes] {
    json disk{{"state", name_of(room_left ? room_left() : storage::room::ample)},
              {"retrieves_above_bytes", std::max(least, storage::room_to_admit_bytes)},
              {"admits_above_bytes", storage::room_to_admit_bytes}};
    if (auto free = state->free_bytes()) disk["free_bytes"] = *free;
    return disk;
  };
}

std::function<bool(const std::string&, const dicom_uid&)> claims_in(std::shared_ptr<storage::row_store> core) {
  return [core = std::move(core)](const std::string& pacs, const dicom_uid& study) {
    auto seen = core->scan(storage::column::rows, {.prefix = storage::keys::claims_on(pacs, study), .limit = 1},
                           [](std::string_view, std::string_view) { return true; });
    return !seen || seen->visited > 0;
  };
}

std::shared_ptr<shard_news> start_cache(caf::actor_system& system, crew& members, const server_tree_options& options,
                                        server_tree& tree) {
  const auto news = std::make_shared<shard_news>();
  for (std::uint32_t number = 0; number < options.cache_shards; ++number) {
    cache_shard_options shard;
    shard.number = number;
    shard.packs = options.state->shard_packs(number);
    shard.catalogue = options.state->shard_catalogue(number);
    shard.node = "local";
    shard.is_claimed = claims_in(options.core);
    shard.min_free_bytes = std::max(options.min_free_disk_bytes, storage::room_to_admit_bytes);
    shard.claims_may_be_missing = claims_may_be_missing(options.newest_missing, options.clocks.utc_us());
    shard.news = news;
    tree.shards.push_back(members.add(
        start_cache_shard(system, shard, tell_restarts("cache_shard " + std::to_string(number)), options.where)));
  }
  list_reader_options reader;
  reader.core = options.core;
  reader.shards = tree.shards;
  reader.signer = options.signer;
  reader.utc_us = options.clocks.utc_us;
  reader.rules = [in_force = tree.in_force] { return in_force->get().rules; };
  tree.reader = members.add(start_list_reader(system, std::move(reader), tell_restarts("list_reader"), options.where));
  return news;
}

void start_upkeep(caf::actor_system& system, crew& members, const server_tree_options& options,
                  std::shared_ptr<shard_news> news, server_tree& tree) {
  backup_keeper_options backups{options.core, options.backup_directory, options.backups_kept, tree.journal};
  tree.backup_keeper =
      members.add(start_backup_keeper(system, std::move(backups), tell_restarts("backup_keeper"), options.where));
  cache_checker_options checker;
  checker.journal = tree.journal;
  checker.core = options.core;
  checker.shards = tree.shards;
  checker.news = std::move(news);
  checker.in_force = tree.in_force;
  checker.clocks = options.clocks;
  tree.cache_checker = members.add(start_cache_checker(system, std::move(checker), tell_restarts("cache_checker")));
}

/// Projects that hold something, be they in the rules or not.
std::set<std::string> projects_that_hold(const storage::row_reader& core) {
  std::set<std::string> found;
  const std::string prefix = "holding/";
  storage::row_range range{.prefix = prefix, .limit = 1};
  for (std::string project = "/"; !project.empty();) {
    project.clear();
    static_cast<void>(core.scan(storage::column::rows, range, [&](std::string_view key, std::string_view) {
      const auto rest = key.substr(prefix.size());
      project = rest.substr(0, rest.find('/'));
      return true;
    }));
    if (!project.empty()) found.insert(project);
    range.from = prefix + project + "0";  // what follows "/": behind all holdings of this project
  }
  return found;
}

/// Retrievals stop before anything else does. When it cannot be measured, the shard will say so.
std::function<bool()> room_on(const server_tree_options& options) {
  return [state = options.state, least = std::max(options.min_free_disk_bytes, storage::room_to_admit_bytes)] {
    const auto room = state->free_bytes();
    return !room || room.value() >= least;
  };
}

/// Starts what the rules name and nobody serves yet: when the server starts, and then for the keeper of the rules.
/// Called by one thread at a time.
class growing_tree {
 public:
  /// `parts` lacks the roster. It keeps no handle of the keeper, who keeps this.
  growing_tree(caf::actor_system& system, crew& members, server_tree_options options, server_tree parts)
      : system_(system), members_(members), options_(std::move(options)), parts_(std::move(parts)) {}

  /// From then on these rules are in force for whoever is started again.
  roster_ptr grow(const conf::rules_ptr& rules) {
    const auto before = parts_.in_force->get().roster;
    auto grown = before ? std::make_shared<roster>(*before) : std::make_shared<roster>();
    for (const auto& [id, pacs] : rules->pacs)
      if (!grown->governors.contains(id)) start_pacs(rules, *grown, id);
    for (const auto& [id, project] : rules->projects)
      if (!grown->queues.contains(id)) start_project(rules, *grown, id);
    // What a project holds outlives it: an administrator may purge it.
    if (!before)
      for (const auto& id : projects_that_hold(*options_.core))
        if (!grown->queues.contains(id)) start_project(rules, *grown, id);
    parts_.in_force->set({rules, grown});
    return grown;
  }

 private:
  void start_pacs(const conf::rules_ptr& rules, roster& into, const std::string& id) {
    governor_clock_options governor;
    governor.pacs = id;
    governor.rules = rules;
    governor.in_force = parts_.in_force;
    governor.journal = parts_.journal;
    governor.core = options_.core;
    governor.clocks = options_.clocks;
    if (options_.newest_missing) governor.assume_full_at = full_since(*options_.newest_missing, options_.clocks.now());
    governor.has_room = room_on(options_);
    governor.pause_file = options_.pause_file;
    into.governors[id] =
        members_.add(start_governor_clock(system_, std::move(governor), tell_restarts("governor_clock " + id)));
    pacs_association_options association;
    association.pacs = id;
    association.rules = rules;
    association.in_force = parts_.in_force;
    association.port = options_.port;
    association.listener = options_.listener;
    association.governor = into.governors[id];
    association.shards = parts_.shards;
    association.sink = options_.sink;
    association.clocks = options_.clocks;
    into.associations[id] =
        members_.add(start_pacs_association(system_, std::move(association), tell_restarts("pacs_association " + id)));
  }

  void start_project(const conf::rules_ptr& rules, roster& into, const std::string& id) {
    project_queue_options queue;
    queue.project = id;
    queue.rules = rules;
    queue.in_force = parts_.in_force;
    queue.journal = parts_.journal;
    queue.governors = into.governors;
    queue.associations = into.associations;
    queue.shards = parts_.shards;
    queue.reader = parts_.reader;
    queue.core = options_.core;
    queue.clocks = options_.clocks;
    project_search_options search{id,
                                  rules,
                                  parts_.in_force,
                                  parts_.journal,
                                  into.governors,
                                  into.associations,
                                  options_.sink,
                                  options_.core,
                                  options_.clocks};
    into.queues[id] =
        members_.add(start_project_queue(system_, std::move(queue), tell_restarts("project_queue " + id)));
    into.searches[id] =
        members_.add(start_project_search(system_, std::move(search), tell_restarts("project_search " + id)));
  }

  caf::actor_system& system_;
  crew& members_;
  server_tree_options options_;
  server_tree parts_;
};

}  // namespace

instant full_since(const storage::missing_since& found, instant now) {
  if (!found.boot_id.empty() && found.boot_id == now.boot_id)
    now.boottime_ns = std::min(now.boottime_ns, found.boottime_ns);
  else if (now.clock_in_doubt || found.clock_in_doubt)
    now.boottime_ns = 0;
  else
    now.boottime_ns -= std::max<std::int64_t>(now.wall_us - found.since_us, 0) * 1000;
  return now;
}

bool claims_may_be_missing(const std::optional<storage::missing_since>& found, std::int64_t now_us) {
  if (!found) return false;
  return found->clock_in_doubt || now_us - found->since_us < std::chrono::microseconds{unclaimed_kept}.count();
}

server_tree start_server_tree(caf::actor_system& system, crew& members, server_tree_options options) {
  server_tree tree;
  tree.in_force = std::make_shared<rules_in_force>(options.rules);
  audit_journal_options journal;
  journal.core = options.core;
  journal.fence = options.state->fence();
  journal.on_failure = options.on_journal_failure;
  tree.journal = members.add(start_audit_journal(system, std::move(journal), options.where));
  const auto news = start_cache(system, members, options, tree);
  const auto growing = std::make_shared<growing_tree>(system, members, options, tree);
  tree.roster = growing->grow(options.rules);
  rules_keeper_options keeper;
  keeper.rules = options.rules;
  keeper.in_force = tree.in_force;
  keeper.journal = tree.journal;
  keeper.core = options.core;
  keeper.sink = options.sink;
  keeper.listener = options.listener;
  keeper.clocks = options.clocks;
  keeper.take = [growing](const conf::rules_ptr& rules) { return growing->grow(rules); };
  tree.rules_keeper =
      members.add(start_rules_keeper(system, std::move(keeper), tell_restarts("rules_keeper"), options.where));
  start_upkeep(system, members, options, news, tree);
  tree.supervisor =
      members.add(supervise<supervisor>(system, tell_restarts("supervisor"), tree, options.clocks, disk_of(options)));
  return tree;
}

}  // namespace penstock::actors
