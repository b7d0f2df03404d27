#pragma once
// The console without its terminal and its connection: what is drawn, and what keys and the mouse do.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/console/tab.hpp"
#include "tools/console/theme.hpp"

namespace penstock::console {

/// What the workbench asks of the world around it.
struct surroundings {
  std::function<void(client::question, desk::answer_handler)> ask;
  std::function<void(const std::string&, desk::event_handler)> follow;
  std::function<void(const std::string&, std::chrono::milliseconds, std::function<void()>)> later;
  std::function<void()> read_again;
  std::function<bool(std::string_view)> copy;
  std::function<void(bool)> take_mouse;
  std::function<void()> repaint;
  std::function<void()> suspend;
  std::function<void()> quit;
};

/// How the connection fares, in words for the header.
struct link_words {
  bool live = true;
  std::string text = "live";
};

class workbench : public desk {
 public:
  static constexpr int least_columns = 80;
  static constexpr int least_rows = 24;

  /// `who`: the project, if there is one, and the user, for the header.
  workbench(std::string who, surroundings around) : who_(std::move(who)), around_(std::move(around)) {}

  /// In the order of the header; the first is shown until the person chooses another. At least one.
  void add(std::unique_ptr<tab> one) { tabs_.push_back(std::move(one)); }
  void draw(canvas& on);
  void take(const input_event& event, const canvas& shown);
  void refresh();
  void set_link(link_words link) { link_ = std::move(link); }
  [[nodiscard]] theme current_theme() const { return theme_; }
  void set_theme(theme which) { theme_ = which; }

  void ask(client::question what, answer_handler then) override { around_.ask(std::move(what), std::move(then)); }
  void follow(const std::string& topic, event_handler then) override { around_.follow(topic, std::move(then)); }
  void later(const std::string& name, std::chrono::milliseconds wait, std::function<void()> then) override {
    around_.later(name, wait, std::move(then));
  }
  void read_again() override { around_.read_again(); }
  bool copy(std::string_view text) override { return around_.copy(text); }
  void say(std::string text, role look = role::plain) override;
  void lay_over(std::unique_ptr<overlay> what) override { over_ = std::move(what); }
  [[nodiscard]] bool covered() const override { return over_ != nullptr; }
  void show(action tab) override;

 private:
  [[nodiscard]] tab& shown_tab() const { return *tabs_[shown_]; }
  [[nodiscard]] places here() const;
  [[nodiscard]] bool has_tab(action shown_by) const;
  void take_key(const key_press& key);
  void do_action(action what);
  bool do_common(action what);
  void draw_header(canvas& on);
  int draw_tab_names(canvas& on, int needed_beside);
  void draw_footer(canvas& on, int y);
  void draw_footer_parts(canvas& on, int y, int width);

  std::string who_;
  surroundings around_;
  std::vector<std::unique_ptr<tab>> tabs_;
  std::size_t shown_ = 0;
  bool mouse_ = true;
  theme theme_ = theme::dark;
  link_words link_;
  std::unique_ptr<overlay> over_;
  std::string said_;
  role said_look_ = role::plain;
};

}  // namespace penstock::console
