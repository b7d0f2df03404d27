#include "tools/penstock/context.hpp"

namespace penstock::commands {

void add_all_commands(CLI::App& program, context& at) {
  program.fallthrough();
  program.require_subcommand(1);
  program.footer(exit_code_help());
  program.add_option("--server", at.flags.server, "Where the server listens (PENSTOCK_SERVER)")
      ->type_name("tcp://HOST:PORT");
  program.add_option("--server-key", at.flags.server_key, "Public key of the server (PENSTOCK_SERVER_KEY)")
      ->type_name("Z85");
  program.add_option("-p,--project", at.flags.project, "Project to work in (PENSTOCK_PROJECT)")->type_name("ID");
  program.add_option("--key", at.flags.key_file, "Your own key file (PENSTOCK_KEY); default ~/.config/penstock/key")
      ->type_name("FILE");
  program.add_option("--timeout", at.timeout_s, "How long to wait for an answer")
      ->type_name("SECONDS")
      ->capture_default_str()
      ->check(CLI::Range(1, 600));
  program
      .add_option("--output", at.format_name,
                  "How to print: one JSON document, one JSON line a row, or CSV (lists only, values as they are)")
      ->check(CLI::IsMember({"table", "json", "jsonl", "csv"}))
      ->capture_default_str();
  program.add_flag_callback(
      "--json", [&at] { at.format_name = "json"; }, "The same as --output json");
  program.add_flag_callback(
      "--jsonl", [&at] { at.format_name = "jsonl"; }, "The same as --output jsonl");
  program.add_flag("-y,--yes", at.yes, "Answer every question with yes");
  add_identity_commands(program, at);
  add_pacs_commands(program, at);
  add_patients_commands(program, at);
  add_studies_commands(program, at);
  add_submit_command(program, at);
  add_watch_command(program, at);
  add_requests_commands(program, at);
  add_cache_commands(program, at);
  add_download_command(program, at);
  add_pull_command(program, at);
  add_open_commands(program, at);
  add_key_commands(program, at);
  add_governor_commands(program, at);
  add_governance_commands(program, at);
  add_audit_commands(program, at);
  add_upkeep_commands(program, at);
  add_server_commands(program, at);
  add_doctor_command(program, at);
  add_completion_command(program, at);
}

}  // namespace penstock::commands
