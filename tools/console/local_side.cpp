#include "tools/console/local_side.hpp"

#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "tools/penstock/download_job.hpp"
#include "tools/penstock/passphrase_strength.hpp"
#include "tools/penstock/transfer_report.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

using commands::human_bytes;

std::string home_directory() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : home;
}

transfer_order order_for(const local_side& local, std::vector<std::string> words, const std::string& folder) {
  transfer_order order;
  order.folder = folder;
  order.arguments = std::move(words);
  order.arguments.insert(order.arguments.end(), {"--json", commands::progress_flag});
  order.arguments.insert(order.arguments.end(), local.connection.begin(), local.connection.end());
  return order;
}

void add_key(transfer_order& order, const folder_key& key) {
  if (!key.key_file.empty()) {
    order.arguments.insert(order.arguments.end(), {"--key-file", key.key_file});
  } else if (!key.passphrase.empty()) {
    order.arguments.insert(order.arguments.end(), {"--passphrase-file", "/dev/stdin"});
    order.input = key.passphrase;
  }
}

void add_kept_key(transfer_order& order, const local_side& local) {
  if (const auto key = local.keys.find(order.folder); key != local.keys.end()) add_key(order, key->second);
}

// Fields of the download's form.
constexpr std::size_t folder_field = 0;
constexpr std::size_t kept_field = 1;
constexpr std::size_t passphrase_field = 2;
constexpr std::size_t repeated_field = 3;
constexpr std::size_t key_file_field = 4;

keeping kept_in(const form& answers) { return static_cast<keeping>(answers.choice(kept_field)); }

std::vector<form::field> download_fields(const std::string& folder) {
  const auto only_for = [](keeping kept) { return [kept](const form& answers) { return kept_in(answers) == kept; }; };
  std::vector<form::field> fields;
  fields.push_back({"Folder", text_field::with(folder), {}});
  fields.push_back({"Sealed by", choice_field{{"passphrase", "key file", "nothing: in the clear"}, 0}, {}});
  fields.push_back({"Passphrase", hidden_field{}, only_for(keeping::passphrase)});
  fields.push_back({"Once more", hidden_field{}, only_for(keeping::passphrase)});
  fields.push_back({"Key file", text_field{}, only_for(keeping::key_file)});
  return fields;
}

std::vector<std::string> said_of_download(const form& answers, std::uint64_t bytes, std::uint64_t free) {
  std::vector<std::string> lines{human_bytes(bytes) + " are to come, " + human_bytes(free) + " are free" +
                                 (free < bytes ? ": too little" : "")};
  if (kept_in(answers) == keeping::plain) {
    lines.push_back("All who get at the disk can read them, and a cut download begins anew.");
    return lines;
  }
  if (kept_in(answers) == keeping::passphrase && !answers.secret(passphrase_field).empty())
    lines.push_back(
        "The passphrase is " +
        std::string{commands::word_for_strength(commands::passphrase_bits(answers.secret(passphrase_field).reveal()))} +
        ".");
  lines.push_back("Whoever loses the key can never read the images again; nobody can help.");
  return lines;
}

/// What is wrong with the answers, or "".
std::string fault_in(const form& answers, const std::string& folder) {
  if (folder.empty()) return "a download wants a folder";
  if (!commands::can_begin_in(folder)) return folder + " is not empty; a download wants a folder of its own";
  if (kept_in(answers) == keeping::key_file && answers.text(key_file_field).empty())
    return "name a key file ('penstock key new' makes one)";
  if (kept_in(answers) != keeping::passphrase) return {};
  const auto& passphrase = answers.secret(passphrase_field);
  if (const auto good = commands::check_passphrase(passphrase.reveal()); !good) return good.error().context;
  return passphrase.reveal() == answers.secret(repeated_field).reveal() ? "" : "the two passphrases differ";
}

download_wish wish_in(const form& answers, const std::string& folder) {
  download_wish wish;
  wish.folder = folder;
  wish.kept = kept_in(answers);
  if (wish.kept == keeping::passphrase) wish.key.passphrase = answers.secret(passphrase_field).secret();
  if (wish.kept == keeping::key_file) wish.key.key_file = with_home(answers.text(key_file_field), home_directory());
  return wish;
}

}  // namespace

std::string with_home(const std::string& path, const std::string& home) {
  return path == "~" || path.starts_with("~/") ? home + path.substr(1) : path;
}

std::string new_folder_name(const std::string& project) {
  const auto now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, "-%Y%m%d-%H%M%S", &local);
  return project + text;
}

transfer_order download_order(const local_side& local, const download_wish& wish) {
  std::vector<std::string> words{"download", "--to", wish.folder, "--study"};
  words.insert(words.end(), wish.studies.begin(), wish.studies.end());
  auto order = order_for(local, std::move(words), wish.folder);
  order.resumable = wish.kept != keeping::plain;
  if (order.resumable)
    add_key(order, wish.key);
  else
    order.arguments.emplace_back("--plain");
  return order;
}

transfer_order resume_order(const local_side& local, const std::string& folder) {
  auto order = order_for(local, {"download", "--resume", folder}, folder);
  order.resumable = true;
  add_kept_key(order, local);
  return order;
}

transfer_order send_order(const local_side& local, const std::string& folder, const std::string& viewer) {
  auto order = order_for(local, {"open", "send", folder, viewer}, folder);
  order.kind = transfer_kind::send;
  add_kept_key(order, local);
  return order;
}

void add_transfer(desk& at, local_side& local, transfer_order order, const std::string& said) {
  if (auto added = local.transfers.add(std::move(order)); !added) return at.say(added.error().context, role::bad);
  at.say(said, role::good);
}

void ask_to_download(desk& at, local_side& local, const std::string& project, std::vector<std::string> studies,
                     const std::string& named, std::uint64_t bytes) {
  at.say("looking for room…", role::busy);
  local.files.measure_room(
      local.download_folder, [&at, &local, project, studies, named, bytes](const result<std::uint64_t>& free) {
        at.say("");
        if (!free) return at.say(free.error().context, role::bad);
        const auto folder = (std::filesystem::path{local.download_folder} / new_folder_name(project)).string();
        const auto says = [bytes, free = *free](const form& answers) { return said_of_download(answers, bytes, free); };
        const auto then = [&at, &local, studies, named](const form& answers) -> std::string {
          const auto typed = with_home(answers.text(folder_field), home_directory());
          const auto chosen = typed.empty() ? "" : std::filesystem::absolute(typed).lexically_normal().string();
          if (auto fault = fault_in(answers, chosen); !fault.empty()) return fault;
          auto wish = wish_in(answers, chosen);
          wish.studies = studies;
          if (!wish.key.empty()) local.keys.insert_or_assign(chosen, wish.key);
          add_transfer(at, local, download_order(local, wish), named + " are on their way; tab 4 shows them");
          return {};
        };
        at.lay_over(std::make_unique<form>("Download " + named, download_fields(folder), "Download", says, then));
      });
}

std::unique_ptr<overlay> key_form(const std::string& folder, const std::string& problem,
                                  std::function<void(folder_key)> then) {
  std::vector<form::field> fields;
  fields.push_back({"Passphrase", hidden_field{}, {}});
  fields.push_back({"or key file", text_field{}, {}});
  const auto says = [folder, problem](const form&) {
    std::vector<std::string> lines{folder};
    if (!problem.empty()) lines.push_back(problem);
    return lines;
  };
  const auto accept = [then](const form& answers) -> std::string {
    folder_key key{answers.secret(0).secret(), with_home(answers.text(1), home_directory())};
    if (key.empty()) return "type its passphrase, or name a key file";
    then(std::move(key));
    return {};
  };
  return std::make_unique<form>("Open a sealed download", std::move(fields), "Open", says, accept);
}

}  // namespace penstock::console
