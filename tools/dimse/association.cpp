#include "tools/dimse/association.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmnet/cond.h>
#include <dcmtk/dcmnet/dcmtrans.h>

#include <algorithm>
#include <array>
#include <optional>

#include "tools/dimse/storage_classes.hpp"

namespace penstock::dimse {
namespace {

using messages::peer_outcome;
using std::chrono::milliseconds;

/// DCMTK 3.6.7 knows IPv4 only. Resolving here keeps its accept path and its error texts free of names.
std::optional<std::string> ipv4_address(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  std::array<char, INET_ADDRSTRLEN> text{};
  const auto* address = reinterpret_cast<const sockaddr_in*>(found->ai_addr);
  ::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
  ::freeaddrinfo(found);
  return std::string{text.data()};
}

bool answers(const T_DIMSE_Message& message, T_DIMSE_Command kind, DIC_US message_id,
             T_DIMSE_DataSetType& has_dataset) {
  if (message.CommandField != kind) return false;
  switch (kind) {
    case DIMSE_C_ECHO_RSP:
      has_dataset = message.msg.CEchoRSP.DataSetType;
      return message.msg.CEchoRSP.MessageIDBeingRespondedTo == message_id;
    case DIMSE_C_FIND_RSP:
      has_dataset = message.msg.CFindRSP.DataSetType;
      return message.msg.CFindRSP.MessageIDBeingRespondedTo == message_id;
    case DIMSE_C_MOVE_RSP:
      has_dataset = message.msg.CMoveRSP.DataSetType;
      return message.msg.CMoveRSP.MessageIDBeingRespondedTo == message_id;
    default:
      return false;
  }
}

}  // namespace

attempt judged(const session& of, const OFCondition& condition, const std::string& operation) {
  if (condition.good()) return {};
  if (of.parent.gone()) return failed(peer_outcome::stopped, operation + ": the server has closed the channel");
  if (!of.tls_problem.empty())
    return failed(of.timed_out ? peer_outcome::timed_out : peer_outcome::insecure, "TLS: " + of.tls_problem);
  if (of.timed_out || condition == DIMSE_NODATAAVAILABLE || condition == DUL_READTIMEOUT)
    return failed(peer_outcome::timed_out, operation + ": the peer is silent");
  if (condition == DUL_PEERABORTEDASSOCIATION || condition == DUL_NETWORKCLOSED ||
      condition == DUL_PEERREQUESTEDRELEASE)
    return failed(peer_outcome::aborted, operation + ": the peer ended the association");
  return failed(peer_outcome::broken, operation + ": " + condition.text());
}

attempt association::secure() {
  const auto& tls = peer_.tls;
  if (!tls.wanted()) return {};
  auto link = tls_link::open(tls, tls_side::client, tls.name.empty() ? peer_.host : tls.name);
  if (!link) return failed(peer_outcome::misconfigured, "TLS: " + link.error().context);
  layer_.secure_next(std::move(*link));
  return {};
}

attempt association::prepare(const char* sop_class) {
  if (auto secured = secure(); !secured.ok()) return secured;
  const auto address = ipv4_address(peer_.host);
  if (!address) return failed(peer_outcome::unreachable, "the host has no IPv4 address");
  dcmConnectionTimeout.set(whole_seconds(peer_.connect_timeout_ms));
  auto condition = ASC_initializeNetwork(NET_REQUESTOR, 0, whole_seconds(peer_.association_timeout_ms), &network_);
  if (condition.good()) condition = ASC_setTransportLayer(network_, &layer_, 0);
  if (condition.good()) condition = ASC_createAssociationParameters(&parameters_, ASC_MAXIMUMPDUSIZE);
  if (condition.good())
    condition = ASC_setAPTitles(parameters_, peer_.calling_ae.c_str(), peer_.called_ae.c_str(), nullptr);
  const auto where = *address + ":" + std::to_string(peer_.port);
  if (condition.good()) condition = ASC_setPresentationAddresses(parameters_, "localhost", where.c_str());
  std::array<const char*, 2> syntaxes{UID_LittleEndianExplicitTransferSyntax, UID_LittleEndianImplicitTransferSyntax};
  if (condition.good())
    condition =
        ASC_addPresentationContext(parameters_, 1, sop_class, syntaxes.data(), static_cast<int>(syntaxes.size()));
  return judged(session_, condition, "prepare the association");
}

attempt association::rejected() const {
  T_ASC_RejectParameters why{};
  ASC_getRejectParameters(parameters_, &why);
  OFString text;
  ASC_printRejectParameters(text, &why);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return failed(peer_outcome::rejected, std::string{"the peer rejects the association: "} + text.c_str());
}

attempt association::open(const char* sop_class) {
  auto prepared = prepare(sop_class);
  return prepared.ok() ? connect(sop_class) : prepared;
}

attempt association::open_for_get() {
  if (auto prepared = prepare(UID_GETStudyRootQueryRetrieveInformationModel); !prepared.ok()) return prepared;
  const auto offered = offer_to_receive(parameters_);
  if (offered.bad()) return judged(session_, offered, "prepare the association");
  return connect(UID_GETStudyRootQueryRetrieveInformationModel);
}

transfer_syntaxes association::accepted_to_store() const {
  transfer_syntaxes found;
  for (int i = 0; i < ASC_countPresentationContexts(association_->params); ++i) {
    T_ASC_PresentationContext context;
    if (ASC_getPresentationContext(association_->params, i, &context).bad()) continue;
    if (context.resultReason == ASC_P_ACCEPTANCE && context.presentationContextID != context_)
      found[context.presentationContextID] = context.acceptedTransferSyntax;
  }
  return found;
}

attempt association::connect(const char* sop_class) {
  const milliseconds whole{peer_.connect_timeout_ms + peer_.association_timeout_ms};
  session_.allow(milliseconds{peer_.association_timeout_ms}, whole);
  const auto condition = ASC_requestAssociation(network_, parameters_, &association_, nullptr, nullptr, DUL_NOBLOCK,
                                                whole_seconds(peer_.association_timeout_ms));
  if (association_ != nullptr) parameters_ = association_->params;
  if (condition == DUL_ASSOCIATIONREJECTED) return rejected();
  if (condition.bad() && layer_.connection() == nullptr)
    return failed(peer_outcome::unreachable, "connect: nobody answers at the address");
  if (condition.bad()) return judged(session_, condition, "ask for an association");
  established_ = true;
  context_ = ASC_findAcceptedPresentationContextID(association_, sop_class);
  if (context_ == 0) return failed(peer_outcome::no_context, "the peer does not offer the service");
  return {};
}

attempt association::send(T_DIMSE_Message& request, DcmDataset* identifier) {
  session_.allow(response_timeout(), response_timeout());
  return judged(
      session_,
      DIMSE_sendMessageUsingMemoryData(association_, context_, &request, nullptr, identifier, nullptr, nullptr),
      "send the request");
}

attempt association::send_cancel(DIC_US message_id) {
  session_.allow(response_timeout(), response_timeout());
  return judged(session_, DIMSE_sendCancelRequest(association_, context_, message_id), "send C-CANCEL");
}

attempt association::receive_command(T_DIMSE_Message& into, T_ASC_PresentationContextID& context) {
  session_.allow(response_timeout(), response_timeout());
  DcmDataset* detail = nullptr;
  const auto condition = DIMSE_receiveCommand(association_, DIMSE_NONBLOCKING, whole_seconds(peer_.response_timeout_ms),
                                              &context, &into, &detail);
  const std::unique_ptr<DcmDataset> unused{detail};
  return judged(session_, condition, "wait for a response");
}

attempt association::receive_dataset(response& into) {
  T_ASC_PresentationContextID context = 0;
  DcmDataset* dataset = nullptr;
  const auto condition = DIMSE_receiveDataSetInMemory(
      association_, DIMSE_NONBLOCKING, whole_seconds(peer_.response_timeout_ms), &context, &dataset, nullptr, nullptr);
  into.dataset.reset(dataset);
  return judged(session_, condition, "read a response");
}

attempt association::receive(T_DIMSE_Command kind, DIC_US message_id, response& into) {
  T_ASC_PresentationContextID context = 0;
  if (auto received = receive_command(into.message, context); !received.ok()) return received;
  T_DIMSE_DataSetType has_dataset = DIMSE_DATASET_NULL;
  if (context != context_ || !answers(into.message, kind, message_id, has_dataset))
    return failed(peer_outcome::broken, "the peer answers something that was not asked");
  into.dataset.reset();
  return has_dataset == DIMSE_DATASET_NULL ? attempt{} : receive_dataset(into);
}

void association::release() {
  if (!established_) return;
  constexpr milliseconds patience{2'000};
  session_.allow(patience, patience);
  established_ = false;
  if (ASC_releaseAssociation(association_).bad()) ASC_abortAssociation(association_);
}

association::~association() {
  if (established_) {
    constexpr milliseconds patience{1'000};
    session_.allow(patience, patience);
    ASC_abortAssociation(association_);
  }
  if (association_ != nullptr)
    ASC_destroyAssociation(&association_);
  else if (parameters_ != nullptr)
    ASC_destroyAssociationParameters(&parameters_);
  if (network_ != nullptr) ASC_dropNetwork(&network_);
}

}  // namespace penstock::dimse
