#include "tools/penstock/sealed_key.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <iostream>
#include <string_view>

#include "storage/key_file.hpp"
#include "storage/utc_time.hpp"
#include "tools/client/local_file.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/passphrase_strength.hpp"
#include "tools/penstock/terminal.hpp"

namespace penstock::commands {
namespace {

using client::opened_key;
using client::secret_text;
using messages::errc;
using messages::fail;

constexpr mode_t others_may = 0077;

/// The first line of a file that only its owner may read, or of a pipe.
result<secret_text> passphrase_in(const std::string& path) {
  auto file = client::open_for_reading(path);
  if (!file) return file.error();
  struct stat about {};
  if (::fstat(file->get(), &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & others_may) != 0)
    return fail(errc::not_permitted,
                "the passphrase file " + path + " can be read by others; close it with: chmod 600 " + path);
  auto buffer = storage::secret_bytes::of_size(storage::max_passphrase_bytes + 1);
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const auto got = ::read(file->get(), buffer.writable().data() + filled, buffer.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errc::io_error, "read the passphrase file " + path);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  const std::string_view text{reinterpret_cast<const char*>(buffer.view().data()), filled};
  const auto line = text.substr(0, text.find_first_of("\r\n"));
  if (line.size() > storage::max_passphrase_bytes) return fail(errc::too_large, "the passphrase in " + path);
  return secret_text::copy_of(line);
}

result<secret_text> ask_twice() {
  auto first = ask_for_secret("New passphrase for the download: ");
  if (!first) return first;
  auto second = ask_for_secret("Once more: ");
  if (!second) return second;
  if (first->reveal() != second->reveal()) return fail(errc::bad_request, "the two passphrases differ");
  return first;
}

void say_strength(std::string_view passphrase) {
  const auto word = word_for_strength(passphrase_bits(passphrase));
  std::cerr << "The passphrase is " << word
            << (word == "strong" ? ".\n" : "; four or more words that do not belong together are better.\n");
}

/// A key of one's own that cannot be used is told of when nothing else would open the download.
bool is_worth_telling(const messages::failure& problem, const client::download_record& record) {
  const bool no_holder = problem.code == errc::not_found || problem.code == errc::authentication_failed;
  return !no_holder && !client::has_holder(record, storage::protection_passphrase);
}

result<storage::secret_bytes> load_named_key_file(const std::string& path) {
  auto key = storage::load_key_file(path);
  if (!key) return fail(key.error().code, path + ": " + key.error().context);
  return key;
}

/// From `file`, or asked for; not when no passphrase would open the download.
result<client::secret_text> passphrase_of(const std::string& file, const client::download_record& record) {
  if (!client::has_holder(record, storage::protection_passphrase))
    return fail(errc::bad_request,
                "no passphrase opens this download, only a key file or a person's own key: give "
                "--key-file; 'penstock key show' tells who can open it");
  return file.empty() ? ask_for_secret("Passphrase of the download: ") : passphrase_in(file);
}

result<opened_key> open_by_key_file(const storage::secret_bytes& file_key, const client::download_record& record) {
  auto key = client::open_with_key_file(record, file_key);
  if (key || key.error().code == errc::corrupt) return key;
  if (key.error().code == errc::not_found)
    return fail(errc::bad_request, "no key file opens this download; 'penstock key show' tells who can open it");
  return fail(errc::authentication_failed, "this key file does not open the download");
}

}  // namespace

result<opened_key> open_by_own_key(const context& at, const client::download_record& record) {
  const auto none = fail(errc::not_found, "no key of your own");
  if (!client::has_holder(record, storage::protection_person)) return none;
  const auto chosen = at.settings();
  if (!chosen) return none;
  const auto own = client::load_user_key(chosen->key_file);
  return own ? client::open_with_user_key(record, *own) : own.error();
}

result<opened_key> open_by_passphrase(const client::secret_text& passphrase, const client::download_record& record) {
  auto key = client::open_with_passphrase(record, passphrase.reveal());
  if (!key && key.error().code == errc::authentication_failed)
    return fail(errc::authentication_failed, "this passphrase does not open the download");
  return key;
}

void add_key_flags(CLI::App& command, key_flags& flags) {
  auto* file =
      command.add_option("--key-file", flags.key_file, "Key file ('penstock key new' makes one)")->type_name("FILE");
  command
      .add_option("--passphrase-file", flags.passphrase_file,
                  "File whose first line is the passphrase; default: your own key where you are a holder, else ask")
      ->type_name("FILE")
      ->excludes(file);
}

result<new_holder> new_holder::choose(const key_flags& flags) {
  new_holder chosen;
  if (!flags.key_file.empty()) {
    auto key = load_named_key_file(flags.key_file);
    if (!key) return key.error();
    chosen.file_key_ = std::move(*key);
    return chosen;
  }
  auto passphrase = flags.passphrase_file.empty() ? ask_twice() : passphrase_in(flags.passphrase_file);
  if (!passphrase) return passphrase.error();
  if (auto good = check_passphrase(passphrase->reveal()); !good) return good.error();
  say_strength(passphrase->reveal());
  chosen.passphrase_ = std::move(*passphrase);
  return chosen;
}

result<new_holder> new_holder::recall(const key_flags& flags, const client::download_record& record) {
  new_holder known;
  if (!flags.key_file.empty()) {
    auto key = load_named_key_file(flags.key_file);
    if (!key) return key.error();
    known.file_key_ = std::move(*key);
  } else {
    auto passphrase = passphrase_of(flags.passphrase_file, record);
    if (!passphrase) return passphrase.error();
    known.passphrase_ = std::move(*passphrase);
  }
  if (auto opened = known.open(record); !opened) return opened.error();
  return known;
}

result<opened_key> new_holder::open(const client::download_record& record) const {
  return file_key_ ? open_by_key_file(*file_key_, record) : open_by_passphrase(passphrase_, record);
}

result<storage::wrapped_key> new_holder::wrap(const storage::secret_bytes& data_key,
                                              const std::string& download) const {
  auto wrapped = file_key_ ? storage::wrap_with_key_file(data_key, *file_key_, download)
                           : storage::wrap_with_passphrase(data_key, passphrase_.reveal(), download);
  if (wrapped) wrapped->added = now_for_holder();
  return wrapped;
}

result<opened_key> open_key_by_passphrase(const std::string& file, const client::download_record& record) {
  auto passphrase = passphrase_of(file, record);
  if (!passphrase) return passphrase.error();
  return open_by_passphrase(*passphrase, record);
}

result<opened_key> open_key(const context& at, const key_flags& flags, const client::download_record& record) {
  if (!flags.key_file.empty()) {
    const auto file_key = load_named_key_file(flags.key_file);
    return file_key ? open_by_key_file(*file_key, record) : file_key.error();
  }
  if (!flags.passphrase_file.empty()) return open_key_by_passphrase(flags.passphrase_file, record);
  auto own = open_by_own_key(at, record);
  return own || is_worth_telling(own.error(), record) ? std::move(own) : open_key_by_passphrase({}, record);
}

std::string now_for_holder() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return storage::rfc3339_utc(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace penstock::commands
