#include "tools/penstock/manual.hpp"

#include "tools/penstock/completion_words.hpp"
#include "tools/penstock/exit_code.hpp"

namespace penstock::commands {
namespace {

constexpr const char* about =
    R"(.SH FILES
.TP
.I ~/.config/penstock/config.json
Settings: {"server": "tcp://host:port", "server_key": "Z85", "project": "id", "key_file": "path"}; every member may be
absent.
.TP
.I ~/.config/penstock/key
Your own key, readable by you only. 'penstock keygen' makes it.
.TP
.I DIR/penstock\-download.json
What a sealed download is: its key, wrapped; nothing about patients.
.TP
.I DIR/penstock\-pull.json
How far a pull has come: requests by their numbers; nothing about patients.
.SH ENVIRONMENT
Options win over the environment, the environment over the settings file.
.TP
.B PENSTOCK_SERVER, PENSTOCK_SERVER_KEY, PENSTOCK_PROJECT, PENSTOCK_KEY
As \-\-server, \-\-server\-key, \-\-project and \-\-key.
.TP
.B PENSTOCK_CONFIG
The settings file to read in place of the usual one.
.TP
.B PAGER
What shows a list that is longer than the terminal; default: less \-FRSX. Empty: nothing does.
.TP
.B NO_COLOR
When it is set, nothing is coloured.
.SH CSV
Values are written exactly as they are, after RFC 4180. A spreadsheet may take one that begins with = + \- or @ for a
formula, and leading zeros for nothing: import the columns as text.
.SH SEE ALSO
.BR penstock\-governance (5),
.BR penstockd (8)
)";

std::string flags_of(const CLI::Option& option) {
  std::string flags;
  for (const auto& name : option.get_snames()) flags += (flags.empty() ? "-" : ", -") + name;
  for (const auto& name : option.get_lnames()) flags += (flags.empty() ? "--" : ", --") + name;
  return option.get_positional() ? option.get_name() : flags;
}

/// "{low,normal,high}" of "TEXT:{low,normal,high}".
std::string value_name(const CLI::Option& option) {
  const auto name = option.get_type_name();
  const auto choices = name.find(":{");
  return choices == std::string::npos ? name : name.substr(choices + 1);
}

void add_option(std::string& page, const CLI::Option& option) {
  const bool takes_value = option.get_type_size_max() > 0 && !option.get_positional();
  page += ".TP\n";
  page += takes_value ? ".BI \"" + roff_text(flags_of(option)) + " \" \"" + roff_text(value_name(option)) + "\""
                      : ".B " + roff_text(flags_of(option));
  auto text = option.get_description();
  if (const auto usual = option.get_default_str(); !usual.empty()) text += " (default " + usual + ")";
  page += "\n" + roff_text(text) + "\n";
}

void add_options(std::string& page, const CLI::App& of) {
  for (const auto* option : of.get_options())
    if (option->get_positional()) add_option(page, *option);
  for (const auto* option : shown_options(of))
    if (!option->check_lname("help")) add_option(page, *option);
}

/// A subcommand and those below it, under the words that lead to it.
void add_command(std::string& page, const CLI::App& command, const std::string& before) {
  const auto words = before + " " + command.get_name();
  const auto below = shown_commands(command);
  if (below.empty()) {
    page += ".SS \"" + roff_text(words) + "\"\n" + roff_text(command.get_description()) + ".\n";
    add_options(page, command);
    if (const auto footer = command.get_footer(); !footer.empty() && footer != exit_code_help())
      page += ".PP\n" + roff_text(footer) + "\n";
  }
  for (const auto* one : below) add_command(page, *one, words);
}

}  // namespace

std::string roff_text(const std::string& text) {
  std::string shown;
  bool begins_line = true;
  for (const char c : text) {
    if (begins_line && (c == '.' || c == '\'')) shown += "\\&";
    begins_line = c == '\n';
    if (c == '\\')
      shown += "\\e";
    else if (c == '-')
      shown += "\\-";
    else if (c == '"')
      shown += "\\(dq";
    else
      shown += c;
  }
  return shown;
}

std::string manual_page(const CLI::App& program) {
  std::string page = ".TH PENSTOCK 1 2026-11-22 Penstock \"User Commands\"\n.SH NAME\npenstock \\- " +
                     roff_text(program.get_description()) +
                     "\n.SH SYNOPSIS\n.B penstock\n.RI [ OPTIONS ] \" COMMAND \" [ ... ]\n.SH OPTIONS\n"
                     "These may stand before and after a command.\n";
  add_options(page, program);
  page += ".SH COMMANDS\n";
  for (const auto* one : shown_commands(program)) add_command(page, *one, "penstock");
  page += ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : exit_meanings)
    page += ".TP\n.B " + std::to_string(static_cast<int>(code)) + "\n" + std::string{meaning} + "\n";
  return page + about;
}

}  // namespace penstock::commands
