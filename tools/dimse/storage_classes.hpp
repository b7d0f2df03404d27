#pragma once
// What we offer to receive on an association for C-GET.

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/assoc.h>

namespace penstock::dimse {

/// Adds contexts for storage, in the role of the SCP (PS3.7 section D.3.3.4). An association has 128 contexts, and most
/// PACS take one transfer syntax a context and do not transcode: so each of the common image classes gets one context
/// for native and one for each of five compressed encodings, other classes get the native one. Objects beyond that come
/// by C-MOVE only.
[[nodiscard]] OFCondition offer_to_receive(T_ASC_Parameters* into);

}  // namespace penstock::dimse
