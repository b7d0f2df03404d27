// keygen: a user's own keys. whoami: what the server thinks of the user.

#include "tools/client/user_key.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

exit_code show_public_key(const context& at, const std::string& path, const client::user_key& key) {
  if (at.json) {
    at.show(json{{"public", key.public_key}, {"key_file", path}});
    return exit_code::ok;
  }
  at.say("Your key is in " + path + "; keep that file to yourself.");
  at.say("Give this public key to the administrator, for your entry in the rules file:");
  at.say("  keys = [\"" + key.public_key + "\"]");
  return exit_code::ok;
}

exit_code run_keygen(const context& at, bool show_only) {
  auto chosen = at.settings();
  if (!chosen) return at.report(chosen.error());
  if (show_only) {
    auto key = client::load_user_key(chosen->key_file);
    return key ? show_public_key(at, chosen->key_file, *key) : at.report(key.error());
  }
  auto key = client::make_user_key();
  if (!key) return at.report(key.error());
  if (auto saved = client::save_user_key(chosen->key_file, *key); !saved) return at.report(saved.error());
  return show_public_key(at, chosen->key_file, *key);
}

/// The server may not know at the moment how much is used.
std::string used_of(const json& project) {
  const auto quota = number_in(project, "quota");
  return text_in(project, "used").empty() ? "unknown, of " + human_bytes(quota)
                                          : quota_bar(number_in(project, "used"), quota);
}

exit_code run_whoami(context& at) {
  auto server = at.server();
  if (!server) return at.report(server.error());
  const auto& greeting = (*server)->greeting();
  if (at.json) {
    at.show(greeting);
    return exit_code::ok;
  }
  at.say("You are " + text_in(greeting, "user") + " (" + list_in(greeting, "roles") + ") at " +
         text_in(greeting, "server") + ", version " + text_in(greeting, "version") + ".");
  table projects{{{"Project"}, {"Title"}, {"IRB"}, {"Expires"}, {"PACS"}, {"Used"}}};
  for (const auto& one : array_in(greeting, "projects"))
    projects.add({text_in(one, "id"), text_in(one, "title"), text_in(one, "irb"), text_in(one, "expires"),
                  list_in(one, "pacs"), used_of(one)});
  if (projects.empty())
    at.say("You are not a member of any project.");
  else
    at.show(projects);
  return exit_code::ok;
}

}  // namespace

void add_identity_commands(CLI::App& program, context& at) {
  auto* keygen = program.add_subcommand("keygen", "Make your own key pair, by which the server knows you");
  const auto show = std::make_shared<bool>(false);
  keygen->add_flag("--show", *show, "Show the public key that is there; make nothing");
  keygen->callback([&at, show] { at.action = [&at, show] { return run_keygen(at, *show); }; });
  auto* whoami = program.add_subcommand("whoami", "Show who the server thinks you are, and your projects");
  whoami->callback([&at] { at.action = [&at] { return run_whoami(at); }; });
}

}  // namespace penstock::commands
