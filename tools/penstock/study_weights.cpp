#include "tools/penstock/study_weights.hpp"

namespace penstock::commands {

void study_weights::add(const std::string& modality, std::uint64_t bytes, std::uint64_t images) {
  for (const auto& name : {std::string{}, modality}) {
    auto& sum = by_modality_[name];
    sum.bytes += bytes;
    sum.images += images;
    ++sum.studies;
  }
}

std::optional<std::uint64_t> study_weights::of(const std::string& modality, std::uint64_t images) const {
  auto like = by_modality_.find(modality);
  if (like == by_modality_.end()) like = by_modality_.find("");
  if (like == by_modality_.end() || like->second.images == 0) return std::nullopt;
  const auto& [bytes, known_images, studies] = like->second;
  return images == 0 ? bytes / studies : bytes / known_images * images;
}

}  // namespace penstock::commands
