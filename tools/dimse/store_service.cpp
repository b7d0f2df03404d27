#include "tools/dimse/store_service.hpp"

#include <dcmtk/dcmdata/dcostrma.h>
#include <dcmtk/ofstd/ofstd.h>

#include "tools/dimse/incoming_instance.hpp"

namespace penstock::dimse {
namespace {

using messages::peer_outcome;
using std::chrono::milliseconds;

/// Hands DCMTK's bytes of a data set, exactly as received, to the instance.
class instance_sink final : public DcmConsumer {
 public:
  explicit instance_sink(incoming_instance& into) : into_(into) {}
  OFBool good() const override { return OFTrue; }
  OFCondition status() const override { return EC_Normal; }
  OFBool isFlushed() const override { return OFTrue; }
  offile_off_t avail() const override { return 1 << 30; }
  offile_off_t write(const void* bytes, offile_off_t length) override {
    into_.take({static_cast<const std::byte*>(bytes), static_cast<std::size_t>(length)});
    return length;
  }
  void flush() override {}

 private:
  incoming_instance& into_;
};

class sink_stream final : public DcmOutputStream {
 public:
  explicit sink_stream(DcmConsumer& into) : DcmOutputStream(&into) {}
};

}  // namespace

attempt store_service::on_store(T_ASC_PresentationContextID context, T_DIMSE_C_StoreRQ& request) {
  const auto syntax = accepted_.find(context);
  if (syntax == accepted_.end())
    return failed(peer_outcome::broken, "the peer uses a presentation context that was not accepted");
  if (request.DataSetType == DIMSE_DATASET_NULL) return answer(context, request, store_status::cannot_understand);
  incoming_instance instance{studies_,
                             report_,
                             {messages::dicom_uid{request.AffectedSOPClassUID},
                              messages::dicom_uid{request.AffectedSOPInstanceUID}, syntax->second, calling_ae_},
                             limits_.max_instance_bytes};
  session_.allow(milliseconds{limits_.instance_idle_ms}, milliseconds{limits_.instance_total_ms});
  instance_sink sink{instance};
  sink_stream stream{sink};
  auto data_context = context;
  const auto condition =
      DIMSE_receiveDataSetInFile(association_, DIMSE_NONBLOCKING, whole_seconds(limits_.instance_idle_ms),
                                 &data_context, &stream, nullptr, nullptr);
  auto received = judged(session_, condition, "read an object");
  if (received.ok() && data_context != context)
    received = failed(peer_outcome::broken, "the peer sends an object in another presentation context");
  if (!received.ok()) {
    instance.abandon();
    return received;
  }
  return answer(context, request, instance.finish());
}

attempt store_service::answer(T_ASC_PresentationContextID context, const T_DIMSE_C_StoreRQ& request,
                              std::uint16_t status) {
  T_DIMSE_C_StoreRSP response{};
  response.MessageIDBeingRespondedTo = request.MessageID;
  response.DimseStatus = status;
  response.DataSetType = DIMSE_DATASET_NULL;
  OFStandard::strlcpy(response.AffectedSOPClassUID, request.AffectedSOPClassUID, sizeof response.AffectedSOPClassUID);
  OFStandard::strlcpy(response.AffectedSOPInstanceUID, request.AffectedSOPInstanceUID,
                      sizeof response.AffectedSOPInstanceUID);
  response.opts = O_STORE_AFFECTEDSOPCLASSUID | O_STORE_AFFECTEDSOPINSTANCEUID;
  session_.allow(milliseconds{limits_.instance_idle_ms}, milliseconds{limits_.instance_idle_ms});
  return judged(session_, DIMSE_sendStoreResponse(association_, context, &request, &response, nullptr), "answer");
}

}  // namespace penstock::dimse
