#pragma once
// What every subcommand has at hand: settings, the server, the project, and ways to show a result or a failure.

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "tools/client/session.hpp"
#include "tools/client/settings.hpp"
#include "tools/penstock/exit_code.hpp"
#include "tools/penstock/table.hpp"

namespace penstock::commands {

using messages::result;

enum class output_format {
  table,
  json,   ///< one document
  jsonl,  ///< one line a row
  csv     ///< lists only
};

class context {
 public:
  client::settings flags;  ///< as given on the command line
  output_format format = output_format::table;
  bool json = false;                   ///< `format` is for programs that read JSON
  bool yes = false;                    ///< every question is answered with yes
  std::uint32_t timeout_s = 5;         ///< for an answer
  std::vector<const CLI::App*> lists;  ///< commands that print a list

  std::string format_name = "table";  ///< as given
  /// Takes the format that was given. errc::bad_request when the chosen command cannot print so.
  [[nodiscard]] result<void> choose_format();

  /// Set by the subcommand that was chosen.
  std::function<exit_code()> action;

  /// Flags, environment and settings file together.
  result<client::settings> settings() const;
  /// The conversation with the server, made at first use.
  result<client::session*> server();
  /// The project that was named, or the user's only one.
  result<std::string> project();
  /// Asks in the user's project.
  result<nlohmann::json> ask(const std::string& command, nlohmann::json args, const std::string& op = {},
                             std::chrono::milliseconds extra_wait = {});

  void show(const table& rows) const;
  void show(const nlohmann::json& document) const;
  void say(const std::string& line) const;  ///< a line for people, on standard output; nothing for programs
  /// What happened, why, and what to do next, on standard error (and as a document with --json).
  exit_code report(const messages::failure& problem) const;

 private:
  std::unique_ptr<client::session> session_;
};

/// What is asked before something is done that cannot be undone or costs others time: true for --yes, or when the
/// answer typed is yes. errc::bad_request without a terminal to ask on.
[[nodiscard]] result<bool> confirmed(const context& at, const std::string& question);

/// Whether the text of `member` of `object` is there, else "".
[[nodiscard]] std::string text_in(const nlohmann::json& object, const char* member);
/// A count in `object`, else 0.
[[nodiscard]] std::uint64_t number_in(const nlohmann::json& object, const char* member);
/// A list of texts joined by commas; a text as it is.
[[nodiscard]] std::string list_in(const nlohmann::json& object, const char* member);
/// The array `member` of `object`, else an empty one.
[[nodiscard]] const nlohmann::json& array_in(const nlohmann::json& object, const char* member);
/// DICOM person name "Family^Given^Middle" as "Family, Given Middle".
[[nodiscard]] std::string person_name(const std::string& dicom);

/// Asks a paged listing to its end, or to `most` items.
[[nodiscard]] result<nlohmann::json> ask_all_pages(context& at, const std::string& command, nlohmann::json args,
                                                   const char* items, std::size_t most);

// Each adds its subcommands to the program (one file a noun).
void add_identity_commands(CLI::App& program, context& at);    // keygen, whoami
void add_key_commands(CLI::App& program, context& at);         // key new, show, passphrase, add, remove, export
void add_pacs_commands(CLI::App& program, context& at);        // pacs list, echo
void add_patients_commands(CLI::App& program, context& at);    // patients find
void add_studies_commands(CLI::App& program, context& at);     // studies find, series find
void add_submit_command(CLI::App& program, context& at);       // request
void add_watch_command(CLI::App& program, context& at);        // watch
void add_requests_commands(CLI::App& program, context& at);    // requests list, show, cancel, retry, delete, prioritise
void add_cache_commands(CLI::App& program, context& at);       // cache list, facets, usage, delete
void add_download_command(CLI::App& program, context& at);     // download
void add_pull_command(CLI::App& program, context& at);         // pull: find, request, watch, download
void add_doctor_command(CLI::App& program, context& at);       // doctor
void add_completion_command(CLI::App& program, context& at);   // completion, and what it asks the program
void add_open_commands(CLI::App& program, context& at);        // open list, verify, view
void add_governor_commands(CLI::App& program, context& at);    // governor status, simulate, pause, resume
void add_governance_commands(CLI::App& program, context& at);  // governance show, check, reload, admin purge
void add_audit_commands(CLI::App& program, context& at);       // audit list, proof, checkpoint
void add_upkeep_commands(CLI::App& program, context& at);      // admin backup, admin check
void add_server_commands(CLI::App& program, context& at);      // server status

/// The whole command line. `program` keeps references to `at`.
void add_all_commands(CLI::App& program, context& at);

}  // namespace penstock::commands
