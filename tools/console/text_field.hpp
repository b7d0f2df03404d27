#pragma once
// Text that a person types or pastes: one line, or a box of lines.

#include <string>
#include <string_view>

#include "tools/console/canvas.hpp"
#include "tools/console/input.hpp"

namespace penstock::console {

class text_field {
 public:
  explicit text_field(bool many_lines = false, std::size_t most_bytes = 4096)
      : many_lines_(many_lines), most_bytes_(most_bytes) {}

  /// One line that is filled in already.
  static text_field with(std::string text) {
    text_field made;
    made.set_text(std::move(text));
    return made;
  }

  [[nodiscard]] const std::string& text() const { return text_; }
  void set_text(std::string text);
  /// False when the key is none of a text field's. Enter is a new line in a box only.
  bool take(const key_press& key);
  /// Line ends become blanks in one line; what is over the limit is left out.
  void paste(std::string_view text);
  /// `typed_here`: shows the cursor.
  void draw(canvas& on, const rect& where, const ink& look, bool typed_here = true) const;

 private:
  void insert(std::string_view text);
  void move(int by);

  bool many_lines_;
  std::size_t most_bytes_;
  std::string text_;
  std::size_t at_ = 0;  ///< byte before which is typed
};

}  // namespace penstock::console
