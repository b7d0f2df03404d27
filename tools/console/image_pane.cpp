#include "tools/console/image_pane.hpp"

#include <algorithm>

#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

constexpr double zoom_step = 1.25;
constexpr double pan_step = 0.1;
constexpr int widest_attributes = 60;

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts)
    if (!part.empty()) text += (text.empty() ? "" : " · ") + part;
  return text;
}

std::string decimal(double value) {
  const auto tenths = static_cast<int>(value * 10 + 0.5);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

}  // namespace

bool image_pane::wish::operator==(const wish& other) const {
  const auto same_window = [&] {
    if (!window || !other.window) return window.has_value() == other.window.has_value();
    return window->centre == other.window->centre && window->width == other.window->width;
  };
  return place == other.place && frame == other.frame && preset == other.preset && same_window();
}

void image_pane::show(const image_choice& which) {
  if (choice_ && choice_->place == which.place) return;
  if (!choice_ || choice_->series != which.series) {
    view_ = {};
    preset_ = 0;
    own_window_.reset();
    image_.reset();
  }
  choice_ = which;
  frame_ = 0;
  want();
}

void image_pane::clear() {
  choice_.reset();
  image_.reset();
  attributes_.clear();
  attributes_of_.reset();
  problem_.clear();
  playing_ = false;
}

void image_pane::want() {
  if (choice_ && !asked_) ask();
}

void image_pane::ask() {
  const wish now{choice_->place, frame_, preset_, own_window_};
  asked_ = now;
  commands::rendering how{frame_, own_window_ ? own_window_ : window_presets.at(preset_).window,
                          !own_window_ && window_presets.at(preset_).full_range};
  files_.draw(now.place, how, [this, now](const result<decoded_image>& drawn) { take(now, drawn); });
}

/// Only the newest wish matters: those between were never asked.
void image_pane::take(const wish& asked, const result<decoded_image>& drawn) {
  asked_.reset();
  if (!choice_) return;
  if (choice_->place.folder == asked.place.folder) {
    problem_ = drawn ? "" : drawn.error().context;
    image_ = drawn ? std::make_shared<const decoded_image>(*drawn) : nullptr;
  }
  if (!(asked == wish{choice_->place, frame_, preset_, own_window_})) return ask();
  if (!drawn) playing_ = false;
  want_attributes();
}

void image_pane::want_attributes() {
  if (playing_ || reading_attributes_ || !choice_) return;
  if (attributes_of_ && attributes_of_->place == choice_->place) return;
  reading_attributes_ = true;
  const auto which = *choice_;
  files_.read_attributes(which.place, [this, which](const result<std::vector<commands::attribute>>& read) {
    reading_attributes_ = false;
    attributes_ = read ? *read : std::vector<commands::attribute>{};
    attributes_of_ = which;
    want_attributes();
  });
}

std::optional<grey_window> image_pane::window() const {
  if (own_window_) return own_window_;
  if (const auto& chosen = window_presets.at(preset_).window) return chosen;
  return image_ ? image_->window : std::nullopt;
}

void image_pane::change_window(int centre_steps, int width_steps) {
  const auto now = window();
  if (!now) return;
  own_window_ = changed_window(*now, centre_steps, width_steps);
  want();
}

void image_pane::next_preset(std::size_t by) {
  preset_ = (preset_ + by) % window_presets.size();
  own_window_.reset();
  want();
}

void image_pane::go_to_frame(int by, bool round) {
  const auto frames = static_cast<int>(image_ ? image_->frames : 1);
  auto next = static_cast<int>(frame_) + by;
  if (round) next = (next + frames) % frames;
  frame_ = static_cast<std::uint32_t>(std::clamp(next, 0, frames - 1));
  want();
}

void image_pane::play() {
  playing_ = !playing_ && choice_.has_value();
  drawn_since_tick_ = true;
  if (playing_)
    tick();
  else
    want_attributes();
}

/// Ends by itself when nobody sees it any more.
void image_pane::tick() {
  if (!playing_ || !drawn_since_tick_) {
    playing_ = false;
    return;
  }
  drawn_since_tick_ = false;
  if (!asked_) {
    const bool many_frames = image_ && image_->frames > 1;
    if (many_frames)
      go_to_frame(1, true);
    else if (!step_(1, true))
      playing_ = false;
  }
  files_.call_after(std::chrono::milliseconds{1000 / rate_}, [this] { tick(); });
}

void image_pane::set_rate(int rate) { rate_ = std::clamp(rate, least_rate, most_rate); }

bool image_pane::act_on_window(action what) {
  switch (what) {
    case action::window_wider:
    case action::window_narrower:
      change_window(0, what == action::window_wider ? 1 : -1);
      return true;
    case action::centre_up:
    case action::centre_down:
      change_window(what == action::centre_up ? 1 : -1, 0);
      return true;
    case action::next_preset:
      next_preset(1);
      return true;
    case action::previous_preset:
      next_preset(window_presets.size() - 1);
      return true;
    default:
      return false;
  }
}

bool image_pane::act_on_view(action what) {
  switch (what) {
    case action::invert_picture:
      view_.inverted = !view_.inverted;
      return true;
    case action::zoom_in:
      view_.zoom_by(zoom_step);
      return true;
    case action::zoom_out:
      view_.zoom_by(1 / zoom_step);
      return true;
    case action::reset_picture:
      view_ = {};
      preset_ = 0;
      own_window_.reset();
      want();
      return true;
    case action::pan_left:
    case action::pan_right:
      view_.pan_by(what == action::pan_right ? pan_step : -pan_step, 0);
      return true;
    case action::pan_up:
    case action::pan_down:
      view_.pan_by(0, what == action::pan_down ? pan_step : -pan_step);
      return true;
    case action::show_attributes:
      attributes_shown_ = !attributes_shown_;
      attributes_top_ = 0;
      return true;
    default:
      return false;
  }
}

bool image_pane::act_on_time(action what) {
  switch (what) {
    case action::next_image:
    case action::previous_image:
      step_(what == action::next_image ? 1 : -1, false);
      return true;
    case action::next_frame:
    case action::previous_frame:
      go_to_frame(what == action::next_frame ? 1 : -1, false);
      return true;
    case action::play:
      play();
      return true;
    case action::faster:
    case action::slower:
      set_rate(rate_ + (what == action::faster ? 1 : -1));
      return true;
    default:
      return false;
  }
}

bool image_pane::act(action what) { return act_on_window(what) || act_on_view(what) || act_on_time(what); }

void image_pane::scroll_attributes(int by) {
  attributes_top_ = std::clamp(attributes_top_ + by, 0, std::max(0, static_cast<int>(attributes_.size()) - 1));
}

/// Across: the width. Up: brighter. With shift: the part that is seen.
void image_pane::take_mouse(const mouse_event& event, const rect& where) {
  if (event.kind == mouse_kind::wheel_up || event.kind == mouse_kind::wheel_down) {
    step_(event.kind == mouse_kind::wheel_down ? 1 : -1, false);
    return;
  }
  if (event.kind == mouse_kind::drag && dragged_from_) {
    const int across = event.x - dragged_from_->x;
    const int down = event.y - dragged_from_->y;
    if (event.shift)
      view_.pan_by(-static_cast<double>(across) / where.width, -static_cast<double>(down) / where.height);
    else
      change_window(down, across);
  }
  dragged_from_ = event.kind == mouse_kind::release ? std::nullopt : std::optional{event};
}

std::string image_pane::heading() const {
  const auto value = [&](const char* keyword) { return commands::value_of(attributes_, keyword); };
  std::vector<std::string> parts{choice_->title};
  if (image_) parts.push_back(std::to_string(image_->width) + " x " + std::to_string(image_->height));
  // What was read of another image of the series still holds for these.
  if (attributes_of_ && attributes_of_->series == choice_->series && !attributes_.empty())
    for (const auto& text : {value("PatientName"), commands::study_time(value("StudyDate"), ""),
                             value("StudyDescription"), value("SeriesDescription")})
      parts.push_back(text);
  return joined(parts);
}

void image_pane::draw_picture(canvas& on, const rect& where) {
  on.on_mouse(where, [this, where](const mouse_event& event) { take_mouse(event, where); });
  if (!problem_.empty()) {
    on.put(where.x + 1, where.y + where.height / 2, where.width - 2, problem_, {role::bad, role::plain, true});
    return;
  }
  if (!image_) {
    on.put(where.x + 1, where.y + where.height / 2, where.width - 2, "decoding…", {role::busy});
    return;
  }
  const bool same =
      cells_of_ == image_ && cells_view_ == view_ && cells_.columns == where.width && cells_.rows == where.height;
  if (!same) cells_ = cells_of(*image_, view_, where.width, where.height);
  cells_of_ = image_;
  cells_view_ = view_;
  draw_cells(on, where.x, where.y, cells_);
}

void image_pane::draw_attributes(canvas& on, const rect& where) {
  on.fill(where, {role::plain, role::panel});
  on.on_mouse(where, [this](const mouse_event& event) {
    if (event.kind == mouse_kind::wheel_up) scroll_attributes(-3);
    if (event.kind == mouse_kind::wheel_down) scroll_attributes(3);
  });
  const bool read = attributes_of_ && attributes_of_->place == choice_->place;
  if (!read || attributes_.empty()) {
    const auto* why = read ? "no attributes can be read" : playing_ ? "not read while it plays" : "reading…";
    on.put(where.x + 1, where.y, where.width - 1, why, {role::faint, role::panel});
    return;
  }
  for (int i = 0; i < where.height; ++i) {
    const auto index = static_cast<std::size_t>(attributes_top_ + i);
    if (index >= attributes_.size()) return;
    on.put(where.x + 1, where.y + i, where.width - 1, commands::line_for(attributes_[index]),
           {role::plain, role::panel});
  }
}

/// Each part is a button, too.
void image_pane::draw_state(canvas& on, const rect& where) {
  const auto now = window();
  const auto preset = own_window_ ? "by hand" : std::string{window_presets.at(preset_).name};
  const auto frames = image_ ? image_->frames : 1;
  const std::pair<std::string, action> parts[] = {
      {now ? "w " + text_of(*now) + " " + preset : "", action::next_preset},
      {"x" + decimal(view_.zoom), action::zoom_in},
      {view_.inverted ? "inverted" : "normal", action::invert_picture},
      {frames > 1 ? "frame " + std::to_string(frame_ + 1) + "/" + std::to_string(frames) : "", action::next_frame},
      {(playing_ ? "▶" : "■") + std::to_string(rate_) + "/s", action::play},
      {"attributes", action::show_attributes}};
  int x = where.x + 1;
  for (const auto& [text, does] : parts) {
    if (text.empty()) continue;
    const int width = on.put(x, where.y, where.x + where.width - x, text, {role::faint});
    on.on_mouse({x, where.y, width, 1}, [this, what = does](const mouse_event& event) {
      if (event.kind == mouse_kind::press) act(what);
    });
    x += width + 2;
  }
}

void image_pane::draw(canvas& on, const rect& where, bool focused) {
  drawn_since_tick_ = true;
  if (!choice_) {
    on.put(where.x + 1, where.y + where.height / 2, where.width - 2, "Choose an image on the left.", {role::faint});
    return;
  }
  on.put(where.x + 1, where.y, where.width - 2, heading(),
         {focused ? role::accent : role::plain, role::plain, focused});
  rect middle{where.x, where.y + 1, where.width, where.height - 2};
  if (attributes_shown_) {
    rect beside = middle;
    if (where.width >= columns_for_both) {
      beside.width = std::min(widest_attributes, where.width / 2);
      beside.x = where.x + where.width - beside.width;
      middle.width -= beside.width;
      draw_picture(on, middle);
    }
    draw_attributes(on, beside);
  } else {
    draw_picture(on, middle);
  }
  draw_state(on, {where.x, where.y + where.height - 1, where.width, 1});
}

}  // namespace penstock::console
