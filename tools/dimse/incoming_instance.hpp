#pragma once
// One C-STORE: its bytes go past the scanner to the decision, then straight into the pack, never parsed by DCMTK.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "messages/ids.hpp"
#include "storage/dataset_scanner.hpp"
#include "storage/pack_layout.hpp"
#include "tools/dimse/study_table.hpp"

namespace penstock::dimse {

/// PS3.4 section B.2.3 and PS3.7 annex C. The last digits of those in the C000 range are ours.
namespace store_status {
constexpr std::uint16_t success = 0x0000;
constexpr std::uint16_t not_authorised = 0x0124;
constexpr std::uint16_t out_of_resources = 0xa700;
constexpr std::uint16_t does_not_match = 0xa900;
constexpr std::uint16_t cannot_understand = 0xc000;
constexpr std::uint16_t other_patient = 0xc101;
}  // namespace store_status

class incoming_instance {
 public:
  /// Held until the study and patient are known; an instance that keeps them back longer is refused.
  static constexpr std::size_t most_held_bytes = std::size_t{4} << 20;

  /// `named` is what the command set and the presentation context say.
  incoming_instance(study_table& studies, store_report& report, storage::instance_identity named,
                    std::uint64_t max_instance_bytes);

  void take(std::span<const std::byte> bytes);
  /// All has come: the status to answer with. What is refused leaves no trace in the pack.
  [[nodiscard]] std::uint16_t finish();
  /// The association broke within the object.
  void abandon();

 private:
  enum class stage : std::uint8_t { identifying, writing, refused };

  void identify(std::span<const std::byte> bytes);
  void decide();
  void write(std::span<const std::byte> bytes);
  void refuse(std::uint16_t status, std::string reason);
  void fail_pack(const messages::failure& problem);

  study_table& studies_;
  store_report& report_;
  storage::instance_identity named_;
  std::uint64_t max_bytes_;
  stage stage_ = stage::identifying;
  storage::dataset_scanner scanner_;
  std::vector<std::byte> held_;
  messages::dicom_uid study_uid_;
  known_study* study_ = nullptr;
  std::uint64_t bytes_ = 0;
  std::uint16_t status_ = store_status::success;
  std::string reason_;
};

}  // namespace penstock::dimse
