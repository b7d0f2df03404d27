#pragma once
// The class that project_queue*.cpp share: commands, downloads, preparation (who is the patient, what does the study
// hold), and the way from a permit to a holding. Decisions are in admission_policy, request_machine and queue_ledger.

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/download_book.hpp"
#include "actors/journal_pen.hpp"
#include "actors/project_queue.hpp"
#include "actors/queue_entries.hpp"
#include "actors/queue_ledger.hpp"
#include "messages/actor_errors.hpp"

namespace penstock::actors {

class project_queue {
 public:
  using handle = messages::project_queue_actor;
  static constexpr const char* name = "project_queue";

  project_queue(handle::pointer self, project_queue_options options);
  handle::behavior_type make_behavior();

 private:
  using answer_promise = caf::typed_response_promise<messages::answered>;

  // ---- commands (project_queue_commands.cpp; about requests in line: project_queue_lines.cpp) ----
  caf::result<messages::answered> on_submit(messages::submit_requests& command);
  caf::result<messages::answered> on_cancel(messages::cancel_requests& command);
  caf::result<messages::answered> on_prioritise(messages::prioritise_requests& command);
  caf::result<messages::answered> on_retry(messages::retry_requests& command);
  caf::result<messages::answered> on_delete_requests(messages::delete_requests& command);
  caf::result<messages::answered> on_delete(messages::delete_holdings& command);
  caf::result<messages::answered> on_exported(const messages::note_export& command);
  caf::result<messages::answered> on_purge(messages::purge_holdings& command);
  caf::result<messages::answered> on_list(messages::list_requests& command);
  caf::result<messages::answered> on_show(messages::show_request& command);
  messages::answered on_usage();
  messages::answered on_describe();
  std::optional<caf::result<messages::answered>> answered_before(const messages::caller& who);
  caf::result<messages::answered> commit_command(const messages::caller& who,
                                                 std::vector<messages::journal_entry> entries, std::string answer,
                                                 std::function<void()> then);
  struct request_change;
  request_change try_now(const messages::request_row& before, const std::string& why);
  caf::result<messages::answered> change_each(
      const messages::caller& who, const std::vector<std::uint64_t>& requests,
      const std::function<request_change(const messages::request_row&)>& change,
      std::function<void(const messages::request_row& before, const messages::request_row& after)> then);
  struct admitted;
  admitted admit_item(const messages::submit_item& item, const messages::submit_requests& command,
                      std::map<std::string, std::string>& in_this_call);
  std::optional<messages::failure> refusal(const std::string& user) const;
  void release_bytes(const messages::holding_row& holding);
  [[nodiscard]] bool is_suspended(const messages::holding_row& holding) const;
  messages::result<std::vector<messages::holding_row>> held_anywhere(const messages::dicom_uid& study);
  [[nodiscard]] std::set<std::string> pacs_ever_used() const;
  caf::result<messages::answered> commit_deletion(const messages::caller& who, const std::string& kind,
                                                  const std::vector<messages::holding_row>& gone, std::string answer);
  std::vector<messages::pacs_outlook> outlook() const;
  void on_damaged(const messages::holding_damaged& lost);
  std::uint64_t newest_request(const std::string& pacs, const messages::dicom_uid& study) const;
  void keep_claim(messages::holding_row held, std::vector<messages::journal_entry> entries, std::function<void()> then);

  // ---- what changed rules mean (project_queue_rules.cpp) ----
  void on_rules(const messages::rules_published& published);
  messages::answered on_weigh(const conf::rules& proposed);
  void meet(const messages::rules_published& published);
  [[nodiscard]] std::optional<std::string> forbidden(const messages::request_row& row) const;
  void stop_forbidden();
  messages::result<void> sum_suspended();
  void drop_forbidden_tickets();
  void end_forbidden(const std::string& pacs, const std::vector<const messages::request_row*>& heads);

  // ---- downloads (project_queue_downloads.cpp) ----
  using recorded_promise = caf::typed_response_promise<messages::download_recorded>;
  caf::result<messages::download_authorised> on_authorise(messages::authorise_download& command);
  caf::result<messages::download_recorded> on_record(messages::record_download& command);
  void on_download_ended(const messages::download_ended& ended);
  messages::result<void> load_downloads();
  messages::result<std::string> opened_by(const messages::caller& who) const;
  messages::result<messages::download_row> find_download(const std::string& user, const std::string& download,
                                                         const std::string& key_check) const;
  messages::result<messages::download_content> content_of(const std::string& download) const;
  messages::result<messages::download_authorised> gather_download(const messages::authorise_download& command);
  messages::result<messages::download_authorised> gather_again(const messages::authorise_download& command);
  messages::result<std::optional<messages::holding_row>> held(const std::string& pacs,
                                                              const messages::dicom_uid& study);
  messages::result<std::vector<downloaded_study>> still_held(const std::vector<messages::sealed_study>& studies,
                                                             bool same_version, std::vector<messages::dicom_uid>& gone);
  caf::result<messages::download_recorded> record_opened(messages::record_download& command);
  caf::result<messages::download_recorded> record_resumed(const messages::record_download& command);
  messages::result<void> sweep_downloads(messages::journal_entry& entry, std::vector<std::string>& forgotten);

  // ---- preparation (project_queue_prepare.cpp) ----
  struct enumeration;
  void pump(const std::string& pacs);
  void pump_all();
  void announce(const std::string& pacs, std::uint64_t ready);
  void say_again();
  void want_queries(enumeration asking);
  void send_wanted(std::uint64_t ticket, const enumeration& asking);
  void on_query_granted(const messages::query_granted& granted);
  void verify(messages::request_row row);
  void on_verified(messages::request_row row, const messages::query_answered& answer);
  void ask_next(enumeration asking, std::uint32_t queries);
  void on_series(enumeration asking, const messages::series_listed& listed);
  void on_images(enumeration asking, const messages::images_listed& listed);
  void on_enumerated(enumeration asked);
  void cannot_list(enumeration asked, std::string why);
  /// Whether a complete holding of the project has just these instances.
  [[nodiscard]] messages::result<bool> holds_just(const messages::request_row& row,
                                                  const messages::instance_list& expected) const;
  void adopt(messages::request_row row, messages::instance_list expected);
  void on_adoption(messages::request_row row, messages::instance_list expected, const messages::study_settled& have);
  void postpone(const messages::request_row& row, const messages::failure& problem);
  void query_failed(const messages::request_row& row, const messages::failure& problem);
  void set_back_for(messages::request_row row, const std::string& why);
  void put_off(const messages::request_row& row, const messages::failure& problem);
  void commit_row(messages::request_row row, messages::journal_entry entry, std::function<void()> then = {});

  // ---- from permit to holding (project_queue.cpp) ----
  void on_offer(const messages::permit_offered& offered);
  const messages::request_row* next_ready(const std::string& pacs);
  void prepare(const messages::request_row& row, std::uint64_t permit);
  void decline(const messages::request_row& row, std::uint64_t permit, const messages::failure& problem);
  void look_again(const messages::request_row& row, std::uint64_t permit);
  void claim(const messages::request_row& row, std::uint64_t permit);
  void give_back(const messages::request_row& row, std::uint64_t permit);
  void start(messages::request_row row, messages::permit_granted granted);
  [[nodiscard]] messages::result<messages::retrieve_study> order_for(const messages::request_row& row,
                                                                     std::uint64_t permit,
                                                                     std::int64_t send_before_boottime_ns) const;
  void retrieve(const messages::request_row& row, std::int64_t send_before_boottime_ns);
  void on_settled(const messages::request_row& started, const messages::study_settled& settled);
  void on_retrieval_error(const messages::request_row& row, const messages::failure& problem);
  void settle(messages::request_row row, const messages::study_settled& settled);
  void end_cancelled(const messages::request_row& started, std::optional<messages::request_row> now,
                     const messages::study_settled& settled);
  void note_arrived(messages::request_row& row, const messages::study_settled& settled) const;
  [[nodiscard]] static messages::state_row missing_row(const messages::request_row& row,
                                                       const messages::study_settled& settled);
  void add_holding_of(messages::journal_entry& entry, const messages::request_row& row,
                      const messages::study_settled& settled, std::optional<messages::holding_row>& before,
                      messages::holding_row& after);
  void on_outlook(const messages::governor_outlook& outlook);
  void tell_governor(const std::string& pacs, const messages::permit_answered& answer);
  void tell_governor(const std::string& pacs, const messages::retrieval_over& over);
  void tell_association(const std::string& pacs, const messages::cancel_retrieval& order);
  void tell_expiry();
  void on_tick(const messages::tick& t);
  void load();
  [[nodiscard]] messages::result<void> let_go_of_leases();
  void give_up(const messages::failure& problem);

  [[nodiscard]] const conf::project* project() const;
  [[nodiscard]] bool expired() const;
  [[nodiscard]] std::uint32_t shard_for(const messages::dicom_uid& study) const;

  handle::pointer self_;
  project_queue_options options_;
  journal_pen<handle::pointer> pen_;
  queue_ledger ledger_;
  /// What is asked of the PACS about a request before its permit: whose it is, its series, then their images.
  struct enumeration {
    std::uint64_t request = 0;
    std::string pacs;
    bool series_known = false;
    std::vector<messages::dicom_uid> series;  ///< whose images are still to be listed
    messages::instance_list found;
    std::vector<std::string> modalities;
    messages::request_row row;  ///< as it was when the last query was granted

    [[nodiscard]] std::uint32_t queries() const;
  };
  std::map<std::uint64_t, enumeration> tickets_;               ///< whose next queries were not granted yet
  std::map<std::string, std::size_t> preparing_;               ///< by PACS
  std::map<std::string, messages::governor_outlook> outlook_;  ///< by PACS: why no permit comes now, and when one may
  std::map<std::string, std::string> obstacles_;  ///< by PACS: why the last retrieval could not be prepared
  struct announcement {
    std::uint64_t ready;
    std::uint64_t waiting;
    bool operator==(const announcement&) const = default;
  };
  static constexpr announcement nothing_waits{0, 0};
  static constexpr announcement not_said{~std::uint64_t{0}, 0};
  std::map<std::string, announcement> announced_;           ///< by PACS: what its governor was told
  std::map<std::uint64_t, messages::request_row> running_;  ///< as they were started
  std::set<std::uint64_t> changing_;                        ///< a change of their state is on its way to the disk
  std::set<std::string> deleting_;                          ///< keys of holdings whose end is on its way to the disk
  std::map<std::string, std::vector<answer_promise>> running_operations_;
  download_book downloads_;
  bool downloads_loaded_ = false;
  bool telling_ = false;                                            ///< a notice is on its way to the disk
  std::map<std::string, std::vector<recorded_promise>> recording_;  ///< by operation: who waits for the same record
  std::uint64_t last_ticket_ = 0;
  struct suspended_sums {
    std::uint64_t studies = 0;
    std::uint64_t bytes = 0;
    void leave(std::uint64_t with_bytes) {
      studies -= std::min<std::uint64_t>(studies, 1);
      bytes -= std::min(bytes, with_bytes);
    }
  };
  std::set<std::string> former_pacs_;  ///< of holdings, when the rules no longer name them
  suspended_sums suspended_;           ///< of holdings, by the rules in force
};

}  // namespace penstock::actors
