#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/ofstd/ofstd.h>

#include "tools/dimse/association.hpp"
#include "tools/dimse/jobs.hpp"

namespace penstock::dimse {
namespace {

attempt echo(association& with, messages::echo_done& done) {
  if (auto opened = with.open(UID_VerificationSOPClass); !opened.ok()) return opened;
  T_DIMSE_Message request{};
  request.CommandField = DIMSE_C_ECHO_RQ;
  auto& command = request.msg.CEchoRQ;
  command.MessageID = with.next_message_id();
  OFStandard::strlcpy(command.AffectedSOPClassUID, UID_VerificationSOPClass, sizeof command.AffectedSOPClassUID);
  command.DataSetType = DIMSE_DATASET_NULL;
  if (auto sent = with.send(request, nullptr); !sent.ok()) return sent;
  response answer;
  auto received = with.receive(DIMSE_C_ECHO_RSP, command.MessageID, answer);
  if (received.ok()) done.dimse_status = answer.message.msg.CEchoRSP.DimseStatus;
  return received;
}

}  // namespace

bool run(session& with, const messages::echo_job& job) {
  const auto start = steady::now();
  association peer{with, job.peer};
  messages::echo_done done;
  const auto went = echo(peer, done);
  done.elapsed_ms = milliseconds_since(start);
  done.outcome = went.outcome;
  done.problem = went.problem;
  const bool told = with.parent.tell(done);
  if (went.ok()) peer.release();
  return told && went.ok();
}

}  // namespace penstock::dimse
