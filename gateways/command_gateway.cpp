#include "gateways/command_gateway.hpp"

#include <algorithm>
#include <utility>

#include "conf/calendar.hpp"
#include "conf/rules_queries.hpp"
#include "gateways/access_policy.hpp"
#include "gateways/command_calls.hpp"
#include "gateways/site_answers.hpp"

namespace penstock::gateways {
namespace {

using messages::errc;
using messages::failure;
using messages::result;
using std::chrono::milliseconds;

/// A backup copies what has changed since the one before.
constexpr milliseconds backup_deadline{std::chrono::minutes{30}};
/// An association is set up, used and released within this.
constexpr milliseconds echo_deadline{60'000};

}  // namespace

command_gateway::command_gateway(control_actor* self, side_worker& worker, const control_gateway_options& options,
                                 std::shared_ptr<download_desk> downloads, refusal_observer on_refusal)
    : self_(self),
      worker_(worker),
      options_(options),
      downloads_(std::move(downloads)),
      on_refusal_(std::move(on_refusal)) {}

void command_gateway::handle(const std::string& user, std::string_view text, answer_function answer) {
  ++commands_;
  auto call = std::make_shared<command_call>();
  call->answer = std::move(answer);
  auto envelope = parse_envelope(text, call->id);
  if (!envelope) return fail(call, envelope.error());
  call->envelope = std::move(*envelope);
  call->who = {user, call->envelope.op};
  if (auto admitted = admit(*call); !admitted) {
    const auto code = admitted.error().code;
    if (code == errc::not_found || code == errc::not_permitted) on_refusal_(user, code);
    return fail(call, admitted.error());
  }
  try {
    (this->*handler_of(call->envelope.command))(call);
  } catch (const std::exception& problem) {
    fail(call, messages::fail(errc::internal, call->envelope.command + ": " + problem.what()));
  }
}

result<void> command_gateway::admit(const command_call& call) const {
  if (refusing_) return messages::fail(errc::shutting_down, "the server is stopping");
  const auto* rule = find_command(call.envelope.command);
  if (rule == nullptr || handler_of(call.envelope.command) == nullptr)
    return messages::fail(errc::unknown_command, "no such command in this version");
  const auto now = std::chrono::sys_time<std::chrono::microseconds>{std::chrono::microseconds{options_.utc_us()}};
  const auto today = options_.today ? options_.today(*rules_)
                                    : conf::local_date(std::chrono::floor<std::chrono::seconds>(now), rules_->timezone);
  if (auto allowed = authorise(*rules_, call.who.user, *rule, call.envelope.project, today); !allowed) return allowed;
  if (auto fits = judge_appetite(*rule, options_.room_left ? options_.room_left() : storage::room::ample); !fits)
    return fits;
  if (rule->needs_op && call.envelope.op.empty())
    return messages::fail(errc::bad_request, "op: missing; every change needs a name of its own");
  return {};
}

command_gateway::handler command_gateway::handler_of(std::string_view command) {
  using self = command_gateway;
  static const std::map<std::string_view, handler> handlers = {
      {"hello", &self::on_hello},
      {"pacs.list", &self::on_pacs_list},
      {"pacs.echo", &self::on_pacs_echo},
      {"patients.find", &self::on_patients_find},
      {"studies.find", &self::on_studies_find},
      {"series.find", &self::on_series_find},
      {"search.more", &self::on_search_more},
      {"search.cancel", &self::on_search_cancel},
      {"requests.submit", &self::on_requests_submit},
      {"requests.list", &self::on_requests_list},
      {"requests.show", &self::on_requests_show},
      {"requests.cancel", &self::on_requests_cancel},
      {"requests.retry", &self::on_requests_retry},
      {"requests.delete", &self::on_requests_delete},
      {"requests.prioritise", &self::on_requests_prioritise},
      {"cache.list", &self::on_cache_list},
      {"cache.facets", &self::on_cache_facets},
      {"cache.usage", &self::on_cache_usage},
      {"cache.delete", &self::on_cache_delete},
      {"cache.check", &self::on_cache_check},
      {"cache.purge", &self::on_cache_purge},
      {"download.open", &self::on_download_open},
      {"download.exported", &self::on_download_exported},
      {"governor.status", &self::on_governor_status},
      {"governor.simulate", &self::on_governor_simulate},
      {"governor.pause", &self::on_governor_pause},
      {"governor.resume", &self::on_governor_resume},
      {"governance.show", &self::on_governance_show},
      {"governance.check", &self::on_governance_check},
      {"governance.reload", &self::on_governance_reload},
      {"audit.list", &self::on_audit_list},
      {"audit.proof", &self::on_audit_proof},
      {"audit.checkpoint", &self::on_audit_checkpoint},
      {"server.status", &self::on_server_status},
      {"server.backup", &self::on_server_backup},
  };
  const auto found = handlers.find(command);
  return found == handlers.end() ? nullptr : found->second;
}

void command_gateway::succeed(const call_ptr& call, std::string_view body) {
  call->answer(answer_frame(call->id, body));
}

void command_gateway::fail(const call_ptr& call, const failure& problem, const json& details) {
  ++refused_;
  call->answer(error_frame(call->id, problem, details));
}

void command_gateway::fail(const call_ptr& call, const caf::error& problem) {
  auto said = messages::from_caf(problem, call->envelope.command.c_str());
  if (said.code == errc::timed_out && call->envelope.command == "pacs.echo") said.code = errc::pacs_unavailable;
  fail(call, said);
}

void command_gateway::on_hello(const call_ptr& call) {
  handles_by_id<messages::project_queue_actor> queues;
  for (const auto* project : conf::projects_of(*rules_, call->who.user))
    if (const auto found = peers_.queues.find(project->id); found != peers_.queues.end()) queues.insert(*found);
  gather(queues, messages::describe_usage{call->who}, gather_deadline, [this, call](texts_by_id usage) {
    greeting_facts facts{options_.site_name, options_.version, options_.data_endpoint, std::move(usage),
                         options_.utc_us()};
    succeed(call, greeting_json(*rules_, call->who.user, facts));
  });
}

void command_gateway::on_pacs_list(const call_ptr& call) {
  gather(peers_.governors, messages::describe_governor{}, gather_deadline,
         [this, call](const texts_by_id& said) { succeed(call, pacs_list_json(*rules_, said)); });
}

void command_gateway::on_pacs_echo(const call_ptr& call) {
  const auto id = parse_pacs_id(call->envelope.args);
  if (!id) return fail(call, id.error());
  const auto found = peers_.associations.find(*id);
  if (conf::find_pacs(*rules_, *id) == nullptr || found == peers_.associations.end() || !found->second)
    return fail(call, messages::fail(errc::not_found, "no such PACS"));
  self_->request(found->second, echo_deadline, messages::echo_pacs{"asked by " + call->who.user})
      .then(
          [this, call](const messages::echo_answered& echo) {
            succeed(call, json{{"ok", echo.reached}, {"ms", echo.elapsed_ms}, {"error", echo.problem}}.dump());
          },
          [this, call](const caf::error& problem) { fail(call, problem); });
}

void command_gateway::on_patients_find(const call_ptr& call) {
  const auto command = parse_find_patients(call->who, call->envelope.args);
  if (const auto search = of_project(call, peers_.searches))
    forward(call, search, command, milliseconds{command ? command->wait_ms : 0});
}

void command_gateway::on_studies_find(const call_ptr& call) {
  const auto command = parse_find_studies(call->who, call->envelope.args);
  if (const auto search = of_project(call, peers_.searches))
    forward(call, search, command, milliseconds{command ? command->wait_ms : 0});
}

void command_gateway::on_series_find(const call_ptr& call) {
  const auto command = parse_find_series(call->who, call->envelope.args);
  if (const auto search = of_project(call, peers_.searches))
    forward(call, search, command, milliseconds{command ? command->wait_ms : 0});
}

void command_gateway::on_search_more(const call_ptr& call) {
  const auto command = parse_read_search(call->who, call->envelope.args);
  if (const auto search = of_project(call, peers_.searches))
    forward(call, search, command, milliseconds{command ? command->wait_ms : 0});
}

void command_gateway::on_search_cancel(const call_ptr& call) {
  if (const auto search = of_project(call, peers_.searches))
    forward(call, search, parse_cancel_search(call->who, call->envelope.args));
}

void command_gateway::on_requests_submit(const call_ptr& call) {
  if (const auto queue = of_project(call, peers_.queues))
    forward(call, queue, parse_submit_requests(call->who, call->envelope.args));
}

void command_gateway::on_requests_list(const call_ptr& call) {
  if (const auto queue = of_project(call, peers_.queues))
    forward(call, queue, parse_list_requests(call->who, call->envelope.args));
}

void command_gateway::on_requests_show(const call_ptr& call) {
  if (const auto queue = of_project(call, peers_.queues))
    forward(call, queue, parse_show_request(call->who, call->envelope.args));
}

void command_gateway::on_requests_cancel(const call_ptr& call) {
  if (const auto queue = of_project(call, peers_.queues))
    forward(call, queue, parse_cancel_requests(call->who, call->envelope.args));
}

void command_gateway::on_requests_retry(const call_ptr& call) {
  if (const auto queue = of_project(call, peers_.queues))
    forward(call, queue, parse_retry_requests(call->who, call->envelope.args));
}

void command_gateway::on_requests_delete(const call_ptr& call) {
  if (const auto queue = of_project(call, peers_.queues))
    forward(call, queue, parse_delete_requests(call->who, call->envelope.args));
}

void command_gateway::on_requests_prioritise(const call_ptr& call) {
  if (const auto queue = of_project(call, peers_.queues))
    forward(call, queue, parse_prioritise_requests(call->who, call->envelope.args));
}

void command_gateway::on_cache_purge(const call_ptr& call) {
  const auto& project = call->envelope.project;
  if (conf::find_project(*rules_, project) == nullptr && !peers_.queues.contains(project))
    return fail(call, messages::fail(errc::not_found, "no such project, in the rules or with anything in the cache"));
  if (const auto queue = of_project(call, peers_.queues))
    forward(call, queue, parse_purge_holdings(call->who, call->envelope.args));
}

void command_gateway::on_cache_list(const call_ptr& call) {
  const auto which = parse_list_holdings(call->who, call->envelope.args);
  if (!which) return fail(call, which.error());
  forward(call, peers_.list_reader, result<messages::read_holdings>{{call->envelope.project, *which}});
}

void command_gateway::on_cache_facets(const call_ptr& call) {
  const auto which = parse_list_facets(call->who, call->envelope.args);
  if (!which) return fail(call, which.error());
  forward(call, peers_.list_reader, result<messages::read_facets>{{call->envelope.project, *which}});
}

void command_gateway::on_download_exported(const call_ptr& call) {
  if (const auto queue = of_project(call, peers_.queues))
    forward(call, queue, parse_note_export(call->who, call->envelope.args));
}

void command_gateway::on_cache_usage(const call_ptr& call) {
  if (const auto queue = of_project(call, peers_.queues))
    forward(call, queue, result<messages::describe_usage>{messages::describe_usage{call->who}});
}

void command_gateway::on_cache_delete(const call_ptr& call) {
  if (const auto queue = of_project(call, peers_.queues))
    forward(call, queue, parse_delete_holdings(call->who, call->envelope.args));
}

void command_gateway::on_cache_check(const call_ptr& call) {
  forward(call, peers_.cache_checker, parse_check_cache(call->who, call->envelope.args));
}

void command_gateway::on_server_backup(const call_ptr& call) {
  forward(call, peers_.backup_keeper, result<messages::back_up_core>{messages::back_up_core{call->who}},
          backup_deadline);
}

void command_gateway::on_server_status(const call_ptr& call) {
  forward(call, peers_.supervisor, result<messages::describe_server>{messages::describe_server{call->who.user}});
}

}  // namespace penstock::gateways
