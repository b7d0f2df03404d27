// key new, show, passphrase, add, remove, export: who can open a download. The images themselves are never touched.

#include <filesystem>

#include "storage/key_file.hpp"
#include "tools/client/download_record.hpp"
#include "tools/client/local_file.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/display_text.hpp"
#include "tools/penstock/sealed_key.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

namespace fs = std::filesystem;
using client::download_record;
using messages::errc;
using messages::fail;
using nlohmann::json;

struct passphrase_flags {
  std::string folder;
  std::string old_file;
  std::string new_file;
};

struct add_flags {
  std::string folder;
  std::string person;
  key_flags holder;
  bool passphrase = false;
  std::string label;
  key_flags open_with;
};

struct remove_flags {
  std::string folder;
  std::string holder;
  key_flags open_with;
};

/// A record that nobody else changes as long as this lives.
struct locked_record {
  fs::path folder;
  client::file_descriptor lock;
  download_record record;
};

result<locked_record> lock_record(const std::string& folder) {
  auto first = client::load_record(folder);  // says more of a folder that is none
  if (!first) return first.error();
  auto lock = client::lock_directory(folder);
  if (!lock) return lock.error();
  auto record = client::load_record(folder);
  if (!record) return record.error();
  return locked_record{folder, std::move(*lock), std::move(*record)};
}

std::string kind_of(const storage::wrapped_key& holder) {
  if (holder.protection == storage::protection_passphrase) return "passphrase";
  return holder.protection == storage::protection_key_file ? "key file" : "person";
}

std::string named(const storage::wrapped_key& holder) {
  return kind_of(holder) + (holder.fingerprint.empty() ? "" : " " + printable(holder.fingerprint));
}

std::string parameters_of(const storage::wrapped_key& holder) {
  if (holder.protection == storage::protection_key_file) return "HKDF-SHA256";
  if (holder.protection == storage::protection_person) return "X25519";
  const auto& cost = holder.argon2id;
  return "Argon2id, " + human_bytes(std::uint64_t{cost.memory_kib} * 1024) + ", " + std::to_string(cost.passes) +
         " passes, " + std::to_string(cost.lanes) + (cost.lanes == 1 ? " lane" : " lanes");
}

json described(const storage::wrapped_key& holder, std::size_t number) {
  json shown{{"holder", number},
             {"kind", holder.protection},
             {"fingerprint", holder.fingerprint},
             {"label", holder.label},
             {"added", holder.added}};
  if (holder.protection == storage::protection_passphrase)
    shown["argon2id"] = {{"memory_kib", holder.argon2id.memory_kib},
                         {"passes", holder.argon2id.passes},
                         {"lanes", holder.argon2id.lanes}};
  if (holder.protection == storage::protection_person) {
    const auto raw = storage::from_base64(holder.public_key, storage::x25519_key_bytes, "public key");
    storage::x25519_public_key key{};
    if (raw) std::copy(raw->view().begin(), raw->view().end(), key.begin());
    shown["public"] = client::z85_of(key);
  }
  return shown;
}

exit_code show_holders(const context& at, const download_record& record) {
  if (at.json) {
    json holders = json::array();
    for (std::size_t i = 0; i < record.holders.size(); ++i) holders.push_back(described(record.holders[i], i + 1));
    at.show(json{{"download", record.download}, {"project", record.project}, {"holders", std::move(holders)}});
    return exit_code::ok;
  }
  table rows{{{"Holder", alignment::right}, {"Kind"}, {"Fingerprint"}, {"Label"}, {"Added"}, {"How"}}};
  for (std::size_t i = 0; i < record.holders.size(); ++i) {
    const auto& one = record.holders[i];
    rows.add(
        {std::to_string(i + 1), kind_of(one), one.fingerprint, one.label, local_time(one.added), parameters_of(one)});
  }
  at.say("Download " + printable(record.download) + " of project " + printable(record.project) + " can be opened by:");
  at.show(rows);
  return exit_code::ok;
}

exit_code run_show(const context& at, const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    auto record = client::load_record(path);
    return record ? show_holders(at, *record) : at.report(record.error());
  }
  const auto key = storage::load_key_file(path);
  if (!key) return at.report(fail(key.error().code, path + ": " + key.error().context));
  const auto fingerprint = storage::fingerprint_of_key_file(*key);
  if (at.json) at.show(json{{"key_file", path}, {"fingerprint", fingerprint}});
  at.say(path + " is a key file with the fingerprint " + fingerprint + ".");
  return exit_code::ok;
}

exit_code run_new(const context& at, const std::string& path) {
  if (auto made = storage::create_key_file(path); !made)
    return at.report(fail(made.error().code, path + ": " + made.error().context));
  const auto key = storage::load_key_file(path);
  if (!key) return at.report(key.error());
  const auto fingerprint = storage::fingerprint_of_key_file(*key);
  if (at.json) at.show(json{{"key_file", path}, {"fingerprint", fingerprint}});
  at.say("Made " + path + ", fingerprint " + fingerprint + ".\n'penstock download --key-file " + path +
         "' seals with it.\n" + what_a_lost_key_means);
  return exit_code::ok;
}

exit_code run_export(const context& at) {
  const auto chosen = at.settings();
  if (!chosen) return at.report(chosen.error());
  const auto key = client::load_user_key(chosen->key_file);
  if (!key) return at.report(key.error());
  const auto raw = client::raw_public_key(key->public_key);
  if (!raw) return at.report(raw.error());
  const auto fingerprint = storage::fingerprint_of(*raw);
  if (at.json) at.show(json{{"public", key->public_key}, {"fingerprint", fingerprint}});
  at.say(key->public_key);
  at.say("This is your public key; its fingerprint is " + fingerprint +
         ". A colleague lets you open a download with:\n  penstock key add DIR --for='" + key->public_key +
         "'\nLet them compare the fingerprint with you by another way, such as the telephone.");
  return exit_code::ok;
}

exit_code save(const context& at, const locked_record& changed, const std::string& said) {
  if (auto saved = client::save_record(changed.folder, changed.record); !saved) return at.report(saved.error());
  if (at.json) return show_holders(at, changed.record);
  at.say(said);
  return exit_code::ok;
}

exit_code run_passphrase(const context& at, const passphrase_flags& flags) {
  auto locked = lock_record(flags.folder);
  if (!locked) return at.report(locked.error());
  auto& record = locked->record;
  const auto opened = open_key_by_passphrase(flags.old_file, record);
  if (!opened) return at.report(opened.error());
  const auto chosen = new_holder::choose({{}, flags.new_file});
  if (!chosen) return at.report(chosen.error());
  auto wrapped = chosen->wrap(opened->key, record.download);
  if (!wrapped) return at.report(wrapped.error());
  auto& holder = record.holders[opened->holder];
  wrapped->label = holder.label;
  holder = std::move(*wrapped);
  return save(at, *locked,
              std::string{"The passphrase is changed; the images were not touched.\n"
                          "A copy of the folder from before still opens with the old one.\n"} +
                  what_a_lost_key_means);
}

result<storage::wrapped_key> wrap_new(const add_flags& flags, const storage::secret_bytes& data_key,
                                      const std::string& download) {
  if (flags.person.empty()) {
    const auto chosen = new_holder::choose(flags.holder);
    return chosen ? chosen->wrap(data_key, download) : chosen.error();
  }
  const auto person = client::raw_public_key(flags.person);
  if (!person) return person.error();
  auto wrapped = storage::wrap_for_person(data_key, *person, download);
  if (wrapped) wrapped->added = now_for_holder();
  return wrapped;
}

exit_code run_add(const context& at, const add_flags& flags) {
  const int chosen = (flags.person.empty() ? 0 : 1) + (flags.holder.key_file.empty() ? 0 : 1) +
                     (flags.passphrase || !flags.holder.passphrase_file.empty() ? 1 : 0);
  if (chosen != 1)
    return at.report(fail(errc::bad_request, "name one new holder: --for PUBLIC_KEY, --key-file FILE or --passphrase"));
  if (flags.label.size() > storage::max_holder_label_bytes || printable(flags.label) != flags.label)
    return at.report(fail(errc::bad_request, "--label: at most 64 bytes of plain text"));
  auto locked = lock_record(flags.folder);
  if (!locked) return at.report(locked.error());
  auto& record = locked->record;
  const auto opened = open_key(at, flags.open_with, record);
  if (!opened) return at.report(opened.error());
  auto holder = wrap_new(flags, opened->key, record.download);
  if (!holder) return at.report(holder.error());
  holder->label = flags.label;
  const auto said = named(*holder);
  if (auto added = storage::add_holder(record.holders, std::move(*holder)); !added) return at.report(added.error());
  return save(at, *locked,
              "Added: " + said + ". The download has " + std::to_string(record.holders.size()) +
                  " holders now; the images were not touched.");
}

/// Whoever removes one shows that another still opens the download.
exit_code run_remove(const context& at, const remove_flags& flags) {
  auto locked = lock_record(flags.folder);
  if (!locked) return at.report(locked.error());
  auto& holders = locked->record.holders;
  const auto which = storage::find_holder(holders, flags.holder);
  if (!which) return at.report(which.error());
  if (holders.size() == 1)
    return at.report(fail(errc::conflict,
                          "this is the last holder: without it nobody could open the download again; "
                          "add another first with 'penstock key add'"));
  const auto said = named(holders[*which]);
  holders.erase(holders.begin() + static_cast<std::ptrdiff_t>(*which));
  if (const auto opened = open_key(at, flags.open_with, locked->record); !opened) {
    auto problem = opened.error();
    problem.context = "nothing was removed; show first that you can open it with what stays: " + problem.context;
    return at.report(problem);
  }
  return save(at, *locked,
              "Removed: " + said +
                  ". Whoever kept a copy of the folder from before can still open that; to shut somebody "
                  "out, download again.");
}

void add_open_with_flags(CLI::App& command, key_flags& flags) {
  auto* file =
      command.add_option("--with-key-file", flags.key_file, "Open the download with this key file")->type_name("FILE");
  command
      .add_option("--with-passphrase-file", flags.passphrase_file,
                  "Open it with the passphrase in this file; default: your own key, else ask")
      ->type_name("FILE")
      ->excludes(file);
}

void add_changing_commands(CLI::App& key, context& at) {
  const auto changed = std::make_shared<passphrase_flags>();
  auto* passphrase =
      key.add_subcommand("passphrase", "Change the passphrase of a download; its images stay as they are");
  passphrase->add_option("DIR", changed->folder, "Folder of a sealed download")->required();
  passphrase->add_option("--passphrase-file", changed->old_file, "File with the present one; default: ask")
      ->type_name("FILE");
  passphrase->add_option("--new-passphrase-file", changed->new_file, "File with the new one; default: ask")
      ->type_name("FILE");
  passphrase->callback([&at, changed] { at.action = [&at, changed] { return run_passphrase(at, *changed); }; });
  const auto added = std::make_shared<add_flags>();
  auto* add = key.add_subcommand("add", "Let another person, key file or passphrase open a download");
  add->add_option("DIR", added->folder, "Folder of a sealed download")->required();
  add->add_option("--for", added->person,
                  "Public key of a colleague ('penstock key export' prints it); write --for='...'")
      ->type_name("PUBLIC_KEY");
  add->add_option("--key-file", added->holder.key_file, "Key file to add")->type_name("FILE");
  add->add_flag("--passphrase", added->passphrase, "Ask for a passphrase to add");
  add->add_option("--passphrase-file", added->holder.passphrase_file, "Add the passphrase in this file")
      ->type_name("FILE");
  add->add_option("--label", added->label, "What to call the new holder; anybody who has the folder can read it");
  add_open_with_flags(*add, added->open_with);
  add->callback([&at, added] { at.action = [&at, added] { return run_add(at, *added); }; });
  const auto removed = std::make_shared<remove_flags>();
  auto* remove = key.add_subcommand("remove", "Take a holder out of a download; never the last one");
  remove->add_option("DIR", removed->folder, "Folder of a sealed download")->required();
  remove->add_option("HOLDER", removed->holder, "Its number, fingerprint or label, as 'key show' has it")->required();
  add_open_with_flags(*remove, removed->open_with);
  remove->callback([&at, removed] { at.action = [&at, removed] { return run_remove(at, *removed); }; });
}

}  // namespace

void add_key_commands(CLI::App& program, context& at) {
  auto* key = program.add_subcommand("key", "Who can open a sealed download")->require_subcommand(1);
  const auto path = std::make_shared<std::string>();
  auto* fresh = key->add_subcommand("new", "Make a key file for 'download --key-file'");
  fresh->add_option("FILE", *path, "Where to put it; nothing is replaced")->required();
  fresh->callback([&at, path] { at.action = [&at, path] { return run_new(at, *path); }; });
  auto* show = key->add_subcommand("show", "Show who can open a download, or the fingerprint of a key file; no secret");
  show->add_option("PATH", *path, "Folder of a sealed download, or a key file")->required();
  show->callback([&at, path] { at.action = [&at, path] { return run_show(at, *path); }; });
  add_changing_commands(*key, at);
  auto* mine = key->add_subcommand("export", "Print your own public key, for a colleague to add you");
  mine->callback([&at] { at.action = [&at] { return run_export(at); }; });
}

}  // namespace penstock::commands
