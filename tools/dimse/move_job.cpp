#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/ofstd/ofstd.h>

#include <time.h>

#include <algorithm>
#include <optional>

#include "tools/dimse/association.hpp"
#include "tools/dimse/identifiers.hpp"
#include "tools/dimse/jobs.hpp"

namespace penstock::dimse {
namespace {

using messages::peer_outcome;
using std::chrono::milliseconds;

/// How long the PACS may take to end the retrieval after C-CANCEL before the association is aborted.
constexpr milliseconds cancel_patience{10'000};
constexpr milliseconds progress_interval{250};

std::int64_t boottime_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

bool is_pending(std::uint32_t status) { return status == STATUS_Pending; }

class move_run {
 public:
  move_run(session& with, const messages::move_job& job)
      : session_(with),
        job_(job),
        association_(with, job.peer),
        end_(steady::now() + milliseconds{job.total_timeout_ms}),
        send_before_ns_(job.send_before_boottime_ns) {}

  attempt run() {
    const auto start = steady::now();
    if (auto opened = open(); !opened.ok()) return opened;
    if (!session_.parent.tell(messages::ready{milliseconds_since(start)})) return parent_gone();
    while (job_.wait_for_go && !gone_ahead_)
      if (auto went = wait_for_go(); !went.ok()) return went;
    if (auto sent = send(); !sent.ok()) return sent;
    idle_until_ = steady::now() + milliseconds{job_.idle_timeout_ms};
    session_.before_waiting = [this] { return report_.flush_if_due(); };
    attempt went;
    while (!over_ && went.ok()) went = step();
    session_.before_waiting = nullptr;
    if (studies_) studies_->close_all();
    report_.flush();
    if (went.ok() && !session_.parent.tell(progress_)) return parent_gone();
    return went;
  }

  void release() { association_.release(); }
  [[nodiscard]] messages::move_done& done() { return done_; }

 private:
  static attempt parent_gone() { return failed(peer_outcome::stopped, "the server is gone"); }

  attempt open() {
    if (!job_.get) return association_.open(UID_MOVEStudyRootQueryRetrieveInformationModel);
    auto opened = association_.open_for_get();
    if (!opened.ok()) return opened;
    const auto& pacs = job_.peer.called_ae;
    studies_.emplace(session_, limits_, report_, pacs);
    store_.emplace(session_, association_.handle(), limits_, *studies_, report_, association_.accepted_to_store(),
                   pacs);
    return opened;
  }

  attempt wait_for_go() {
    switch (association_.await(end_)) {
      case wake::message:
        break;
      case wake::peer:
        return failed(peer_outcome::aborted, "the peer ended the association before the request");
      case wake::timed_out:
        return failed(peer_outcome::timed_out, "nobody said go");
      case wake::parent_gone:
        return parent_gone();
    }
    const auto packet = session_.parent.next();
    if (packet && packet->kind == messages::cancel::kind) {
      done_.cancelled = true;
      return failed(peer_outcome::stopped, "cancelled before the request");
    }
    if (!packet || packet->kind != messages::go::kind) return {};
    const auto go = storage::decode_dimse<messages::go>(packet->text);
    if (!go) return failed(peer_outcome::broken, "a malformed message of the server");
    if (go->send_before_boottime_ns != 0) send_before_ns_ = go->send_before_boottime_ns;
    gone_ahead_ = true;
    return {};
  }

  T_DIMSE_Message move_request() const {
    T_DIMSE_Message request{};
    request.CommandField = DIMSE_C_MOVE_RQ;
    auto& command = request.msg.CMoveRQ;
    command.MessageID = message_id_;
    OFStandard::strlcpy(command.AffectedSOPClassUID, UID_MOVEStudyRootQueryRetrieveInformationModel,
                        sizeof command.AffectedSOPClassUID);
    OFStandard::strlcpy(command.MoveDestination, job_.move_destination.c_str(), sizeof command.MoveDestination);
    command.Priority = DIMSE_PRIORITY_MEDIUM;
    command.DataSetType = DIMSE_DATASET_PRESENT;
    return request;
  }

  T_DIMSE_Message get_request() const {
    T_DIMSE_Message request{};
    request.CommandField = DIMSE_C_GET_RQ;
    auto& command = request.msg.CGetRQ;
    command.MessageID = message_id_;
    OFStandard::strlcpy(command.AffectedSOPClassUID, UID_GETStudyRootQueryRetrieveInformationModel,
                        sizeof command.AffectedSOPClassUID);
    command.Priority = DIMSE_PRIORITY_MEDIUM;
    command.DataSetType = DIMSE_DATASET_PRESENT;
    return request;
  }

  attempt send() {
    auto identifier = move_identifier(job_);
    message_id_ = association_.next_message_id();
    auto request = job_.get ? get_request() : move_request();
    // Nothing may come between this look at the clock and the sending.
    const auto now = boottime_ns();
    if (send_before_ns_ != 0 && now >= send_before_ns_) {
      done_.too_late = true;
      return failed(peer_outcome::stopped, "the deadline for sending has passed");
    }
    done_.sent = true;
    auto went = association_.send(request, identifier.get());
    if (went.ok() && !session_.parent.tell(messages::move_sent{now})) return parent_gone();
    return went;
  }

  attempt step() {
    switch (association_.await(std::min({end_, idle_until_, cancel_until_}))) {
      case wake::peer:
        return job_.get ? on_command() : on_response();
      case wake::message:
        return on_message();
      case wake::parent_gone:
        return parent_gone();
      case wake::timed_out:
        break;
    }
    if (cancelling_) return failed(peer_outcome::stopped, "cancelled; the peer did not confirm");
    // The peer is asked to stop before the association is given up: it may still be sending to us.
    return give_up("the retrieval is idle or takes too long");
  }

  attempt on_message() {
    const auto packet = session_.parent.next();
    if (!packet) return {};
    if (packet->kind == messages::close_study::kind) {
      if (studies_) studies_->close_all();
      return give_up({});
    }
    if (packet->kind == messages::still_arriving::kind)
      idle_until_ = steady::now() + milliseconds{job_.idle_timeout_ms};
    if (packet->kind != messages::cancel::kind) return {};
    done_.cancelled = true;
    return give_up({});
  }

  attempt give_up(std::string timeout_problem) {
    if (cancelling_) return {};
    cancelling_ = true;
    timeout_problem_ = std::move(timeout_problem);
    cancel_until_ = steady::now() + cancel_patience;
    idle_until_ = end_ = steady::time_point::max();
    return association_.send_cancel(message_id_);
  }

  attempt on_response() {
    response answer;
    if (auto received = association_.receive(DIMSE_C_MOVE_RSP, message_id_, answer); !received.ok()) return received;
    const auto& command = answer.message.msg.CMoveRSP;
    count(command);
    return heed(command.DimseStatus, answer);
  }

  /// Of a C-GET: an object to store, or a response.
  attempt on_command() {
    response answer;
    T_ASC_PresentationContextID context = 0;
    if (auto received = association_.receive_command(answer.message, context); !received.ok()) return received;
    if (answer.message.CommandField == DIMSE_C_STORE_RQ) return on_object(context, answer.message.msg.CStoreRQ);
    const auto& command = answer.message.msg.CGetRSP;
    if (answer.message.CommandField != DIMSE_C_GET_RSP || command.MessageIDBeingRespondedTo != message_id_)
      return failed(peer_outcome::broken, "the peer answers something that was not asked");
    if (command.DataSetType != DIMSE_DATASET_NULL)
      if (auto read = association_.receive_dataset(answer); !read.ok()) return read;
    count(command);
    return heed(command.DimseStatus, answer);
  }

  attempt on_object(T_ASC_PresentationContextID context, T_DIMSE_C_StoreRQ& request) {
    auto stored = store_->on_store(context, request);
    if (!cancelling_) idle_until_ = steady::now() + milliseconds{job_.idle_timeout_ms};
    return stored.ok() && studies_->stopped() ? give_up({}) : stored;
  }

  attempt heed(std::uint16_t status, const response& answer) {
    if (!cancelling_) idle_until_ = steady::now() + milliseconds{job_.idle_timeout_ms};
    if (is_pending(status)) return report();
    over_ = true;
    done_.dimse_status = status;
    if (answer.dataset) done_.failed_uids = failed_uids_of(*answer.dataset);
    if (!timeout_problem_.empty()) return failed(peer_outcome::timed_out, timeout_problem_);
    return {};
  }

  template <class Response>
  void count(const Response& command) {
    static_assert(O_MOVE_NUMBEROFREMAININGSUBOPERATIONS == O_GET_NUMBEROFREMAININGSUBOPERATIONS &&
                  O_MOVE_NUMBEROFWARNINGSUBOPERATIONS == O_GET_NUMBEROFWARNINGSUBOPERATIONS);
    const auto has = [&](unsigned int flag) { return (command.opts & flag) != 0; };
    if (has(O_MOVE_NUMBEROFREMAININGSUBOPERATIONS)) progress_.remaining = command.NumberOfRemainingSubOperations;
    if (has(O_MOVE_NUMBEROFCOMPLETEDSUBOPERATIONS)) progress_.completed = command.NumberOfCompletedSubOperations;
    if (has(O_MOVE_NUMBEROFFAILEDSUBOPERATIONS)) progress_.failed = command.NumberOfFailedSubOperations;
    if (has(O_MOVE_NUMBEROFWARNINGSUBOPERATIONS)) progress_.warning = command.NumberOfWarningSubOperations;
    // The last response may leave "remaining" out: then nothing remains.
    if (!is_pending(command.DimseStatus) && !has(O_MOVE_NUMBEROFREMAININGSUBOPERATIONS)) progress_.remaining = 0;
    done_.remaining = progress_.remaining;
    done_.completed = progress_.completed;
    done_.failed = progress_.failed;
    done_.warning = progress_.warning;
  }

  attempt report() {
    const auto now = steady::now();
    if (now < next_report_) return {};
    next_report_ = now + progress_interval;
    return session_.parent.tell(progress_) ? attempt{} : parent_gone();
  }

  session& session_;
  const messages::move_job& job_;
  association association_;
  const messages::accept_job limits_;  ///< of what is stored; for C-GET, as the rest of these
  store_report report_{session_.parent};
  std::optional<study_table> studies_;
  std::optional<store_service> store_;
  messages::move_done done_;
  messages::move_progress progress_;
  DIC_US message_id_ = 0;
  steady::time_point end_;
  steady::time_point idle_until_ = steady::time_point::max();
  steady::time_point cancel_until_ = steady::time_point::max();
  steady::time_point next_report_;
  std::int64_t send_before_ns_;
  std::string timeout_problem_;
  bool gone_ahead_ = false;
  bool cancelling_ = false;
  bool over_ = false;
};

}  // namespace

bool run(session& with, const messages::move_job& job) {
  move_run move{with, job};
  const auto went = move.run();
  auto& done = move.done();
  done.outcome = went.outcome;
  done.problem = went.problem;
  const bool told = with.parent.tell(done);
  if (went.ok()) move.release();
  return told && went.ok();
}

}  // namespace penstock::dimse
