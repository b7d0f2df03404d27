#pragma once
// What lies over a tab until it is answered: questions, facts, typed text, the palette of commands.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/console/canvas.hpp"
#include "tools/console/input.hpp"
#include "tools/console/keys.hpp"
#include "tools/console/text_field.hpp"

namespace penstock::console {

class overlay {
 public:
  virtual ~overlay() = default;
  virtual void draw(canvas& on) = 0;
  virtual void take(const key_press& key) = 0;
  virtual void paste(const std::string&) {}
  [[nodiscard]] bool closed() const { return closed_; }
  /// What the footer says.
  [[nodiscard]] virtual std::string hint() const = 0;

 protected:
  void close() { closed_ = true; }
  void reopen() { closed_ = false; }

 private:
  bool closed_ = false;
};

/// A place that is pressed, by the mouse too; how many columns it took.
int draw_button(canvas& on, int x, int y, const std::string& label, bool chosen, std::function<void()> press);

/// Asks before something that cannot be undone; No is chosen until the person says otherwise.
class question_box : public overlay {
 public:
  question_box(std::string title, std::vector<std::string> lines, std::string yes, std::function<void()> on_yes);
  void draw(canvas& on) override;
  void take(const key_press& key) override;
  [[nodiscard]] std::string hint() const override { return "Tab other button  Enter press  y yes  n no  Escape back"; }

 private:
  void press(bool yes);
  std::string title_;
  std::vector<std::string> lines_;
  std::string yes_;
  std::function<void()> on_yes_;
  bool yes_chosen_ = false;
};

/// Lines to read, with a scroll.
class fact_box : public overlay {
 public:
  fact_box(std::string title, std::vector<std::string> lines);
  void draw(canvas& on) override;
  void take(const key_press& key) override;
  [[nodiscard]] std::string hint() const override { return "Up Down PageUp PageDown scroll  Escape back"; }

 private:
  void scroll(int by);
  std::string title_;
  std::vector<std::string> lines_;
  int top_ = 0;
  int page_ = 1;
};

/// One line, which Enter accepts, or a box of lines, which Ctrl-S accepts.
class text_box : public overlay {
 public:
  text_box(std::string title, std::string explanation, text_field field, std::function<void(const std::string&)> then,
           bool many_lines);
  void draw(canvas& on) override;
  void take(const key_press& key) override;
  void paste(const std::string& text) override { field_.paste(text); }
  [[nodiscard]] std::string hint() const override {
    return many_lines_ ? "Ctrl-S take it  Ctrl-U empty it  Escape back" : "Enter take it  Escape back";
  }

 private:
  void accept();
  std::string title_;
  std::string explanation_;
  text_field field_;
  std::function<void(const std::string&)> then_;
  bool many_lines_;
};

/// The commands of a place with their keys: search, and Enter runs one.
class palette : public overlay {
 public:
  /// `offered`: whether this person has the command; nothing: all of them.
  palette(std::string title, places here, std::function<void(action)> run,
          std::function<bool(action)> offered = nullptr);
  void draw(canvas& on) override;
  void take(const key_press& key) override;
  void paste(const std::string& text) override;
  [[nodiscard]] std::string hint() const override { return "type to search  Up Down choose  Enter run  Escape back"; }

 private:
  void run(std::size_t which);
  void search();
  std::string title_;
  places here_;
  std::function<void(action)> run_;
  std::function<bool(action)> offered_;
  text_field pattern_;
  std::vector<const binding*> found_;
  std::size_t cursor_ = 0;
  std::size_t top_ = 0;
};

}  // namespace penstock::console
