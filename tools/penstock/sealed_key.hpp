#pragma once
// The researcher's own key of a sealed download: a passphrase or a key file.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "messages/result.hpp"
#include "storage/key_wrap.hpp"
#include "storage/secret_bytes.hpp"
#include "tools/client/user_key.hpp"

namespace penstock::commands {

using messages::result;

constexpr std::size_t least_passphrase_characters = 8;

struct key_flags {
  std::string key_file;
  std::string passphrase_file;
};

/// --key-file and --passphrase-file, of which one may be given; without them the passphrase is asked for.
void add_key_flags(CLI::App& command, key_flags& flags);

class researcher_key {
 public:
  /// For a new download: a passphrase is asked for twice. errc::bad_request when it is too short.
  static result<researcher_key> choose(const key_flags& flags);
  /// For a download that is here, as `wrapped` wants it.
  static result<researcher_key> recall(const key_flags& flags, const storage::wrapped_key& wrapped);

  [[nodiscard]] result<storage::wrapped_key> wrap(const storage::secret_bytes& data_key,
                                                  const std::string& download) const;
  [[nodiscard]] result<storage::secret_bytes> unwrap(const storage::wrapped_key& wrapped,
                                                     const std::string& download) const;

 private:
  client::secret_text passphrase_;
  std::optional<storage::secret_bytes> file_key_;
};

}  // namespace penstock::commands
