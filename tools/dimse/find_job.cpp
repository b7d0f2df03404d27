#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/ofstd/ofstd.h>

#include <algorithm>
#include <memory>

#include "tools/dimse/association.hpp"
#include "tools/dimse/identifiers.hpp"
#include "tools/dimse/jobs.hpp"

namespace penstock::dimse {
namespace {

using messages::peer_outcome;
using std::chrono::milliseconds;

constexpr std::uint32_t status_cancelled = 0xfe00;
/// After C-CANCEL the peer may send what was under way; then the association is given up.
constexpr milliseconds cancel_patience{5'000};

bool is_pending(std::uint32_t status) { return status == STATUS_Pending || status == 0xff01; }

/// One query: sends it, passes its rows on, and stops it when there are too many or the parent wants no more.
class query_run {
 public:
  query_run(session& with, association& over, const messages::find_job& job, std::uint32_t index)
      : session_(with), association_(over), job_(job), query_(job.queries[index]) {
    done_.query = index;
  }

  attempt run(steady::time_point job_end) {
    auto identifier = find_identifier(query_);
    if (!identifier) return failed(peer_outcome::broken, "a key is not in the data dictionary");
    T_DIMSE_Message request{};
    request.CommandField = DIMSE_C_FIND_RQ;
    auto& command = request.msg.CFindRQ;
    command.MessageID = message_id_ = association_.next_message_id();
    OFStandard::strlcpy(command.AffectedSOPClassUID, UID_FINDStudyRootQueryRetrieveInformationModel,
                        sizeof command.AffectedSOPClassUID);
    command.Priority = DIMSE_PRIORITY_MEDIUM;
    command.DataSetType = DIMSE_DATASET_PRESENT;
    auto went = association_.send(request, identifier.get());
    until_ = job_end;
    while (went.ok() && !over_) went = step();
    if (went.ok() && !session_.parent.tell(done_)) return failed(peer_outcome::stopped, "the server is gone");
    return went;
  }

  [[nodiscard]] bool cancelled() const { return cancelled_; }
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  attempt step() {
    switch (association_.await(std::min(until_, steady::now() + association_.response_timeout()))) {
      case wake::peer:
        return on_response();
      case wake::message:
        return on_message();
      case wake::parent_gone:
        return failed(peer_outcome::stopped, "the server is gone");
      case wake::timed_out:
        break;
    }
    return failed(peer_outcome::timed_out, "the peer does not answer the query");
  }

  attempt on_message() {
    const auto packet = session_.parent.next();
    if (!packet || packet->kind != messages::cancel::kind) return {};
    stopped_ = true;
    return give_up();
  }

  attempt give_up() {
    if (cancelled_) return {};
    cancelled_ = true;
    done_.truncated = true;
    until_ = std::min(until_, steady::now() + cancel_patience);
    return association_.send_cancel(message_id_);
  }

  attempt on_response() {
    response answer;
    if (auto received = association_.receive(DIMSE_C_FIND_RSP, message_id_, answer); !received.ok()) return received;
    const auto status = answer.message.msg.CFindRSP.DimseStatus;
    if (!is_pending(status)) {
      over_ = true;
      done_.dimse_status = status;
      // FE00 that we did not ask for: the PACS reached a limit of its own.
      done_.truncated = done_.truncated || status == status_cancelled;
      return {};
    }
    if (!answer.dataset || cancelled_) return {};
    if (done_.rows >= query_.max_rows) return give_up();
    ++done_.rows;
    if (!session_.parent.tell(row_of(*answer.dataset, done_.query, job_.default_charset)))
      return failed(peer_outcome::stopped, "the server is gone");
    return {};
  }

  session& session_;
  association& association_;
  const messages::find_job& job_;
  const messages::find_query& query_;
  messages::find_done done_;
  DIC_US message_id_ = 0;
  steady::time_point until_;
  bool cancelled_ = false;
  bool stopped_ = false;
  bool over_ = false;
};

attempt run_queries(session& with, const messages::find_job& job, std::uint32_t& answered) {
  const auto job_end = steady::now() + milliseconds{job.total_timeout_ms};
  std::unique_ptr<association> peer;
  for (std::uint32_t index = 0; index < job.queries.size(); ++index) {
    if (!peer) {
      peer = std::make_unique<association>(with, job.peer);
      if (auto opened = peer->open(UID_FINDStudyRootQueryRetrieveInformationModel); !opened.ok()) return opened;
    }
    query_run query{with, *peer, job, index};
    if (auto went = query.run(job_end); !went.ok()) return went;
    ++answered;
    if (query.stopped()) return failed(peer_outcome::stopped, "cancelled");
    // Some PACS send stray responses after a C-CANCEL: what comes next needs a fresh association.
    if (query.cancelled()) peer.reset();
  }
  if (peer) peer->release();
  return {};
}

}  // namespace

bool run(session& with, const messages::find_job& job) {
  messages::find_ended ended;
  const auto went = run_queries(with, job, ended.queries);
  ended.outcome = went.outcome;
  ended.problem = went.problem;
  return with.parent.tell(ended) && went.ok();
}

}  // namespace penstock::dimse
