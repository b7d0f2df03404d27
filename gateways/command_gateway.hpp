#pragma once
// Commands: parse, check who asks, hand to the actor that decides, answer. Every command is answered exactly once,
// after its deadline at the latest. Owned by the control gateway's thread.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "conf/rules.hpp"
#include "gateways/actor_port.hpp"
#include "gateways/command_parser.hpp"
#include "gateways/control_gateway.hpp"
#include "gateways/control_peers.hpp"
#include "gateways/side_worker.hpp"

namespace penstock::gateways {

using control_actor = loop_actor<messages::event_sink_actor>;

/// Gets the JSON of one ANS frame.
using answer_function = std::function<void(std::string frame)>;

/// One command under way.
struct command_call {
  std::string id;
  command_envelope envelope;
  messages::caller who;
  answer_function answer;
};
using call_ptr = std::shared_ptr<const command_call>;

class command_gateway {
 public:
  /// Told of everybody who asked for what is not theirs.
  using refusal_observer = std::function<void(const std::string& user, messages::errc code)>;

  /// `self`, `worker` and `options` must outlive it and every call.
  command_gateway(control_actor* self, side_worker& worker, const control_gateway_options& options,
                  std::shared_ptr<download_desk> downloads, refusal_observer on_refusal);

  void set_rules(conf::rules_ptr rules) { rules_ = std::move(rules); }
  void set_peers(control_peers peers) { peers_ = std::move(peers); }
  /// How many sessions a user has now; for whoever asks what a change of the rules would cut.
  void set_session_counter(std::function<std::size_t(const std::string& user)> count) {
    sessions_of_ = std::move(count);
  }
  void refuse_from_now() { refusing_ = true; }

  /// Never throws; `answer` may be called before it returns.
  void handle(const std::string& user, std::string_view text, answer_function answer);

  [[nodiscard]] std::uint64_t commands() const { return commands_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  using handler = void (command_gateway::*)(const call_ptr&);
  [[nodiscard]] static handler handler_of(std::string_view command);
  [[nodiscard]] messages::result<void> admit(const command_call& call) const;

  void succeed(const call_ptr& call, std::string_view body);
  void fail(const call_ptr& call, const messages::failure& problem, const json& details = json::object());
  void fail(const call_ptr& call, const caf::error& problem);

  /// The project's handle in `from`; a null handle, after an answer, when there is none.
  template <class Handle>
  Handle of_project(const call_ptr& call, const handles_by_id<Handle>& from);
  template <class Handle, class Command>
  void forward(const call_ptr& call, const Handle& to, const messages::result<Command>& command,
               std::chrono::milliseconds extra_wait = {});
  /// Asks each of `whom` the same and calls `done` with the answers of those who gave one.
  template <class Handle, class Question>
  void gather(const std::map<std::string, Handle, std::less<>>& whom, const Question& question,
              std::chrono::milliseconds deadline,
              std::function<void(std::map<std::string, std::string, std::less<>>)> done);

  // Of the governors, the rules and the journal: governance_commands.cpp.
  template <class Order>
  void turn_switch(const call_ptr& call);
  void simulate(const call_ptr& call, const simulation_wish& wish, conf::rules_ptr rules);
  [[nodiscard]] std::vector<std::string> projects_of_caller(const call_ptr& call) const;
  [[nodiscard]] bool has_role(const call_ptr& call, conf::user_role role) const;
  [[nodiscard]] bool is_admin(const call_ptr& call) const;

  void on_hello(const call_ptr& call);
  void on_pacs_list(const call_ptr& call);
  void on_pacs_echo(const call_ptr& call);
  void on_patients_find(const call_ptr& call);
  void on_studies_find(const call_ptr& call);
  void on_series_find(const call_ptr& call);
  void on_search_more(const call_ptr& call);
  void on_search_cancel(const call_ptr& call);
  void on_requests_submit(const call_ptr& call);
  void on_requests_list(const call_ptr& call);
  void on_requests_show(const call_ptr& call);
  void on_requests_cancel(const call_ptr& call);
  void on_requests_retry(const call_ptr& call);
  void on_requests_delete(const call_ptr& call);
  void on_requests_prioritise(const call_ptr& call);
  void on_cache_list(const call_ptr& call);
  void on_cache_facets(const call_ptr& call);
  void on_cache_usage(const call_ptr& call);
  void on_cache_delete(const call_ptr& call);
  void on_cache_purge(const call_ptr& call);
  void on_cache_check(const call_ptr& call);
  void on_download_open(const call_ptr& call);
  void on_download_exported(const call_ptr& call);
  void on_governor_status(const call_ptr& call);
  void on_governor_simulate(const call_ptr& call);
  void on_governor_pause(const call_ptr& call);
  void on_governor_resume(const call_ptr& call);
  void on_governance_show(const call_ptr& call);
  void on_governance_check(const call_ptr& call);
  void on_governance_reload(const call_ptr& call);
  void on_audit_list(const call_ptr& call);
  void on_audit_proof(const call_ptr& call);
  void on_audit_checkpoint(const call_ptr& call);
  void on_server_status(const call_ptr& call);
  void on_server_backup(const call_ptr& call);

  struct opening;
  using opening_ptr = std::shared_ptr<opening>;
  void ask_to_open(const opening_ptr& what);
  void open_again(const opening_ptr& what, const std::string& download);
  void refuse_to_open(const opening_ptr& what, const caf::error& problem);
  void tell_changed(const opening_ptr& what, const std::string& download,
                    const std::vector<messages::dicom_uid>& studies);
  void authorised(const opening_ptr& what, const messages::download_authorised& answer);
  void locate_more(const opening_ptr& what);
  void located(const opening_ptr& what, std::size_t part, const messages::objects_located& answer);
  void prepare(const opening_ptr& what);
  void record(const opening_ptr& what);
  void recorded(const opening_ptr& what, const messages::download_recorded& answer);
  void work_beside(const opening_ptr& what, side_worker::job work);

  control_actor* self_;
  side_worker& worker_;
  const control_gateway_options& options_;
  std::shared_ptr<download_desk> downloads_;
  refusal_observer on_refusal_;
  conf::rules_ptr rules_;
  control_peers peers_;
  std::function<std::size_t(const std::string& user)> sessions_of_;
  bool refusing_ = false;
  std::uint64_t commands_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace penstock::gateways
