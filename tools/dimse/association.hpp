#pragma once
// An association that we ask for: echo, find and move run over one.

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dimse.h>

#include <memory>
#include <string>

#include "messages/dimse.hpp"
#include "tools/dimse/attempt.hpp"
#include "tools/dimse/store_service.hpp"
#include "tools/dimse/transport.hpp"

namespace penstock::dimse {

/// A response with its data set, if it has one.
struct response {
  T_DIMSE_Message message{};
  std::unique_ptr<DcmDataset> dataset;
};

/// One association for one SOP class, one operation at a time. Aborted when it is destroyed without `release`.
class association {
 public:
  association(session& of, const messages::dimse_peer& peer) : session_(of), peer_(peer), layer_(of) {}
  ~association();
  association(const association&) = delete;
  association& operator=(const association&) = delete;

  [[nodiscard]] attempt open(const char* sop_class);
  /// For C-GET: contexts for what may come are offered too, in which the peer is the one who stores.
  [[nodiscard]] attempt open_for_get();
  /// Transfer syntaxes of the contexts in which the peer may store.
  [[nodiscard]] transfer_syntaxes accepted_to_store() const;
  [[nodiscard]] T_ASC_Association* handle() { return association_; }
  /// The id that the next request must carry.
  [[nodiscard]] DIC_US next_message_id() { return association_->nextMsgID++; }
  [[nodiscard]] attempt send(T_DIMSE_Message& request, DcmDataset* identifier);
  [[nodiscard]] attempt send_cancel(DIC_US message_id);
  /// Waits for the peer or for a message of the parent.
  [[nodiscard]] wake await(steady::time_point until) { return layer_.connection()->wait_for_peer(until, true); }
  /// The next response, which must be of this kind and to this request.
  [[nodiscard]] attempt receive(T_DIMSE_Command kind, DIC_US message_id, response& into);
  /// The next command, whatever it is; `context` is the one it came in.
  [[nodiscard]] attempt receive_command(T_DIMSE_Message& into, T_ASC_PresentationContextID& context);
  /// The data set that belongs to the command just received.
  [[nodiscard]] attempt receive_dataset(response& into);
  void release();
  [[nodiscard]] std::chrono::milliseconds response_timeout() const {
    return std::chrono::milliseconds{peer_.response_timeout_ms};
  }

 private:
  [[nodiscard]] attempt secure();
  [[nodiscard]] attempt prepare(const char* sop_class);
  [[nodiscard]] attempt connect(const char* sop_class);
  [[nodiscard]] attempt rejected() const;

  session& session_;
  const messages::dimse_peer& peer_;
  peer_layer layer_;
  T_ASC_Network* network_ = nullptr;
  T_ASC_Parameters* parameters_ = nullptr;  // until the association owns them
  T_ASC_Association* association_ = nullptr;
  T_ASC_PresentationContextID context_ = 0;
  bool established_ = false;
};

}  // namespace penstock::dimse
