#pragma once
// A passphrase that a person types: shown as dots, kept in locked memory that is wiped.

#include "storage/secret_bytes.hpp"
#include "tools/client/user_key.hpp"
#include "tools/console/canvas.hpp"
#include "tools/console/input.hpp"

namespace penstock::console {

class hidden_field {
 public:
  static constexpr std::size_t most_bytes = 1024;

  [[nodiscard]] std::string_view reveal() const;
  [[nodiscard]] client::secret_text secret() const { return client::secret_text::copy_of(reveal()); }
  [[nodiscard]] bool empty() const { return used_ == 0; }
  /// False when the key is none of a field's.
  bool take(const key_press& key);
  /// Up to the first line end; what is over the limit is left out.
  void paste(std::string_view text);
  void draw(canvas& on, const rect& where, const ink& look, bool focused) const;

 private:
  storage::secret_bytes bytes_ = storage::secret_bytes::of_size(most_bytes);
  std::size_t used_ = 0;
};

}  // namespace penstock::console
