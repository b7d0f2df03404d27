// Commands about the governors, the rules and the journal: what people see of them, and what administrators change.

#include "conf/rules_queries.hpp"
#include "gateways/command_calls.hpp"

namespace penstock::gateways {
namespace {

using messages::answered;
using messages::errc;
using messages::result;

/// Longer than a governor waits for its association and the journal.
constexpr std::chrono::milliseconds switch_deadline{5'000};
/// A week of a busy PACS is simulated in far less.
constexpr std::chrono::milliseconds simulation_deadline{5'000};
/// Large lists of patients are read anew.
constexpr std::chrono::milliseconds rules_deadline{30'000};

std::string joined(const texts_by_id& objects) {
  std::string list;
  for (const auto& [id, text] : objects) list += (list.empty() ? "" : ",") + text;
  return list;
}

std::string counted(const json& of, const char* key, const char* what) {
  const auto n = of.value(key, std::uint64_t{0});
  return n == 0 ? "" : std::to_string(n) + " " + what;
}

/// "raj leaves alz-brain: 2 live sessions, 14 of their requests stay in line; 3 requests stop; 5 studies are suspended"
std::string words_for(const std::string& project, const json& felt) {
  std::string leaving;
  for (const auto& user : felt.value("leaving", json::array()))
    leaving += (leaving.empty() ? "" : ", ") + user.get<std::string>();
  std::string text = leaving.empty() ? project : leaving + " leaves " + project;
  std::string rest;
  for (const auto& part : {counted(felt, "sessions", "live sessions"),
                           counted(felt, "requests_of_leaving_members", "of their requests stay in line"),
                           counted(felt, "requests_stopped", "requests stop"),
                           counted(felt, "holdings_suspended", "studies are suspended")})
    if (!part.empty()) rest += (rest.empty() ? ": " : ", ") + part;
  if (felt.value("at_least", false)) rest += " (at least)";
  return text + rest;
}

}  // namespace

bool command_gateway::has_role(const call_ptr& call, conf::user_role role) const {
  const auto* who = conf::find_user(*rules_, call->who.user);
  return who != nullptr && conf::has_role(*who, role);
}

bool command_gateway::is_admin(const call_ptr& call) const { return has_role(call, conf::user_role::admin); }

std::vector<std::string> command_gateway::projects_of_caller(const call_ptr& call) const {
  std::vector<std::string> ids;
  for (const auto* project : conf::projects_of(*rules_, call->who.user)) ids.push_back(project->id);
  return ids;
}

void command_gateway::on_governor_status(const call_ptr& call) {
  gather(peers_.governors, messages::describe_governor{projects_of_caller(call), is_admin(call)}, gather_deadline,
         [this, call](const texts_by_id& said) { succeed(call, "{\"pacs\":[" + joined(said) + "]}"); });
}

// ---- what would be ----

void command_gateway::on_governor_simulate(const call_ptr& call) {
  const auto wish = parse_simulation(call->envelope.args);
  if (!wish) return fail(call, wish.error());
  if (wish->toml.empty()) return simulate(call, *wish, rules_);
  if (!is_admin(call)) return fail(call, messages::fail(errc::not_permitted, "only an administrator proposes rules"));
  self_->request(peers_.rules_keeper, rules_deadline, messages::propose_rules{wish->toml})
      .then([this, call,
             wish = *wish](const messages::rules_published& proposed) { simulate(call, wish, proposed.rules); },
            [this, call](const caf::error& problem) { fail(call, problem); });
}

void command_gateway::simulate(const call_ptr& call, const simulation_wish& wish, conf::rules_ptr rules) {
  messages::simulate_governor question{std::move(rules), wish.days, projects_of_caller(call), is_admin(call)};
  gather(peers_.governors, question, simulation_deadline,
         [this, call](const texts_by_id& said) { succeed(call, "{\"pacs\":[" + joined(said) + "]}"); });
}

// ---- the switch ----

template <class Order>
void command_gateway::turn_switch(const call_ptr& call) {
  const auto wish = parse_switch(call->envelope.args);
  if (!wish) return fail(call, wish.error());
  const Order order{call->who, wish->reason};
  if (!wish->pacs.empty()) {
    const auto found = peers_.governors.find(wish->pacs);
    if (found == peers_.governors.end() || !found->second)
      return fail(call, messages::fail(errc::not_found, "pacs: there is no such PACS"));
    return forward(call, found->second, result<Order>{order});
  }
  gather(peers_.governors, order, switch_deadline, [this, call](const texts_by_id& said) {
    json answer{{"stopped", 0}, {"pacs", json::array()}, {"silent", json::array()}};
    std::uint64_t stopped = 0;
    for (const auto& [id, governor] : peers_.governors) {
      const auto one = said.find(id);
      answer[one == said.end() ? "silent" : "pacs"].push_back(id);
      if (one != said.end()) stopped += json::parse(one->second).value("stopped", std::uint64_t{0});
    }
    answer["stopped"] = stopped;
    succeed(call, answer.dump());
  });
}

void command_gateway::on_governor_pause(const call_ptr& call) { turn_switch<messages::pause_starts>(call); }
void command_gateway::on_governor_resume(const call_ptr& call) { turn_switch<messages::resume_starts>(call); }

// ---- the rules ----

void command_gateway::on_governance_show(const call_ptr& call) {
  forward(call, peers_.rules_keeper, result<messages::show_rules>{messages::show_rules{call->who.user}});
}

void command_gateway::on_governance_check(const call_ptr& call) {
  const auto check = parse_check_rules(call->who, call->envelope.args);
  if (!check) return fail(call, check.error());
  self_->request(peers_.rules_keeper, rules_deadline, *check)
      .then(
          [this, call](const answered& a) {
            auto answer = json::parse(a.json);
            if (answer.contains("affected"))
              for (auto& [project, felt] : answer["affected"].items()) {
                std::size_t sessions = 0;
                for (const auto& user : felt.value("leaving", json::array()))
                  if (sessions_of_) sessions += sessions_of_(user.template get<std::string>());
                felt["sessions"] = sessions;
                felt["text"] = words_for(project, felt);
              }
            succeed(call, answer.dump());
          },
          [this, call](const caf::error& problem) { fail(call, problem); });
}

void command_gateway::on_governance_reload(const call_ptr& call) {
  forward(call, peers_.rules_keeper, result<messages::reload_rules>{messages::reload_rules{call->who}}, rules_deadline);
}

// ---- the journal ----

void command_gateway::on_audit_list(const call_ptr& call) {
  auto page = parse_read_journal(call->envelope.args);
  if (page) page->identifiers = has_role(call, conf::user_role::auditor);
  forward(call, peers_.list_reader, page);
}

void command_gateway::on_audit_proof(const call_ptr& call) {
  auto wish = parse_prove_entry(call->who, call->envelope.args);
  if (wish) wish->is_auditor = has_role(call, conf::user_role::auditor);
  forward(call, peers_.list_reader, wish);
}

void command_gateway::on_audit_checkpoint(const call_ptr& call) {
  forward(call, peers_.list_reader, result<messages::sign_checkpoint>{messages::sign_checkpoint{call->who.user}});
}

}  // namespace penstock::gateways
