#include "actors/supervisor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "actors/audit_journal.hpp"
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

custodian::observer tell_restarts(std::string who) {
  return [who = std::move(who)](const caf::error& reason, std::chrono::milliseconds pause) {
    spdlog::error("{} ended ({}); starting it again in {} ms", who, from_caf(reason, "fault").text(), pause.count());
  };
}

class supervisor {
 public:
  using handle = supervisor_actor;
  static constexpr const char* name = "supervisor";

  supervisor(handle::pointer self, server_tree tree, time_source clocks)
      : self_(self), tree_(std::move(tree)), clocks_(std::move(clocks)), started_us_(clocks_.utc_us()) {}

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
    all->open = 1 + tree_.shards.size() + tree_.associations.size() + tree_.queues.size() + tree_.searches.size() +
                tree_.governors.size();
    ask(all, "audit_journal", "", tree_.journal, describe_actor{});
    for (const auto& [id, who] : tree_.associations) ask(all, "pacs_association", id, who, describe_actor{});
    for (const auto& [id, who] : tree_.queues) ask(all, "project_queue", id, who, describe_actor{});
    for (const auto& [id, who] : tree_.searches) ask(all, "project_search", id, who, describe_actor{});
    for (const auto& [id, who] : tree_.governors) ask(all, "governor_clock", id, who, describe_governor{{}, true});
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
    all->promise.deliver(answered{json{{"uptime_s", uptime_s}, {"actors", all->actors}}.dump()});
  }

  handle::pointer self_;
  server_tree tree_;
  time_source clocks_;
  std::int64_t started_us_ = 0;
};

std::function<bool(const std::string&, const dicom_uid&)> claims_in(std::shared_ptr<storage::row_store> core) {
  return [core = std::move(core)](const std::string& pacs, const dicom_uid& study) {
    auto seen = core->scan(storage::column::rows, {.prefix = storage::keys::claims_on(pacs, study), .limit = 1},
                           [](std::string_view, std::string_view) { return true; });
    return !seen || seen->visited > 0;
  };
}

void start_cache(caf::actor_system& system, crew& members, const server_tree_options& options, server_tree& tree) {
  for (std::uint32_t number = 0; number < options.cache_shards; ++number) {
    cache_shard_options shard;
    shard.number = number;
    shard.packs = options.state->shard_packs(number);
    shard.catalogue = options.state->shard_catalogue(number);
    shard.node = "local";
    shard.is_claimed = claims_in(options.core);
    shard.min_free_bytes = options.min_free_disk_bytes;
    tree.shards.push_back(members.add(
        start_cache_shard(system, shard, tell_restarts("cache_shard " + std::to_string(number)), options.where)));
  }
  list_reader_options reader;
  reader.core = options.core;
  reader.shards = tree.shards;
  reader.rules = [rules = options.rules] { return rules; };
  tree.reader = members.add(start_list_reader(system, std::move(reader), tell_restarts("list_reader"), options.where));
}

/// A wall clock in doubt does not say how long ago that was: it then counts from now.
std::optional<instant> full_since(const server_tree_options& options) {
  if (!options.newest_missing_since_us) return std::nullopt;
  auto then = options.clocks.now();
  const auto ago_us = std::max<std::int64_t>(then.wall_us - *options.newest_missing_since_us, 0);
  if (!then.clock_in_doubt) then.boottime_ns -= ago_us * 1000;
  return then;
}

/// When it cannot be measured, the shard will say so.
std::function<bool()> room_on(const server_tree_options& options) {
  return [state = options.state, least = options.min_free_disk_bytes] {
    const auto room = state->free_bytes();
    return !room || room.value() >= least;
  };
}

void start_pacs(caf::actor_system& system, crew& members, const server_tree_options& options, server_tree& tree,
                const std::string& id) {
  tree.governors[id] = members.add(start_governor_clock(
      system, {id, options.rules, tree.journal, options.core, options.clocks, full_since(options), room_on(options)},
      tell_restarts("governor_clock " + id)));
  pacs_association_options association;
  association.pacs = id;
  association.rules = options.rules;
  association.port = options.port;
  association.listener = options.listener;
  association.governor = tree.governors[id];
  association.shards = tree.shards;
  association.sink = options.sink;
  association.clocks = options.clocks;
  tree.associations[id] =
      members.add(start_pacs_association(system, std::move(association), tell_restarts("pacs_association " + id)));
}

void start_project(caf::actor_system& system, crew& members, const server_tree_options& options, server_tree& tree,
                   const conf::project& project) {
  project_queue_options queue;
  queue.project = project.id;
  queue.rules = options.rules;
  queue.journal = tree.journal;
  for (const auto& id : project.pacs) {
    queue.governors[id] = tree.governors.at(id);
    queue.associations[id] = tree.associations.at(id);
  }
  queue.shards = tree.shards;
  queue.reader = tree.reader;
  queue.core = options.core;
  queue.clocks = options.clocks;
  project_search_options search{project.id,         options.rules, tree.journal, queue.governors,
                                queue.associations, options.sink,  options.core, options.clocks};
  tree.queues[project.id] =
      members.add(start_project_queue(system, std::move(queue), tell_restarts("project_queue " + project.id)));
  tree.searches[project.id] =
      members.add(start_project_search(system, std::move(search), tell_restarts("project_search " + project.id)));
}

}  // namespace

server_tree start_server_tree(caf::actor_system& system, crew& members, server_tree_options options) {
  server_tree tree;
  audit_journal_options journal;
  journal.core = options.core;
  journal.fence = options.state->fence();
  journal.on_failure = options.on_journal_failure;
  tree.journal = members.add(start_audit_journal(system, std::move(journal), options.where));
  tree.rules_keeper = members.add(
      start_rules_keeper(system, {options.rules, tree.journal, options.clocks}, tell_restarts("rules_keeper")));
  start_cache(system, members, options, tree);
  for (const auto& [id, pacs] : options.rules->pacs) start_pacs(system, members, options, tree, id);
  for (const auto& [id, project] : options.rules->projects) start_project(system, members, options, tree, project);
  tree.supervisor = members.add(supervise<supervisor>(system, tell_restarts("supervisor"), tree, options.clocks));
  return tree;
}

}  // namespace penstock::actors
