#include "actors/rules_keeper.hpp"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "actors/journal_pen.hpp"
#include "messages/type_ids.hpp"
#include "storage/digest.hpp"

namespace penstock::actors {
namespace {

using namespace messages;

class rules_keeper {
 public:
  using handle = rules_keeper_actor;
  static constexpr const char* name = "rules_keeper";

  rules_keeper(handle::pointer self, rules_keeper_options options)
      : self_(self), options_(std::move(options)), pen_(self, options_.journal, name) {}

  handle::behavior_type make_behavior() {
    loaded_us_ = options_.clocks.utc_us();
    sha256_ = storage::to_hex(storage::sha256(options_.rules->toml_text));
    pen_.enrol([this] { record_rules(); });
    return {
        [this](const watch_rules&) { return rules_published{options_.rules}; },
        [this](const show_rules&) { return on_show(); },
    };
  }

 private:
  void record_rules() {
    journal_entry entry;
    entry.kind = "rules.in_force";
    entry.details = nlohmann::json{{"sha256", sha256_}}.dump();
    pen_.append(std::move(entry), [](const entries_committed&) {},
                [this](const failure& problem) { self_->quit(to_caf(problem)); });
  }

  answered on_show() {
    return {nlohmann::json{{"version", 1},
                           {"sha256", sha256_},
                           {"loaded", rfc3339(loaded_us_)},
                           {"toml", options_.rules->toml_text}}
                .dump()};
  }

  handle::pointer self_;
  rules_keeper_options options_;
  journal_pen<handle::pointer> pen_;
  std::int64_t loaded_us_ = 0;
  std::string sha256_;
};

}  // namespace

rules_keeper_actor start_rules_keeper(caf::actor_system& system, rules_keeper_options options,
                                      custodian::observer on_restart) {
  return supervise<rules_keeper>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
