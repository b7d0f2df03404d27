#include "tools/console/frame.hpp"

#include "tools/penstock/picture.hpp"

namespace penstock::console {
namespace {

/// Of two pixels of a picture where there is no colour: the denser, the brighter.
std::string text_without_colour(const ink& look) {
  const auto part = [](std::uint32_t a, std::uint32_t b, int shift) {
    return static_cast<std::uint8_t>(((a >> shift & 0xff) + (b >> shift & 0xff)) / 2);
  };
  const auto upper = look.text_rgb.value_or(0);
  const auto lower = look.ground_rgb.value_or(0);
  return {commands::character_for({part(upper, lower, 16), part(upper, lower, 8), part(upper, lower, 0)})};
}

constexpr std::string_view begin_frame = "\x1b[?2026h";
constexpr std::string_view end_frame = "\x1b[?2026l";

class frame_writer {
 public:
  frame_writer(theme which, colour_depth depth) : theme_(which), depth_(depth) {}

  void clear(const ink& look) {
    select(look);
    text_ += "\x1b[2J";
  }
  void put(int x, int y, const cell& one) {
    if (x != x_ || y != y_) move(x, y);
    const bool colourless = one.look.ground_rgb && (theme_ == theme::mono || depth_ == colour_depth::mono);
    select(colourless ? ink{} : one.look);
    const auto text = colourless ? text_without_colour(one.look) : one.text;
    text_ += text;
    const bool ascii = text.size() == 1;
    x_ = ascii ? x + 1 : -1;
  }
  void place_cursor(const std::optional<std::pair<int, int>>& where) {
    if (where) move(where->first, where->second);
    text_ += where ? "\x1b[?25h" : "\x1b[?25l";
  }
  [[nodiscard]] std::string taken() const {
    return text_.empty() ? text_ : std::string{begin_frame} + text_ + std::string{end_frame};
  }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  void move(int x, int y) {
    text_ += "\x1b[" + std::to_string(y + 1) + ";" + std::to_string(x + 1) + "H";
    x_ = x;
    y_ = y;
  }
  void select(const ink& look) {
    auto sequence = sequence_of(look, theme_, depth_);
    if (sequence == selected_) return;
    text_ += sequence;
    selected_ = std::move(sequence);
  }

  theme theme_;
  colour_depth depth_;
  std::string text_;
  std::string selected_;
  int x_ = -1;
  int y_ = -1;
};

}  // namespace

std::string frame_between(const canvas& shown, const canvas& next, theme which, colour_depth depth) {
  frame_writer to{which, depth};
  const bool all = shown.columns() != next.columns() || shown.rows() != next.rows();
  if (all) to.clear({});
  for (int y = 0; y < next.rows(); ++y)
    for (int x = 0; x < next.columns(); ++x) {
      const auto& now = next.at(x, y);
      if (now.text.empty()) continue;
      const bool wide = x + 1 < next.columns() && next.at(x + 1, y).text.empty();
      const bool same =
          all ? now == cell{} : shown.at(x, y) == now && (!wide || shown.at(x + 1, y) == next.at(x + 1, y));
      if (!same) to.put(x, y, now);
    }
  if (to.empty() && shown.cursor() == next.cursor()) return {};
  to.place_cursor(next.cursor());
  return to.taken();
}

}  // namespace penstock::console
