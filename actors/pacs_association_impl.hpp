#pragma once
// The class that pacs_association*.cpp share: queries, and the way of a retrieval from its preparation to what arrived.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/pacs_association.hpp"
#include "actors/query_children.hpp"
#include "actors/retrieval_plan.hpp"
#include "actors/retrieval_watch.hpp"
#include "conf/rules_queries.hpp"
#include "messages/dimse.hpp"

namespace penstock::actors {

class pacs_association {
 public:
  using handle = messages::pacs_association_actor;
  static constexpr const char* name = "pacs_association";
  pacs_association(handle::pointer self, pacs_association_options options);

  ~pacs_association();
  handle::behavior_type make_behavior();

 private:
  struct retrieval {
    messages::retrieve_study command;
    retrieval_plan plan;
    std::uint64_t here_before = 0;                                                      ///< of what is expected
    std::optional<caf::typed_response_promise<messages::retrieval_prepared>> prepared;  ///< until all is ready
    std::optional<caf::typed_response_promise<messages::study_settled>> settled;        ///< since the order to send
    std::int64_t let_go_us = 0;  ///< without an order to send by then
    retrieval_watch watch;
    messages::retrieval_outcome outcome;
    bool by_get = false;  ///< its child is the listener's, since it stores what it asks for
    bool child_runs = false;
    bool stopping = false;
    bool ending = false;   ///< all is here, and the PACS was told to stop
    bool changed = false;  ///< since the last progress event
    std::int64_t alive_said_us = 0;
    std::uint64_t told_child = 0;
    std::string stopped_because;
  };
  [[nodiscard]] const conf::pacs* pacs() const { return conf::find_pacs(*options_.rules, options_.pacs); }
  /// errc::not_found when the rules no longer name it.
  [[nodiscard]] messages::result<const conf::pacs*> pacs_to_call(const std::string& operation) const;
  [[nodiscard]] std::int64_t now_us() const { return options_.clocks.boottime_ns() / 1000; }

  // ---- queries ----

  void ask(std::vector<messages::find_query> queries, query_children::asker who);
  std::uint64_t start_query(const messages::find_job& job);
  caf::result<messages::query_answered> on_query(const messages::run_query& query);
  caf::result<messages::series_listed> on_list_series(const messages::list_series& what);
  caf::result<messages::images_listed> on_list_images(const messages::list_images& what);
  caf::result<messages::echo_answered> on_echo();

  // ---- retrievals ----

  retrieval* find_retrieval(const messages::retrieve_study& command, std::uint64_t& ticket);
  caf::result<messages::retrieval_prepared> on_prepare(messages::retrieve_study& command);
  void plan(std::uint64_t ticket, const messages::pack_reserved& place);
  void expect(std::uint64_t ticket, const messages::pack_reserved& place);
  void associate(std::uint64_t ticket);
  void on_ready(std::uint64_t ticket);
  caf::result<messages::study_settled> on_retrieve(const messages::retrieve_study& command);
  void let_go(std::uint64_t ticket, const messages::failure& problem);
  void stop_arriving(std::uint64_t ticket);
  template <class Order>
  void tell_child_of(const retrieval& running, const Order& order) {
    running.by_get ? self_->send(options_.listener, order) : self_->send(options_.port, order);
  }
  void on_cancel(const messages::cancel_retrieval& which);
  messages::retrievals_stopped on_stop(const messages::stop_retrievals& order);
  std::uint64_t stop_those(const std::string& why, const std::function<bool(const messages::retrieve_study&)>& which);

  // ---- what children and the listener say ----

  void on_report(const messages::dimse_reported& report);
  void on_find_ended(const messages::dimse_reported& report);
  void on_echo_done(const messages::dimse_reported& report);
  void on_move_sign(std::uint64_t ticket);
  void on_move_done(const messages::dimse_reported& report);
  void on_end(const messages::dimse_ended& end);
  void move_is_over(std::uint64_t ticket, retrieval& running, bool failed);
  void on_arrivals(const messages::instances_arrived& seen);
  void on_tick();
  void look(std::uint64_t ticket, retrieval& running);
  void settle(std::uint64_t ticket, const std::vector<std::string>& parts);
  void say_progress(retrieval& running);
  void saw(messages::peer_outcome outcome, const std::string& problem);
  messages::answered on_describe();

  handle::pointer self_;
  pacs_association_options options_;
  query_children queries_;
  std::map<std::uint64_t, caf::typed_response_promise<messages::echo_answered>> echoes_;
  std::map<std::uint64_t, retrieval> retrievals_;
  std::uint64_t last_ticket_ = 0;
  bool reachable_ = true;
};

}  // namespace penstock::actors
