#include "tools/penstock/sealed_key.hpp"

#include <sys/stat.h>

#include <string_view>

#include "tools/client/local_file.hpp"
#include "tools/penstock/terminal.hpp"

namespace penstock::commands {
namespace {

using client::secret_text;
using messages::errc;
using messages::fail;

constexpr mode_t others_may = 0077;
constexpr std::string_view by_key_file = "key_file";

/// The first line of a file that only its owner may read.
result<secret_text> passphrase_in(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & others_may) != 0)
    return fail(errc::not_permitted,
                "the passphrase file " + path + " can be read by others; close it with: chmod 600 " + path);
  auto text = client::read_small_file(path, storage::max_passphrase_bytes);
  if (!text) return text.error();
  const secret_text whole{std::move(*text)};
  return secret_text{whole.reveal().substr(0, whole.reveal().find_first_of("\r\n"))};
}

result<secret_text> ask_twice() {
  auto first = ask_for_secret("Passphrase to seal the download with: ");
  if (!first) return first;
  auto second = ask_for_secret("Once more: ");
  if (!second) return second;
  if (first->reveal() != second->reveal()) return fail(errc::bad_request, "the two passphrases differ");
  return first;
}

}  // namespace

void add_key_flags(CLI::App& command, key_flags& flags) {
  auto* file =
      command.add_option("--key-file", flags.key_file, "Key file ('penstock keygen --download-key' makes one)")
          ->type_name("FILE");
  command
      .add_option("--passphrase-file", flags.passphrase_file, "File whose first line is the passphrase; default: ask")
      ->type_name("FILE")
      ->excludes(file);
}

result<researcher_key> researcher_key::choose(const key_flags& flags) {
  researcher_key chosen;
  if (!flags.key_file.empty()) {
    auto key = storage::load_key_file(flags.key_file);
    if (!key) return key.error();
    chosen.file_key_ = std::move(*key);
    return chosen;
  }
  auto passphrase = flags.passphrase_file.empty() ? ask_twice() : passphrase_in(flags.passphrase_file);
  if (!passphrase) return passphrase.error();
  if (passphrase->reveal().size() < least_passphrase_characters)
    return fail(errc::bad_request, "the passphrase is too short: take at least 8 characters, better a whole sentence");
  chosen.passphrase_ = std::move(*passphrase);
  return chosen;
}

result<researcher_key> researcher_key::recall(const key_flags& flags, const storage::wrapped_key& wrapped) {
  researcher_key recalled;
  if (wrapped.protection == by_key_file) {
    if (flags.key_file.empty())
      return fail(errc::bad_request, "this download was sealed with a key file: give --key-file");
    auto key = storage::load_key_file(flags.key_file);
    if (!key) return key.error();
    recalled.file_key_ = std::move(*key);
    return recalled;
  }
  if (!flags.key_file.empty())
    return fail(errc::bad_request, "this download was sealed with a passphrase, not with a key file");
  auto passphrase = flags.passphrase_file.empty() ? ask_for_secret("Passphrase of the download: ")
                                                  : passphrase_in(flags.passphrase_file);
  if (!passphrase) return passphrase.error();
  recalled.passphrase_ = std::move(*passphrase);
  return recalled;
}

result<storage::wrapped_key> researcher_key::wrap(const storage::secret_bytes& data_key,
                                                  const std::string& download) const {
  if (file_key_) return storage::wrap_with_key_file(data_key, *file_key_, download);
  return storage::wrap_with_passphrase(data_key, passphrase_.reveal(), download);
}

result<storage::secret_bytes> researcher_key::unwrap(const storage::wrapped_key& wrapped,
                                                     const std::string& download) const {
  auto key = file_key_ ? storage::unwrap_with_key_file(wrapped, *file_key_, download)
                       : storage::unwrap_with_passphrase(wrapped, passphrase_.reveal(), download);
  if (!key && key.error().code == errc::authentication_failed)
    return fail(errc::authentication_failed,
                file_key_ ? "this key file does not open the download" : "this passphrase does not open the download");
  return key;
}

}  // namespace penstock::commands
