#pragma once
// Texts that many rows have in common, each kept once: reasons, institutions, states.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace penstock::console {

class text_pool {
 public:
  using number = std::uint32_t;

  /// To be released as often as it was kept.
  [[nodiscard]] number keep(std::string_view text);
  void release(number which);
  /// Valid until it is released.
  [[nodiscard]] std::string_view at(number which) const { return texts_[which].text; }
  [[nodiscard]] std::size_t size() const { return numbers_.size(); }

 private:
  struct entry {
    std::string text;
    std::size_t uses = 0;
  };
  std::deque<entry> texts_;  ///< stay where they are: `numbers_` looks into them
  std::vector<number> free_;
  std::unordered_map<std::string_view, number> numbers_;
};

}  // namespace penstock::console
