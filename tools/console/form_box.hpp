#pragma once
// A form over the tab: lines to paste, text, check boxes, one of several; its last two stops are its buttons.

#include <functional>
#include <string>
#include <vector>

#include "tools/console/overlay.hpp"

namespace penstock::console {

struct form_option {
  std::string label;
  std::string value{};
  bool chosen = false;
};

struct form_field {
  enum class kind {
    lines,   ///< a box of lines
    line,    ///< one line
    checks,  ///< any of the options
    one_of   ///< one of the options
  };
  kind is = kind::line;
  std::string title;
  std::string explanation{};
  text_field text{};
  std::vector<form_option> options{};
  std::size_t cursor = 0;  ///< option that keys act on

  /// The values of the options that are chosen.
  [[nodiscard]] std::vector<std::string> chosen() const;
};

/// No stands before the other button, and Enter never presses that one unless the person went there.
class form_box : public overlay {
 public:
  static constexpr int columns_wide = 78;
  static constexpr int most_options_seen = 5;
  static constexpr int least_text_rows = 3;

  /// What stands in the way; empty takes the form and closes it.
  using acceptance = std::function<std::string(const std::vector<form_field>&)>;

  form_box(std::string title, std::vector<std::string> facts, std::vector<form_field> fields, std::string yes,
           acceptance on_yes);
  void draw(canvas& on) override;
  void take(const key_press& key) override;
  void paste(const std::string& text) override;
  [[nodiscard]] std::string hint() const override;

 private:
  [[nodiscard]] std::size_t stops() const { return fields_.size() + 2; }
  [[nodiscard]] form_field* focused();
  [[nodiscard]] int rows_of(const form_field& field, int text_rows) const;
  void move_focus(int by);
  void press(bool yes);
  void take_in_options(form_field& field, const key_press& key);
  void choose(form_field& field, std::size_t option);
  void draw_field(canvas& on, const rect& where, std::size_t number);
  void draw_text(canvas& on, const rect& where, form_field& field, bool here);
  void draw_checks(canvas& on, const rect& where, form_field& field, bool here);
  void draw_one_of(canvas& on, const rect& where, form_field& field, bool here);
  void draw_buttons(canvas& on, int x, int y);

  std::string title_;
  std::vector<std::string> facts_;
  std::vector<form_field> fields_;
  std::string yes_;
  acceptance on_yes_;
  std::string problem_;
  std::size_t focus_ = 0;
};

}  // namespace penstock::console
