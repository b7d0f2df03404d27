#pragma once
// The catalogue of one cache shard: which instances are in which pack. One owner thread writes, any thread reads. A cut
// log after a crash may lose the newest study; the shard then finds its pack without rows and reads it again.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "storage/catalogue_rows.hpp"
#include "storage/row_store.hpp"

namespace penstock::storage {

struct catalogue_totals {
  std::uint64_t studies = 0;
  std::uint64_t packs = 0;
  std::uint64_t instances = 0;
  std::uint64_t pack_bytes = 0;
};

class catalogue {
 public:
  [[nodiscard]] static messages::result<catalogue> open(const std::filesystem::path& directory);

  /// Adds or replaces rows in one synced batch. An instance that was in another pack is from then on in this one.
  /// errc::bad_request unless every row is of the same PACS and study and every instance's pack is known or given.
  [[nodiscard]] messages::result<void> put_study(const std::vector<catalogued_pack>& packs,
                                                 const std::vector<catalogued_instance>& instances);
  /// Removes the study's rows in one synced batch and returns the packs that nothing points to any more. Nothing known:
  /// an empty list.
  [[nodiscard]] messages::result<std::vector<catalogued_pack>> remove_study(std::string_view pacs,
                                                                            const messages::dicom_uid& study);
  /// A pack that a check condemned; nothing is served from it.
  [[nodiscard]] messages::result<void> quarantine_pack(std::string_view pacs, const messages::dicom_uid& study,
                                                       std::string_view pack_id);

  [[nodiscard]] messages::result<std::vector<catalogued_pack>> packs_of(std::string_view pacs,
                                                                        const messages::dicom_uid& study) const;
  /// In the order of series UID, then SOP Instance UID.
  [[nodiscard]] messages::result<std::vector<catalogued_instance>> instances_of(std::string_view pacs,
                                                                                const messages::dicom_uid& study) const;
  [[nodiscard]] messages::result<std::optional<catalogued_instance>> find_instance(
      std::string_view pacs, const messages::dicom_uid& study, const messages::dicom_uid& series,
      const messages::dicom_uid& sop_instance) const;
  /// Calls `visit` for each study, in key order, until it returns false.
  [[nodiscard]] messages::result<void> scan_studies(const std::function<bool(const catalogued_study&)>& visit) const;
  /// The first study in key order after this one; empty ids: the first of all. Nothing: there is none.
  [[nodiscard]] messages::result<std::optional<catalogued_study>> study_after(std::string_view pacs,
                                                                              const messages::dicom_uid& study) const;
  /// By counting: proportional to the number of packs.
  [[nodiscard]] messages::result<catalogue_totals> totals() const;

 private:
  explicit catalogue(std::shared_ptr<row_store> store) : store_(std::move(store)) {}
  std::shared_ptr<row_store> store_;
};

}  // namespace penstock::storage
