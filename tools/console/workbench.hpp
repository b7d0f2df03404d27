#pragma once
// The console without its terminal and its connection: what is drawn, and what keys and the mouse do.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/client/session.hpp"
#include "tools/console/input.hpp"
#include "tools/console/list_tab.hpp"
#include "tools/console/live.hpp"
#include "tools/console/overlay.hpp"
#include "tools/console/theme.hpp"

namespace penstock::console {

/// What the workbench asks of the world around it.
struct surroundings {
  using answer_handler = std::function<void(const messages::result<nlohmann::json>&)>;
  std::function<void(client::question, answer_handler)> ask;
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

class workbench {
 public:
  static constexpr int least_columns = 80;
  static constexpr int least_rows = 24;
  /// Of one question to the server.
  static constexpr std::size_t most_at_once = 1000;

  workbench(live_project& project, std::string user, surroundings around);

  void draw(canvas& on);
  void take(const input_event& event, const canvas& shown);
  /// Takes in what has changed in the project.
  void refresh();
  void set_link(link_words link) { link_ = std::move(link); }
  /// A line for the person, until the next key.
  void say(std::string text, role look = role::plain);
  [[nodiscard]] theme current_theme() const { return theme_; }
  void set_theme(theme which) { theme_ = which; }

 private:
  [[nodiscard]] list_tab& tab() { return in_repository_ ? repository_ : requests_; }
  [[nodiscard]] const list_tab& tab() const { return in_repository_ ? repository_ : requests_; }
  [[nodiscard]] places here() const;
  void take_key(const key_press& key);
  void do_action(action what);
  bool do_common(action what);
  void do_requests(action what);
  void do_repository(action what);
  void open_row();
  void show_request();
  void change_requests(const std::string& command, const std::string& done, const nlohmann::json& more = {});
  void ask_to_delete();
  void send_change(const std::string& command, nlohmann::json args, const std::string& done);
  void move_priority(bool higher);
  void ask_for_numbers();
  void filter_numbers(const std::string& pasted);
  void ask_for_export();
  void write_export(const std::string& path);
  void copy(const std::string& text, const std::string& what);
  void draw_header(canvas& on);
  void draw_tab_summary(canvas& on, int y);
  void draw_footer(canvas& on, int y);

  live_project& project_;
  std::string user_;
  surroundings around_;
  list_tab requests_;
  list_tab repository_;
  bool in_repository_ = false;
  bool mouse_ = true;
  theme theme_ = theme::dark;
  link_words link_;
  std::unique_ptr<overlay> over_;
  std::string said_;
  role said_look_ = role::plain;
};

}  // namespace penstock::console
