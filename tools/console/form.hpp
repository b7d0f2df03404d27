#pragma once
// An overlay of several fields: lines of text, a passphrase, a choice. Enter accepts when nothing is missing, else goes
// on.

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "tools/console/hidden_field.hpp"
#include "tools/console/overlay.hpp"

namespace penstock::console {

/// One of a few words.
struct choice_field {
  std::vector<std::string> words;
  std::size_t chosen = 0;
};

class form : public overlay {
 public:
  struct field {
    std::string label;
    std::variant<text_field, hidden_field, choice_field> value;
    /// Fields that do not matter now are not shown; nothing: always.
    std::function<bool(const form&)> matters{};
  };
  /// Gives what is wrong with the answers, and the form stays; or "" and it is closed. Lays nothing over it itself.
  using accept = std::function<std::string(const form&)>;
  /// What is said below the fields as they are now.
  using explain = std::function<std::vector<std::string>(const form&)>;

  form(std::string title, std::vector<field> fields, std::string yes, explain says, accept then);
  void draw(canvas& on) override;
  void take(const key_press& key) override;
  void paste(const std::string& text) override;
  [[nodiscard]] std::string hint() const override { return "Tab next  Left Right choose  Enter go on  Escape back"; }

  [[nodiscard]] const std::string& text(std::size_t which) const;
  [[nodiscard]] const hidden_field& secret(std::size_t which) const;
  [[nodiscard]] std::size_t choice(std::size_t which) const;

 private:
  [[nodiscard]] bool matters(std::size_t which) const;
  [[nodiscard]] std::size_t button() const { return fields_.size(); }
  void go(int by);
  void press();
  void press_or_go_on();
  [[nodiscard]] bool is_filled(std::size_t which) const;
  void draw_field(canvas& on, const rect& where, std::size_t which);
  void draw_choice(canvas& on, const rect& where, std::size_t which);

  std::string title_;
  std::vector<field> fields_;
  std::string yes_;
  explain says_;
  accept then_;
  std::string problem_;
  std::size_t at_ = 0;
};

}  // namespace penstock::console
