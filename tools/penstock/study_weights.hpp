#pragma once
// What a study will weigh, by what the project's own studies weigh. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace penstock::commands {

class study_weights {
 public:
  /// One study that the project has.
  void add(const std::string& modality, std::uint64_t bytes, std::uint64_t images);
  /// By images where the PACS counts them, else like a usual study of the modality; of one that the project has none
  /// of, like its others. Nothing when the project has none at all.
  [[nodiscard]] std::optional<std::uint64_t> of(const std::string& modality, std::uint64_t images) const;

 private:
  struct weight {
    std::uint64_t bytes = 0;
    std::uint64_t images = 0;
    std::uint64_t studies = 0;
  };
  std::map<std::string, weight> by_modality_;  ///< of all under ""
};

}  // namespace penstock::commands
