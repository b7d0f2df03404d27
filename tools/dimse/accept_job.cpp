#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmdata/dcxfer.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dcmtrans.h>
#include <dcmtk/dcmnet/dimse.h>
#include <dcmtk/ofstd/ofstd.h>

#include <algorithm>
#include <array>

#include "tools/dimse/attempt.hpp"
#include "tools/dimse/jobs.hpp"
#include "tools/dimse/store_report.hpp"
#include "tools/dimse/store_service.hpp"
#include "tools/dimse/study_table.hpp"
#include "tools/dimse/transport.hpp"

namespace penstock::dimse {
namespace {

using messages::peer_outcome;
using std::chrono::milliseconds;

class inbound_association {
 public:
  inbound_association(session& with, const messages::accept_job& job) : session_(with), job_(job), layer_(with) {}
  inbound_association(const inbound_association&) = delete;
  inbound_association& operator=(const inbound_association&) = delete;
  ~inbound_association();

  attempt negotiate(int peer);
  attempt serve();
  [[nodiscard]] const store_report& report() const { return report_; }

 private:
  attempt receive_request(int peer);
  attempt refuse(T_ASC_RejectParametersResult result, T_ASC_RejectParametersSource source,
                 T_ASC_RejectParametersReason reason, const std::string& problem);
  attempt ask_for_admission();
  void accept_contexts();
  attempt on_command();
  attempt on_echo(T_ASC_PresentationContextID context, T_DIMSE_C_EchoRQ& request);

  session& session_;
  const messages::accept_job& job_;
  peer_layer layer_;
  store_report report_{session_.parent};
  std::optional<study_table> studies_;
  std::optional<store_service> store_;
  T_ASC_Network* network_ = nullptr;
  T_ASC_Association* association_ = nullptr;
  transfer_syntaxes accepted_;
  std::string calling_ae_;
  std::string called_ae_;
  bool established_ = false;
};

bool listed(const std::vector<std::string>& titles, const std::string& title) {
  return titles.empty() || std::find(titles.begin(), titles.end(), title) != titles.end();
}

attempt inbound_association::receive_request(int peer) {
  if (job_.tls.wanted()) {
    auto link = tls_link::open(job_.tls, tls_side::server, {});
    if (!link) return failed(peer_outcome::misconfigured, "TLS: " + link.error().context);
    layer_.secure_next(std::move(*link));
  }
  session_.allow(milliseconds{job_.handshake_timeout_ms}, milliseconds{job_.handshake_timeout_ms});
  const int timeout_s = whole_seconds(job_.handshake_timeout_ms);
  dcmExternalSocketHandle.set(0);  // any handle but -1 keeps DCMTK from listening on a port of its own
  auto condition = ASC_initializeNetwork(NET_ACCEPTOR, 0, timeout_s, &network_);
  if (condition.good()) condition = ASC_setTransportLayer(network_, &layer_, 0);
  dcmExternalSocketHandle.set(peer);
  if (condition.good())
    condition = ASC_receiveAssociation(network_, &association_, ASC_MAXIMUMPDUSIZE, nullptr, nullptr, OFFalse,
                                       DUL_NOBLOCK, timeout_s);
  if (auto went = judged(session_, condition, "read the association request"); !went.ok()) return went;
  std::array<char, 2 * DUL_LEN_TITLE> calling{};
  std::array<char, 2 * DUL_LEN_TITLE> called{};
  condition =
      ASC_getAPTitles(association_->params, calling.data(), calling.size(), called.data(), called.size(), nullptr, 0);
  calling_ae_ = messages::without_padding(calling.data());
  called_ae_ = messages::without_padding(called.data());
  return judged(session_, condition, "read the association request");
}

attempt inbound_association::refuse(T_ASC_RejectParametersResult result, T_ASC_RejectParametersSource source,
                                    T_ASC_RejectParametersReason reason, const std::string& problem) {
  const T_ASC_RejectParameters parameters{result, source, reason};
  ASC_rejectAssociation(association_, &parameters);
  return failed(peer_outcome::rejected, problem);
}

attempt inbound_association::ask_for_admission() {
  session_.parent.tell(messages::associated{calling_ae_, called_ae_, layer_.connection()->certificate()});
  const auto until = steady::now() + milliseconds{job_.decision_timeout_ms};
  messages::admit answer;
  for (bool answered = false; !answered;) {
    const auto woken = session_.wait(-1, 0, until, true);
    if (woken == wake::parent_gone) return failed(peer_outcome::stopped, "the server is gone");
    if (woken == wake::timed_out) break;
    const auto packet = session_.parent.next();
    if (!packet || packet->kind != messages::admit::kind) continue;
    auto decoded = storage::decode_dimse<messages::admit>(packet->text);
    answered = decoded.ok();
    if (answered) answer = std::move(decoded).value();
  }
  if (answer.admitted) return {};
  if (answer.transient)
    return refuse(ASC_RESULT_REJECTEDTRANSIENT, ASC_SOURCE_SERVICEPROVIDER_PRESENTATION_RELATED,
                  ASC_REASON_SP_PRES_TEMPORARYCONGESTION, "the server has no room for the association");
  return refuse(ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER, ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED,
                answer.reason.empty() ? "the server does not admit the caller" : answer.reason);
}

/// Classes are added to the standard each year, and vendors have their own: what DCMTK does not know may be an object.
bool is_taken(const char* abstract_syntax) {
  if (dcmIsaStorageSOPClassUID(abstract_syntax) || OFString{abstract_syntax} == UID_VerificationSOPClass) return true;
  return dcmFindNameOfUID(abstract_syntax) == nullptr && messages::is_valid_uid(abstract_syntax);
}

/// DCMTK sends no answer in a context whose transfer syntax it does not know, though answers are never in it. The peer
/// has been told the true one, and `accepted_` keeps it.
void conceal_unknown_syntaxes(LST_HEAD* contexts) {
  auto* context = static_cast<DUL_PRESENTATIONCONTEXT*>(LST_Head(&contexts));
  LST_Position(&contexts, context);
  for (; context != nullptr; context = static_cast<DUL_PRESENTATIONCONTEXT*>(LST_Next(&contexts)))
    if (DcmXfer{context->acceptedTransferSyntax}.getXfer() == EXS_Unknown)
      OFStandard::strlcpy(context->acceptedTransferSyntax, UID_LittleEndianExplicitTransferSyntax,
                          sizeof context->acceptedTransferSyntax);
}

/// Nothing is decoded, so any transfer syntax will do, the first that DCMTK knows before one that it does not.
void inbound_association::accept_contexts() {
  auto* parameters = association_->params;
  for (int i = 0; i < ASC_countPresentationContexts(parameters); ++i) {
    T_ASC_PresentationContext context;
    if (ASC_getPresentationContext(parameters, i, &context).bad()) continue;
    const auto* begin = context.proposedTransferSyntaxes;
    const auto* end = begin + context.transferSyntaxCount;
    const auto* chosen =
        std::find_if(begin, end, [](const char* uid) { return DcmXfer{uid}.getXfer() != EXS_Unknown; });
    if (chosen == end) chosen = std::find_if(begin, end, [](const char* uid) { return messages::is_valid_uid(uid); });
    if (!is_taken(context.abstractSyntax))
      ASC_refusePresentationContext(parameters, context.presentationContextID, ASC_P_ABSTRACTSYNTAXNOTSUPPORTED);
    else if (chosen == end)
      ASC_refusePresentationContext(parameters, context.presentationContextID, ASC_P_TRANSFERSYNTAXESNOTSUPPORTED);
    else if (ASC_acceptPresentationContext(parameters, context.presentationContextID, *chosen).good())
      accepted_[context.presentationContextID] = *chosen;
  }
}

attempt inbound_association::negotiate(int peer) {
  if (auto received = receive_request(peer); !received.ok()) return received;
  if (!listed(job_.our_ae_titles, called_ae_))
    return refuse(ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER, ASC_REASON_SU_CALLEDAETITLENOTRECOGNIZED,
                  "the called AE title is not ours");
  if (!listed(job_.accepted_calling_aes, calling_ae_))
    return refuse(ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER, ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED,
                  "the calling AE title is not accepted");
  if (auto admitted = ask_for_admission(); !admitted.ok()) return admitted;
  accept_contexts();
  if (accepted_.empty())
    return refuse(ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER, ASC_REASON_SU_NOREASON,
                  "the caller offers nothing to store");
  session_.allow(milliseconds{job_.handshake_timeout_ms}, milliseconds{job_.handshake_timeout_ms});
  auto acknowledged = judged(session_, ASC_acknowledgeAssociation(association_), "acknowledge the association");
  established_ = acknowledged.ok();
  const auto& parameters = association_->params->DULparams;
  for (auto* contexts : {parameters.requestedPresentationContext, parameters.acceptedPresentationContext})
    if (established_) conceal_unknown_syntaxes(contexts);
  return acknowledged;
}

attempt inbound_association::serve() {
  studies_.emplace(session_, job_, report_, calling_ae_);
  store_.emplace(session_, association_, job_, *studies_, report_, accepted_, calling_ae_);
  session_.before_waiting = [this] { return report_.flush_if_due(); };
  attempt went;
  while (went.ok() && established_) {
    const auto until = steady::now() + milliseconds{job_.association_idle_ms};
    switch (layer_.connection()->wait_for_peer(until, true)) {
      case wake::peer:
        went = on_command();
        break;
      case wake::message:
        studies_->heed_messages();
        break;
      case wake::timed_out:
        went = failed(peer_outcome::timed_out, "the association is idle");
        break;
      case wake::parent_gone:
        went = failed(peer_outcome::stopped, "the server is gone");
        break;
    }
    if (went.ok() && studies_->stopped()) went = failed(peer_outcome::stopped, "the server ends the association");
  }
  session_.before_waiting = nullptr;
  studies_->close_all();
  report_.flush();
  return went;
}

attempt inbound_association::on_command() {
  session_.allow(milliseconds{job_.instance_idle_ms}, milliseconds{job_.instance_idle_ms});
  T_ASC_PresentationContextID context = 0;
  T_DIMSE_Message message{};
  DcmDataset* detail = nullptr;
  const auto condition = DIMSE_receiveCommand(association_, DIMSE_NONBLOCKING, whole_seconds(job_.instance_idle_ms),
                                              &context, &message, &detail);
  delete detail;
  if (condition == DUL_PEERREQUESTEDRELEASE) {
    established_ = false;
    ASC_acknowledgeRelease(association_);
    return {};
  }
  if (auto went = judged(session_, condition, "read a command"); !went.ok()) return went;
  if (message.CommandField == DIMSE_C_ECHO_RQ) return on_echo(context, message.msg.CEchoRQ);
  if (message.CommandField == DIMSE_C_STORE_RQ) return store_->on_store(context, message.msg.CStoreRQ);
  return failed(peer_outcome::broken, "the peer sends a command that was not negotiated");
}

attempt inbound_association::on_echo(T_ASC_PresentationContextID context, T_DIMSE_C_EchoRQ& request) {
  return judged(session_, DIMSE_sendEchoResponse(association_, context, &request, STATUS_Success, nullptr), "echo");
}

inbound_association::~inbound_association() {
  constexpr milliseconds patience{1'000};
  session_.allow(patience, patience);
  if (association_ != nullptr) {
    if (established_) ASC_abortAssociation(association_);
    ASC_dropAssociation(association_);
    ASC_destroyAssociation(&association_);
  }
  if (network_ != nullptr) ASC_dropNetwork(&network_);
}

}  // namespace

bool run(session& with, const messages::accept_job& job, int peer) {
  inbound_association inbound{with, job};
  auto went = inbound.negotiate(peer);
  if (went.ok()) went = inbound.serve();
  const auto& report = inbound.report();
  return with.parent.tell(messages::association_ended{went.outcome, report.stored(), report.refused(), report.bytes(),
                                                      went.problem}) &&
         went.ok();
}

}  // namespace penstock::dimse
