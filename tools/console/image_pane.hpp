#pragma once
// One image and how it is looked at: window, zoom, frames, cine, and its attributes beside it.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/console/keys.hpp"
#include "tools/console/local_files.hpp"
#include "tools/console/picture_view.hpp"

namespace penstock::console {

/// An image, or none.
struct image_choice {
  image_place place;
  std::string title;   ///< "series 2  CT  image 3 of 9"
  std::string series;  ///< the window and the zoom are kept as long as this is the same
};

class image_pane {
 public:
  static constexpr int least_rate = 1;
  static constexpr int most_rate = 30;
  /// From so many columns on the attributes stand beside the picture, else in its place.
  static constexpr int columns_for_both = 90;

  /// `step`: another image of the series by so many, round its ends or not; false when there is none.
  image_pane(local_files& files, std::function<bool(int, bool)> step) : files_(files), step_(std::move(step)) {}

  void show(const image_choice& which);
  void clear();
  [[nodiscard]] bool shows_any() const { return choice_.has_value(); }
  [[nodiscard]] bool shows_attributes() const { return attributes_shown_; }
  /// False when the action is none of a picture's.
  bool act(action what);
  void scroll_attributes(int by);
  void draw(canvas& on, const rect& where, bool focused);

  [[nodiscard]] bool playing() const { return playing_; }
  /// What the picture is drawn with now, if it is known.
  [[nodiscard]] std::optional<grey_window> window() const;

 private:
  struct wish {
    image_place place;
    std::uint32_t frame = 0;
    std::size_t preset = 0;
    std::optional<grey_window> window;  ///< in place of the preset's
    bool operator==(const wish& other) const;
  };
  bool act_on_window(action what);
  bool act_on_view(action what);
  bool act_on_time(action what);
  void want();
  void ask();
  void take(const wish& asked, const result<decoded_image>& drawn);
  void want_attributes();
  void change_window(int centre_steps, int width_steps);
  void next_preset(std::size_t by);
  void go_to_frame(int by, bool round);
  void play();
  void tick();
  void set_rate(int rate);
  void take_mouse(const mouse_event& event, const rect& where);
  void draw_picture(canvas& on, const rect& where);
  void draw_attributes(canvas& on, const rect& where);
  void draw_state(canvas& on, const rect& where);
  [[nodiscard]] std::string heading() const;

  local_files& files_;
  std::function<bool(int, bool)> step_;
  std::optional<image_choice> choice_;
  std::uint32_t frame_ = 0;
  std::size_t preset_ = 0;
  std::optional<grey_window> own_window_;  ///< of the person
  picture_view view_;
  std::optional<wish> asked_;
  std::shared_ptr<const decoded_image> image_;
  std::string problem_;
  std::vector<commands::attribute> attributes_;
  std::optional<image_choice> attributes_of_;
  bool reading_attributes_ = false;
  bool attributes_shown_ = false;
  int attributes_top_ = 0;
  bool playing_ = false;
  int rate_ = 10;
  bool drawn_since_tick_ = false;
  std::optional<mouse_event> dragged_from_;
  picture_cells cells_;
  std::shared_ptr<const decoded_image> cells_of_;
  picture_view cells_view_;
};

}  // namespace penstock::console
