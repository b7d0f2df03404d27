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
  /// The id that the next request must carry.
  [[nodiscard]] DIC_US next_message_id() { return association_->nextMsgID++; }
  [[nodiscard]] attempt send(T_DIMSE_Message& request, DcmDataset* identifier);
  [[nodiscard]] attempt send_cancel(DIC_US message_id);
  /// Waits for the peer or for a message of the parent.
  [[nodiscard]] wake await(steady::time_point until) { return layer_.connection()->wait_for_peer(until, true); }
  /// The next response, which must be of this kind and to this request.
  [[nodiscard]] attempt receive(T_DIMSE_Command kind, DIC_US message_id, response& into);
  void release();
  [[nodiscard]] std::chrono::milliseconds response_timeout() const {
    return std::chrono::milliseconds{peer_.response_timeout_ms};
  }

 private:
  [[nodiscard]] attempt prepare(const char* sop_class);
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
