#include "actors/rules_keeper.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "actors/journal_pen.hpp"
#include "actors/json_text.hpp"
#include "conf/file_watch.hpp"
#include "conf/rule_changes.hpp"
#include "messages/type_ids.hpp"
#include "storage/digest.hpp"
#include "storage/journal_reader.hpp"
#include "storage/keys.hpp"

namespace penstock::actors {
namespace {

using namespace messages;
using nlohmann::json;

constexpr std::chrono::seconds look_every{1};
/// A queue that does not say in time what proposed rules would stop is left out.
constexpr std::chrono::seconds weighing_patience{4};
constexpr std::size_t most_changes_in_an_entry = 100;

/// Of everything that was read: two rules of the same digests mean the same.
json digests_of(const conf::rules& rules) {
  json cohorts = json::object();
  for (const auto& [id, project] : rules.projects)
    if (project.patients) cohorts[id] = storage::to_hex(storage::sha256(project.patients->text()));
  return {{"sha256", storage::to_hex(storage::sha256(rules.toml_text))}, {"cohorts", std::move(cohorts)}};
}

std::vector<std::filesystem::path> files_of(const conf::rules& rules, const std::vector<conf::fault>& faults) {
  std::vector<std::filesystem::path> files{rules.file};
  for (const auto& [id, project] : rules.projects) files.push_back(project.patients_file);
  for (const auto& fault : faults)
    if (std::find(files.begin(), files.end(), std::filesystem::path{fault.file}) == files.end())
      files.emplace_back(fault.file);
  return files;
}

json faults_json(const std::vector<conf::fault>& faults) {
  json all = json::array();
  for (const auto& one : faults)
    all.push_back({{"file", std::filesystem::path{one.file}.filename().string()},
                   {"line", one.line},
                   {"column", one.column},
                   {"message", one.message}});
  return all;
}

json changes_json(const std::vector<conf::rule_change>& changes) {
  json all = json::array();
  for (const auto& one : changes)
    all.push_back({{"kind", conf::name_of(one.kind)}, {"thing", one.thing}, {"id", one.id}, {"text", one.text()}});
  return all;
}

class rules_keeper {
 public:
  using handle = rules_keeper_actor;
  static constexpr const char* name = "rules_keeper";

  rules_keeper(handle::pointer self, rules_keeper_options options)
      : self_(self), options_(std::move(options)), pen_(self, options_.journal, name), watch_({}) {
    take_current_rules(options_);
    watch_.watch(files_of(*options_.rules, {}));
    digests_ = digests_of(*options_.rules);
  }

  handle::behavior_type make_behavior() {
    loaded_us_ = options_.clocks.utc_us();
    pen_.enrol([this] { record_rules(); });
    if (options_.take && !options_.rules->file.empty()) self_->delayed_send(handle{self_}, look_every, tick{});
    return {
        [this](const watch_rules&) { return published(); },
        [this](const show_rules&) { return on_show(); },
        [this](const check_rules& proposal) { return on_check(proposal); },
        [this](const reload_rules& order) { return reload(order.who); },
        [this](const propose_rules& proposal) { return on_propose(proposal); },
        [this](const tick&) { on_tick(); },
    };
  }

 private:
  void record_rules() {
    journal_entry entry;
    entry.kind = "rules.in_force";
    entry.details = dumped(brief(digests_));
    pen_.append(
        std::move(entry), [](const entries_committed&) {},
        [this](const failure& problem) { self_->quit(to_caf(problem)); });
  }

  rules_published published() const {
    return {options_.rules, options_.in_force ? options_.in_force->get().roster : nullptr};
  }

  answered on_show() {
    return {dumped({{"version", 1},
                    {"sha256", digests_["sha256"]},
                    {"loaded", rfc3339(loaded_us_)},
                    {"toml", options_.rules->toml_text},
                    {"refused", refused_}})};
  }

  caf::result<rules_published> on_propose(const propose_rules& proposal) {
    auto read = conf::parse_rules(proposal.toml, options_.rules->file);
    if (!read.ok()) return to_caf({errc::bad_request, "toml: " + conf::text_of(read.faults)});
    return rules_published{std::move(read.value), nullptr};
  }

  // ---- check ----

  caf::result<answered> on_check(const check_rules& proposal) {
    auto read = proposal.toml.empty() ? conf::load_rules(options_.rules->file)
                                      : conf::parse_rules(proposal.toml, options_.rules->file);
    if (!read.ok())
      return answered{dumped({{"valid", false}, {"faults", faults_json(read.faults)}, {"changes", json::array()}})};
    return weigh(read.value);
  }

  struct weighing {
    caf::typed_response_promise<answered> promise;
    json answer;
    std::size_t open = 1;
    void one_less() {
      if (--open == 0) promise.deliver(answered{dumped(answer)});
    }
  };

  /// What would change, and what each project would feel of it.
  caf::result<answered> weigh(const conf::rules_ptr& proposed) {
    auto all = std::make_shared<weighing>();
    all->promise = self_->make_response_promise<answered>();
    all->answer = {{"valid", true},
                   {"faults", json::array()},
                   {"changes", changes_json(conf::changes_between(*options_.rules, *proposed))},
                   {"affected", json::object()}};
    const auto roster = published().roster;
    for (const auto& [id, queue] : roster ? roster->queues : decltype(roster->queues){}) {
      ++all->open;
      self_->request(queue, weighing_patience, weigh_rules{proposed})
          .then(
              [all, project = id](const answered& felt) {
                auto said = json::parse(felt.json, nullptr, false);
                if (said.is_object() && !said.empty()) all->answer["affected"][project] = std::move(said);
                all->one_less();
              },
              [all](const caf::error&) { all->one_less(); });
    }
    all->one_less();
    return all->promise;
  }

  // ---- take ----

  void on_tick() {
    self_->delayed_send(handle{self_}, look_every, tick{});
    if (watch_.has_settled_change()) caf::anon_send(handle{self_}, reload_rules{});
  }

  caf::result<answered> reload(const caller& who) {
    if (!options_.take) return to_caf({errc::internal, "reload: this server never takes other rules"});
    if (taking_ && who.user.empty()) again_ = true;
    if (taking_) return to_caf({errc::conflict, "other rules are just being taken; ask again in a moment"});
    const auto key = who.op.empty() ? std::string{} : storage::keys::operation("rules", who.user, who.op);
    if (!key.empty()) {
      auto before = storage::read_operation(*options_.core, key);
      if (!before) return to_caf(before.error());
      if (*before) return answered{(*before)->answer};
    }
    auto read = conf::load_rules(options_.rules->file);
    if (!read.ok()) return refuse(who.user, read.faults);
    watch_.watch(files_of(*read.value, {}));
    refused_ = json::array();
    const auto digests = digests_of(*read.value);
    const auto changes = conf::changes_between(*options_.rules, *read.value);
    json answer{{"valid", true}, {"faults", json::array()}, {"changes", changes_json(changes)}, {"taken", true}};
    if (digests == digests_) return answered{dumped(answer)};
    return take(who.user, key, read.value, digests, dumped(answer), answer["changes"]);
  }

  /// The rules in force stay in force. The same faults again are no news.
  caf::result<answered> refuse(const std::string& user, const std::vector<conf::fault>& faults) {
    watch_.watch(files_of(*options_.rules, faults));
    const answered answer{
        dumped({{"valid", false}, {"faults", faults_json(faults)}, {"changes", json::array()}, {"taken", false}})};
    if (std::exchange(refused_, faults_json(faults)) == refused_) return answer;
    spdlog::error("the rules file has faults, so the old rules stay in force:\n{}", conf::text_of(faults));
    journal_entry entry;
    entry.kind = "rules.refused";
    entry.user = user;
    entry.details = dumped({{"in_force", digests_["sha256"]}, {"faults", faults.size()}, {"first", refused_.at(0)}});
    entry.events.push_back(event_of({{"kind", "rules.refused"}, {"user", user}, {"faults", refused_}}, "faults"));
    pen_.append(
        std::move(entry), [](const entries_committed&) {},
        [this](const failure& problem) { self_->quit(to_caf(problem)); });
    return answer;
  }

  /// Journaled first, since part of it may loosen.
  caf::result<answered> take(const std::string& user, const std::string& op_key, const conf::rules_ptr& rules,
                             const json& digests, const std::string& answer, const json& changes) {
    journal_entry entry;
    entry.kind = "rules.changed";
    entry.user = user;
    json told = json::array();
    for (std::size_t i = 0; i < std::min(changes.size(), most_changes_in_an_entry); ++i)
      told.push_back(changes[i]["text"]);
    entry.details = dumped({{"old", digests_}, {"new", digests}, {"changes", told}, {"all_changes", changes.size()}});
    // A leaf holds 32 KiB: the digests always, the words as far as they fit.
    if (entry.details.size() > most_details) entry.details = short_details(digests, changes.size());
    entry.events.push_back(event_of({{"kind", "rules.changed"}, {"user", user}, {"changes", told}}, "changes"));
    taking_ = true;
    auto promise = self_->make_response_promise<answered>();
    std::vector<journal_entry> entries;
    entries.push_back(std::move(entry));
    pen_.append(
        std::move(entries), op_key, answer,
        [this, promise, rules, digests, answer](const entries_committed&) mutable {
          put_in_force(rules, digests);
          promise.deliver(answered{answer});
        },
        [this, promise](const failure& problem) mutable {
          promise.deliver(to_caf(problem));
          self_->quit(to_caf(problem));
        });
    return promise;
  }

  static constexpr std::size_t most_details = 24 << 10;
  static constexpr std::size_t most_event = 48 << 10;

  std::string short_details(const json& digests, std::size_t changes) const {
    const json both{{"old", brief(digests_)}, {"new", brief(digests)}, {"all_changes", changes}};
    return dumped(both);
  }

  /// With many projects, one digest over those of their lists of patients.
  static json brief(const json& digests) {
    auto cohorts = dumped(digests["cohorts"]);
    if (cohorts.size() < most_details / 3) return digests;
    return {{"sha256", digests["sha256"]}, {"all_cohorts", storage::to_hex(storage::sha256(cohorts))}};
  }

  /// An event that would be too large tells only how many there are of its list.
  static topic_event event_of(json event, const char* list) {
    if (dumped(event).size() > most_event) event[list] = event[list].size();
    return {"governor", dumped(event)};
  }

  void put_in_force(const conf::rules_ptr& rules, const json& digests) {
    taking_ = false;
    options_.rules = rules;
    digests_ = digests;
    loaded_us_ = options_.clocks.utc_us();
    const rules_published now{rules, options_.take(rules)};
    spdlog::info("new rules are in force, SHA-256 {}", digests_["sha256"].get<std::string>());
    if (options_.sink) self_->send(options_.sink, now);
    if (options_.listener) self_->send(options_.listener, now);
    if (!now.roster) return;
    for (const auto& [id, who] : now.roster->queues) self_->send(who, now);
    for (const auto& [id, who] : now.roster->searches) self_->send(who, now);
    for (const auto& [id, who] : now.roster->governors) self_->send(who, now);
    for (const auto& [id, who] : now.roster->associations) self_->send(who, now);
    if (std::exchange(again_, false)) caf::anon_send(handle{self_}, reload_rules{});
  }

  handle::pointer self_;
  rules_keeper_options options_;
  journal_pen<handle::pointer> pen_;
  conf::file_watch watch_;
  std::int64_t loaded_us_ = 0;
  json digests_;
  json refused_ = json::array();  ///< faults of the newest file, when it was refused
  bool again_ = false;            ///< the files have changed meanwhile
  bool taking_ = false;           ///< other rules are on their way to the disk
};

}  // namespace

rules_keeper_actor start_rules_keeper(caf::actor_system& system, rules_keeper_options options,
                                      custodian::observer on_restart, hosting where) {
  if (where == hosting::detached)
    return supervise<rules_keeper, hosting::detached>(system, std::move(on_restart), std::move(options));
  return supervise<rules_keeper>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
