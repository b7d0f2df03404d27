#include "actors/backup_keeper.hpp"

#include <spdlog/spdlog.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "actors/journal_pen.hpp"
#include "actors/json_text.hpp"
#include "actors/time_source.hpp"
#include "messages/type_ids.hpp"
#include "storage/core_backup.hpp"
#include "storage/journal_reader.hpp"
#include "storage/keys.hpp"

namespace penstock::actors {
namespace {

using namespace messages;
using nlohmann::json;

class backup_keeper {
 public:
  using handle = backup_keeper_actor;
  static constexpr const char* name = "backup_keeper";

  backup_keeper(handle::pointer self, backup_keeper_options options)
      : self_(self), options_(std::move(options)), pen_(self, options_.journal, name) {}

  handle::behavior_type make_behavior() {
    pen_.enrol([] {});
    return {
        [this](const back_up_core& order) { return on_back_up(order); },
        [this](const describe_actor&) { return on_describe(); },
    };
  }

 private:
  using answer_promise = caf::typed_response_promise<answered>;

  caf::result<answered> on_back_up(const back_up_core& order) {
    if (options_.directory.empty())
      return to_caf({errc::conflict, "no backups are made here: [backup] directory is not set in the settings"});
    const auto key = storage::keys::operation("backup", order.who.user, order.who.op);
    auto before = storage::read_operation(*options_.core, key);
    if (!before) return to_caf(before.error());
    if (*before) return answered{(*before)->answer};
    // Who lost the answer asks again: that waited while the backup was made, and is not the wish for another.
    if (const auto same = recording_.find(key); same != recording_.end())
      return same->second.emplace_back(self_->make_response_promise<answered>());
    auto made = storage::back_up_core(*options_.core, options_.directory, options_.keep);
    if (!made) return refuse(order.who, made.error());
    spdlog::info("backup {}: {} entries of the journal, {} bytes, in {}", made->number, made->reached.size, made->bytes,
                 options_.directory.string());
    return record(order.who, key, *made);
  }

  caf::result<answered> refuse(const caller& who, const failure& problem) {
    spdlog::error("no backup was made: {}", problem.text());
    journal_entry entry;
    entry.kind = "backup.failed";
    entry.user = who.user;
    entry.details = dumped({{"problem", name_of(problem.code)}});
    pen_.append(
        std::move(entry), [](const entries_committed&) {}, [](const failure&) {});
    const auto code = problem.code == errc::no_space ? errc::disk_full : problem.code;
    return to_caf({code, "no backup was made: " + problem.context});
  }

  caf::result<answered> record(const caller& who, const std::string& key, const storage::core_backup& made) {
    last_ = {
        {"backup", made.number}, {"at", rfc3339(made.at_us)}, {"entries", made.reached.size}, {"bytes", made.bytes}};
    journal_entry entry;
    entry.kind = "backup.made";
    entry.user = who.user;
    entry.details = dumped(last_);
    auto answer = last_;
    answer["directory"] = options_.directory.string();
    answer["holds"] = {"journal", "requests and holdings", "identifiers", "fence"};
    answer["lacks"] = {"packs and catalogue (the cache is fetched again)", "settings, rules and lists of patients",
                       "the server's key"};
    std::vector<journal_entry> entries;
    entries.push_back(std::move(entry));
    const answered said{dumped(answer)};
    const auto promise = recording_[key].emplace_back(self_->make_response_promise<answered>());
    pen_.append(
        std::move(entries), key, said.json,
        [this, key, said](const entries_committed&) {
          for (auto& each : recorded(key)) each.deliver(said);
        },
        [this, key](const failure& problem) {
          for (auto& each : recorded(key)) each.deliver(to_caf(problem));
        });
    return promise;
  }

  std::vector<answer_promise> recorded(const std::string& key) {
    auto asked = recording_.extract(key);
    return asked ? std::move(asked.mapped()) : std::vector<answer_promise>{};
  }

  caf::result<answered> on_describe() {
    const auto state = options_.directory.empty() ? "no directory is set" : "running";
    return answered{dumped({{"state", state}, {"last", last_}})};
  }

  handle::pointer self_;
  backup_keeper_options options_;
  journal_pen<handle::pointer> pen_;
  std::map<std::string, std::vector<answer_promise>> recording_;  ///< who asked for a backup that is being recorded
  json last_;                                                     ///< since the server started
};

}  // namespace

backup_keeper_actor start_backup_keeper(caf::actor_system& system, backup_keeper_options options,
                                        custodian::observer on_restart, hosting where) {
  if (where == hosting::detached)
    return supervise<backup_keeper, hosting::detached>(system, std::move(on_restart), std::move(options));
  return supervise<backup_keeper>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
