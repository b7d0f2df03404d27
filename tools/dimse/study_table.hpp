#pragma once
// The studies that this association stores: what the parent decided, and the pack of each.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "messages/dimse_inbound.hpp"
#include "storage/pack_writer.hpp"
#include "tools/dimse/session.hpp"
#include "tools/dimse/store_report.hpp"

namespace penstock::dimse {

/// A study that the parent has decided on.
struct known_study {
  messages::store_decision decision;
  std::optional<storage::pack_writer> pack;
  std::uint64_t last_use = 0;
};

class study_table {
 public:
  /// Studies remembered at once. The one unused for longest makes room, and is asked for again if it comes back.
  static constexpr std::size_t most_studies = 16;

  study_table(session& with, const messages::accept_job& job, store_report& report, std::string calling_ae)
      : session_(with), job_(job), report_(report), calling_ae_(std::move(calling_ae)) {}

  /// What was decided on the study; asks the parent, and waits for it, when that is not known. Null when the parent
  /// does not answer in time, is gone, or wants the association to stop.
  [[nodiscard]] known_study* find_or_ask(const messages::dicom_uid& study,
                                         const messages::medical_record_number& patient);
  [[nodiscard]] known_study* find(const messages::dicom_uid& study);

  /// The pack cannot be written any more: lets go of it and refuses the rest of the study.
  void give_up(known_study& study, const messages::failure& problem);
  /// Heeds what the parent has said; only between objects, or before one has touched its pack.
  void heed_messages();
  /// Lets go of all packs and says so.
  void close_all();
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  void heed(storage::dimse_packet packet);
  void decide(storage::dimse_packet packet);
  void close(const messages::dicom_uid& study);
  void let_go(known_study& study, const std::string& problem);
  void make_room();

  session& session_;
  const messages::accept_job& job_;
  store_report& report_;
  std::string calling_ae_;
  std::map<messages::dicom_uid, known_study> studies_;
  std::optional<messages::dicom_uid> asked_;
  std::uint64_t uses_ = 0;
  bool stopped_ = false;
};

}  // namespace penstock::dimse
