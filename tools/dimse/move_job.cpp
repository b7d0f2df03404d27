#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/ofstd/ofstd.h>

#include <time.h>

#include <algorithm>

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
    if (auto opened = association_.open(UID_MOVEStudyRootQueryRetrieveInformationModel); !opened.ok()) return opened;
    if (!session_.parent.tell(messages::ready{milliseconds_since(start)})) return parent_gone();
    while (job_.wait_for_go && !gone_ahead_)
      if (auto went = wait_for_go(); !went.ok()) return went;
    if (auto sent = send(); !sent.ok()) return sent;
    idle_until_ = steady::now() + milliseconds{job_.idle_timeout_ms};
    while (!over_)
      if (auto went = step(); !went.ok()) return went;
    return session_.parent.tell(progress_) ? attempt{} : parent_gone();
  }

  void release() { association_.release(); }
  [[nodiscard]] messages::move_done& done() { return done_; }

 private:
  static attempt parent_gone() { return failed(peer_outcome::stopped, "the server is gone"); }

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

  attempt send() {
    auto identifier = move_identifier(job_);
    T_DIMSE_Message request{};
    request.CommandField = DIMSE_C_MOVE_RQ;
    auto& command = request.msg.CMoveRQ;
    command.MessageID = message_id_ = association_.next_message_id();
    OFStandard::strlcpy(command.AffectedSOPClassUID, UID_MOVEStudyRootQueryRetrieveInformationModel,
                        sizeof command.AffectedSOPClassUID);
    OFStandard::strlcpy(command.MoveDestination, job_.move_destination.c_str(), sizeof command.MoveDestination);
    command.Priority = DIMSE_PRIORITY_MEDIUM;
    command.DataSetType = DIMSE_DATASET_PRESENT;
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
        return on_response();
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
    if (!cancelling_) idle_until_ = steady::now() + milliseconds{job_.idle_timeout_ms};
    if (is_pending(command.DimseStatus)) return report();
    over_ = true;
    done_.dimse_status = command.DimseStatus;
    if (answer.dataset) done_.failed_uids = failed_uids_of(*answer.dataset);
    if (!timeout_problem_.empty()) return failed(peer_outcome::timed_out, timeout_problem_);
    return {};
  }

  void count(const T_DIMSE_C_MoveRSP& command) {
    if ((command.opts & O_MOVE_NUMBEROFREMAININGSUBOPERATIONS) != 0)
      progress_.remaining = command.NumberOfRemainingSubOperations;
    if ((command.opts & O_MOVE_NUMBEROFCOMPLETEDSUBOPERATIONS) != 0)
      progress_.completed = command.NumberOfCompletedSubOperations;
    if ((command.opts & O_MOVE_NUMBEROFFAILEDSUBOPERATIONS) != 0)
      progress_.failed = command.NumberOfFailedSubOperations;
    if ((command.opts & O_MOVE_NUMBEROFWARNINGSUBOPERATIONS) != 0)
      progress_.warning = command.NumberOfWarningSubOperations;
    // The last response may leave "remaining" out: then nothing remains.
    if (!is_pending(command.DimseStatus) && (command.opts & O_MOVE_NUMBEROFREMAININGSUBOPERATIONS) == 0)
      progress_.remaining = 0;
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
