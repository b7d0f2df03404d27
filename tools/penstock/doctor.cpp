// doctor: looks at everything that a researcher's machine needs, and says what is wrong and what to do.

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "tools/client/local_file.hpp"
#include "tools/client/user_key.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/doctor_checks.hpp"
#include "tools/penstock/terminal.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

std::string today() {
  const auto now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 16> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d", &local);
  return text.data();
}

class examination {
 public:
  examination(context& at, std::string directory) : at_(at), directory_(std::move(directory)) {}

  std::vector<finding> run() {
    if (look_at_settings() && look_at_key()) look_at_server();
    look_at_disk();
    look_at_terminal();
    return std::move(found_);
  }
  [[nodiscard]] bool server_is_away() const { return server_is_away_; }

 private:
  bool look_at_settings();
  bool look_at_key();
  void look_at_server();
  void look_at_disk();
  void look_at_terminal();
  void add(finding one) { found_.push_back(std::move(one)); }

  context& at_;
  std::string directory_;
  client::settings settings_;
  std::vector<finding> found_;
  bool server_is_away_ = false;
};

bool examination::look_at_settings() {
  auto chosen = at_.settings();
  if (!chosen) {
    add({"settings", verdict::bad, chosen.error().context, "Correct the file, or name another with PENSTOCK_CONFIG."});
    return false;
  }
  settings_ = *chosen;
  if (auto good = client::check_settings(settings_); !good) {
    add({"settings", verdict::bad, good.error().context,
         "Server and server key are published by the administrator; they belong into config.json of " +
             client::settings_directory(client::process_environment()).string() + "."});
    return false;
  }
  add({"settings", verdict::ok, "server " + settings_.server, ""});
  return true;
}

bool examination::look_at_key() {
  auto key = client::load_user_key(settings_.key_file);
  if (key) {
    add({"key", verdict::ok, settings_.key_file + ", readable by you only", ""});
    return true;
  }
  const bool is_there = ::access(settings_.key_file.c_str(), F_OK) == 0;
  add({"key", verdict::bad, key.error().context,
       is_there ? "Close the file to others, or take the copy that you kept." : "'penstock keygen' makes one."});
  return false;
}

void examination::look_at_server() {
  auto server = at_.server();
  if (!server) {
    server_is_away_ = exit_code_of(server.error().code) == exit_code::server_unreachable;
    return add(no_connection(server.error()));
  }
  const auto here = std::chrono::system_clock::now();
  const auto& greeting = (*server)->greeting();
  add({"server", verdict::ok,
       text_in(greeting, "server") + " answers in " + std::to_string((*server)->greeting_took().count()) + " ms", ""});
  add(judge_protocol(greeting));
  add({"user", verdict::ok, text_in(greeting, "user") + " (" + list_in(greeting, "roles") + ")", ""});
  add(judge_clock(text_in(greeting, "time"), here, (*server)->greeting_took()));
  for (auto& one : judge_projects(greeting, settings_.project, today())) add(std::move(one));
}

void examination::look_at_disk() {
  std::error_code error;
  auto directory = std::filesystem::absolute(directory_, error).lexically_normal();
  if (!directory.has_filename()) directory = directory.parent_path();
  while (!std::filesystem::exists(directory, error) && directory.has_parent_path() &&
         directory != directory.parent_path())
    directory = directory.parent_path();
  if (::access(directory.c_str(), W_OK) != 0)
    return add(
        {"disk", verdict::bad, "you may not write in " + directory.string(), "Name another directory with --to."});
  const auto space = client::space_at(directory);
  add(space ? judge_room(directory.string(), space->bytes)
            : finding{"disk", verdict::bad, space.error().context, "Name another directory with --to."});
}

void examination::look_at_terminal() {
  if (!output_is_terminal()) return add({"terminal", verdict::ok, "none; output is plain text", ""});
  const auto size = size_of_terminal();
  const auto text = std::to_string(size.columns) + " columns, " + std::to_string(size.rows) + " rows, " +
                    (style_of_output().colours ? "with colour" : "without colour");
  std::string locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* value = std::getenv(name); locale.empty() && value != nullptr) locale = value;
  if (locale.find("UTF-8") == std::string::npos && locale.find("utf8") == std::string::npos)
    return add({"terminal", verdict::warn, text + ", its language is not set to UTF-8",
                "Set LANG, for example to C.UTF-8, so that names show as they are."});
  if (size.columns < 80)
    return add({"terminal", verdict::warn, text, "Tables want 80 columns; make the window wider."});
  add({"terminal", verdict::ok, text, ""});
}

tint shade_of(verdict how) {
  if (how == verdict::ok) return tint::good;
  return how == verdict::warn ? tint::busy : tint::bad;
}

void show(const context& at, const std::vector<finding>& findings) {
  if (at.json) {
    json checks = json::array();
    for (const auto& one : findings)
      checks.push_back(
          {{"subject", one.subject}, {"verdict", name_of(one.how)}, {"text", one.text}, {"advice", one.advice}});
    return at.show(json{{"checks", checks}, {"verdict", name_of(worst_of(findings))}});
  }
  const bool colours = style_of_output().colours;
  for (const auto& one : findings) {
    const std::string word{name_of(one.how)};
    at.say(coloured(word, shade_of(one.how), colours) + std::string(6 - word.size(), ' ') + one.subject + ": " +
           one.text);
    if (!one.advice.empty()) at.say("      " + one.advice);
  }
}

exit_code run_doctor(context& at, const std::string& directory) {
  examination looked{at, directory};
  const auto findings = looked.run();
  show(at, findings);
  if (looked.server_is_away()) return exit_code::server_unreachable;
  const auto worst = worst_of(findings);
  if (worst == verdict::bad) return exit_code::failed;
  return worst == verdict::warn ? exit_code::not_everything_ok : exit_code::ok;
}

}  // namespace

void add_doctor_command(CLI::App& program, context& at) {
  auto* doctor = program.add_subcommand("doctor", "Look whether everything is as it should be, and say what to do");
  const auto directory = std::make_shared<std::string>(".");
  doctor->add_option("--to", *directory, "Where downloads are to go")->type_name("DIR")->capture_default_str();
  doctor->footer("Exit codes: 0 all is well; 3 there are warnings; 1 something is bad; 5 the server does not answer.");
  doctor->callback([&at, directory] { at.action = [&at, directory] { return run_doctor(at, *directory); }; });
}

}  // namespace penstock::commands
