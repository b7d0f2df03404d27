#pragma once
// The researcher's own key of a sealed download: a passphrase, a key file, or the key pair that the server knows.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "messages/result.hpp"
#include "storage/key_wrap.hpp"
#include "storage/secret_bytes.hpp"
#include "tools/client/download_record.hpp"
#include "tools/client/user_key.hpp"

namespace penstock::commands {

using messages::result;

class context;

struct key_flags {
  std::string key_file;
  std::string passphrase_file;

  [[nodiscard]] bool empty() const { return key_file.empty() && passphrase_file.empty(); }
};

/// --key-file and --passphrase-file, of which one may be given.
void add_key_flags(CLI::App& command, key_flags& flags);

/// What is to open a download from now on.
class new_holder {
 public:
  /// The key file or passphrase that the flags name; without them a passphrase is asked for twice. Says on standard
  /// error how strong a passphrase is. errc::bad_request when it is too short or trivial.
  static result<new_holder> choose(const key_flags& flags);
  /// What opens a download that is here, for others that are to be opened by the same; known by its check value.
  static result<new_holder> recall(const key_flags& flags, const client::download_record& record);
  [[nodiscard]] result<client::opened_key> open(const client::download_record& record) const;
  [[nodiscard]] result<storage::wrapped_key> wrap(const storage::secret_bytes& data_key,
                                                  const std::string& download) const;

 private:
  client::secret_text passphrase_;
  std::optional<storage::secret_bytes> file_key_;
};

/// The key of a download that is here: by what the flags name; else by the user's own key pair when a holder is for it;
/// else by a passphrase that is asked for. Wrong ones are known by their check values, before anything is opened.
[[nodiscard]] result<client::opened_key> open_key(const context& at, const key_flags& flags,
                                                  const client::download_record& record);
/// By the user's own key pair, which the settings name. errc::not_found when no holder is for it.
[[nodiscard]] result<client::opened_key> open_by_own_key(const context& at, const client::download_record& record);
[[nodiscard]] result<client::opened_key> open_by_passphrase(const client::secret_text& passphrase,
                                                            const client::download_record& record);
/// By a passphrase only, from `file` or asked for.
[[nodiscard]] result<client::opened_key> open_key_by_passphrase(const std::string& file,
                                                                const client::download_record& record);

/// The present time as it stands in a holder.
[[nodiscard]] std::string now_for_holder();

/// Whoever loses the key loses the images.
constexpr auto what_a_lost_key_means =
    "Whoever forgets the passphrase or loses the key can never read the images again,\n"
    "and nobody can help: neither the administrators nor the makers of Penstock have\n"
    "another key. Keep a copy in a safe place.";

}  // namespace penstock::commands
