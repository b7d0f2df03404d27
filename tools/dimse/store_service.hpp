#pragma once
// Takes C-STORE requests into the packs of their studies, on an association that a peer asked for (the objects of a
// C-MOVE) or on one that we asked for (those of a C-GET).

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dimse.h>

#include <map>
#include <string>

#include "tools/dimse/attempt.hpp"
#include "tools/dimse/study_table.hpp"

namespace penstock::dimse {

/// By presentation context.
using transfer_syntaxes = std::map<T_ASC_PresentationContextID, std::string>;

class store_service {
 public:
  store_service(session& with, T_ASC_Association* association, const messages::accept_job& limits, study_table& studies,
                store_report& report, transfer_syntaxes accepted, std::string calling_ae)
      : session_(with),
        association_(association),
        limits_(limits),
        studies_(studies),
        report_(report),
        accepted_(std::move(accepted)),
        calling_ae_(std::move(calling_ae)) {}

  /// Reads the object that belongs to the request, and answers. A failure is that of the association; what is wrong
  /// with the object is told to its sender and to the parent.
  [[nodiscard]] attempt on_store(T_ASC_PresentationContextID context, T_DIMSE_C_StoreRQ& request);

 private:
  [[nodiscard]] attempt answer(T_ASC_PresentationContextID context, const T_DIMSE_C_StoreRQ& request,
                               std::uint16_t status);

  session& session_;
  T_ASC_Association* association_;
  const messages::accept_job& limits_;
  study_table& studies_;
  store_report& report_;
  transfer_syntaxes accepted_;
  std::string calling_ae_;
};

}  // namespace penstock::dimse
