#include "tools/dimse/storage_classes.hpp"

#include <dcmtk/dcmdata/dcuid.h>

#include <array>

namespace penstock::dimse {
namespace {

constexpr std::array image_classes{UID_CTImageStorage,
                                   UID_EnhancedCTImageStorage,
                                   UID_MRImageStorage,
                                   UID_EnhancedMRImageStorage,
                                   UID_ComputedRadiographyImageStorage,
                                   UID_DigitalXRayImageStorageForPresentation,
                                   UID_DigitalMammographyXRayImageStorageForPresentation,
                                   UID_BreastTomosynthesisImageStorage,
                                   UID_UltrasoundImageStorage,
                                   UID_UltrasoundMultiframeImageStorage,
                                   UID_SecondaryCaptureImageStorage,
                                   UID_MultiframeTrueColorSecondaryCaptureImageStorage,
                                   UID_XRayAngiographicImageStorage,
                                   UID_XRayRadiofluoroscopicImageStorage,
                                   UID_NuclearMedicineImageStorage,
                                   UID_PositronEmissionTomographyImageStorage,
                                   UID_VLPhotographicImageStorage};
constexpr std::array other_classes{UID_DigitalXRayImageStorageForProcessing,
                                   UID_DigitalMammographyXRayImageStorageForProcessing,
                                   UID_MultiframeGrayscaleByteSecondaryCaptureImageStorage,
                                   UID_MultiframeGrayscaleWordSecondaryCaptureImageStorage,
                                   UID_RTImageStorage,
                                   UID_RTStructureSetStorage,
                                   UID_RTPlanStorage,
                                   UID_RTDoseStorage,
                                   UID_SegmentationStorage,
                                   UID_SpatialRegistrationStorage,
                                   UID_RealWorldValueMappingStorage,
                                   UID_RawDataStorage,
                                   UID_MRSpectroscopyStorage,
                                   UID_BasicTextSRStorage,
                                   UID_EnhancedSRStorage,
                                   UID_ComprehensiveSRStorage,
                                   UID_XRayRadiationDoseSRStorage,
                                   UID_MammographyCADSRStorage,
                                   UID_KeyObjectSelectionDocumentStorage,
                                   UID_GrayscaleSoftcopyPresentationStateStorage,
                                   UID_EncapsulatedPDFStorage};
constexpr std::array compressed{UID_JPEG2000LosslessOnlyTransferSyntax, UID_JPEGProcess14SV1TransferSyntax,
                                UID_JPEGLSLosslessTransferSyntax, UID_JPEGProcess1TransferSyntax,
                                UID_RLELosslessTransferSyntax};
static_assert(1 + image_classes.size() * (1 + compressed.size()) + other_classes.size() <= 128);

}  // namespace

OFCondition offer_to_receive(T_ASC_Parameters* into) {
  std::array native{UID_LittleEndianExplicitTransferSyntax, UID_LittleEndianImplicitTransferSyntax};
  int context = 1;
  OFCondition added = EC_Normal;
  const auto offer = [&](const char* sop_class, const char** syntaxes, std::size_t count) {
    context += 2;
    if (added.good())
      added = ASC_addPresentationContext(into, static_cast<T_ASC_PresentationContextID>(context), sop_class, syntaxes,
                                         static_cast<int>(count), ASC_SC_ROLE_SCP);
  };
  for (const auto* sop_class : image_classes) {
    offer(sop_class, native.data(), native.size());
    for (const auto* syntax : compressed) offer(sop_class, &syntax, 1);
  }
  for (const auto* sop_class : other_classes) offer(sop_class, native.data(), native.size());
  return added;
}

}  // namespace penstock::dimse
