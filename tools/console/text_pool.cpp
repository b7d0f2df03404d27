#include "tools/console/text_pool.hpp"

namespace penstock::console {

text_pool::number text_pool::keep(std::string_view text) {
  if (const auto known = numbers_.find(text); known != numbers_.end()) {
    ++texts_[known->second].uses;
    return known->second;
  }
  if (free_.empty()) {
    free_.push_back(static_cast<number>(texts_.size()));
    texts_.emplace_back();
  }
  const auto which = free_.back();
  free_.pop_back();
  texts_[which] = {std::string{text}, 1};
  numbers_.emplace(texts_[which].text, which);
  return which;
}

void text_pool::release(number which) {
  if (--texts_[which].uses != 0) return;
  numbers_.erase(texts_[which].text);
  texts_[which] = {};
  free_.push_back(which);
}

}  // namespace penstock::console
