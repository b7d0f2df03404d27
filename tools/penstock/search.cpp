#include "tools/penstock/search.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <iostream>

#include "tools/client/local_file.hpp"
#include "tools/penstock/csv.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/interruption.hpp"
#include "tools/penstock/terminal.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;

constexpr std::chrono::milliseconds wait_for_part{10'000};
constexpr std::chrono::hours longest_search{6};
constexpr std::size_t longest_list_bytes = 16 * 1024 * 1024;
/// A longer list of outcomes shows what needs a look; the rest is in the file of --outcomes.
constexpr std::size_t most_good_lines = 50;

json revealed(const std::vector<messages::protected_text>& values) {
  json list = json::array();
  for (const auto& value : values) list.push_back(value.reveal());
  return list;
}

result<json> values_in_file(const std::string& file, const std::vector<std::string>& headings,
                            const std::string& column) {
  auto text = read_list_text(file);
  if (!text) return text.error();
  auto values = parse_input_list(*text, headings, column);
  if (!values)
    return fail(values.error().code, (file == "-" ? "standard input" : file) + ": " + values.error().context);
  return revealed(*values);
}

bool is_good(const std::string& outcome) {
  return outcome == "found" || outcome == "accepted" || outcome == "already_cached" || outcome == "already_requested";
}

/// Who writes a number where a file is wanted hears how numbers are given.
messages::failure unreadable_list(const std::string& file, const messages::failure& problem) {
  const bool is_number = std::any_of(file.begin(), file.end(), [](unsigned char c) { return std::isdigit(c) != 0; }) &&
                         file.find_first_of("./") == std::string::npos;
  if (problem.code != errc::not_found || !is_number) return fail(errc::bad_request, problem.context);
  return fail(errc::bad_request, "there is no file '" + file +
                                     "'; numbers themselves are given without --mrns (as arguments, or with "
                                     "--where mrn=...), accession numbers with --accession");
}

result<void> add_place(context& at, const search_flags& flags, json& args) {
  if (!flags.pacs.empty()) args["pacs"] = split_commas(flags.pacs);
  if (!flags.institution.empty()) args["institution"] = flags.institution;
  if (!flags.department.empty()) args["department"] = flags.department;
  if (args.contains("pacs") || args.contains("institution")) return {};
  auto server = at.server();
  if (!server) return server.error();
  auto project = at.project();
  if (!project) return project.error();
  for (const auto& one : array_in((*server)->greeting(), "projects"))
    if (text_in(one, "id") == *project) args["pacs"] = array_in(one, "pacs");
  if (!args.contains("pacs")) return fail(errc::not_found, "you are not a member of the project " + *project);
  return {};
}

result<void> add_inputs(const search_flags& flags, json& args) {
  if (!flags.mrns.empty()) args["mrns"] = split_pasted(flags.mrns);
  if (!flags.accessions.empty()) args["accessions"] = split_pasted(flags.accessions);
  if (!flags.mrn_file.empty()) {
    auto values = values_in_file(flags.mrn_file, mrn_headings(), flags.column);
    if (!values) return values.error();
    auto& mrns = args["mrns"];
    for (auto& value : *values) mrns.push_back(std::move(value));
  }
  if (!flags.accession_file.empty()) {
    auto values = values_in_file(flags.accession_file, accession_headings(), flags.column);
    if (!values) return values.error();
    auto& accessions = args["accessions"];
    for (auto& value : *values) accessions.push_back(std::move(value));
  }
  if (args.contains("mrns") == args.contains("accessions"))
    return fail(errc::bad_request, "name the patients, by MRN or --mrns FILE, or the studies by --accessions FILE");
  const auto& inputs = args.contains("mrns") ? args["mrns"] : args["accessions"];
  if (inputs.empty()) return fail(errc::bad_request, "the list is empty");
  return {};
}

}  // namespace

void add_place_flags(CLI::App& command, search_flags& flags) {
  auto* pacs =
      command.add_option("--pacs", flags.pacs, "PACS to ask; default: all of the project")->type_name("ID[,ID]");
  command.add_option("--institution", flags.institution, "Ask the PACS of an institution")
      ->type_name("ID")
      ->excludes(pacs);
  command.add_option("--department", flags.department, "Of that institution, one department")->type_name("NAME");
  command.add_option("MRN", flags.mrns, "Medical record numbers, exactly as the hospital writes them");
  command.add_option("--mrns", flags.mrn_file, "List of MRNs, one a line or CSV; - is standard input")
      ->type_name("FILE");
  command
      .add_option("--column", flags.column, "Column of that CSV; default: the one headed MRN, PatientID, accession...")
      ->type_name("HEADING");
  command.add_option("--outcomes", flags.outcome_file, "Write what became of each line to this file, as CSV")
      ->type_name("FILE.csv");
}

void add_study_flags(CLI::App& command, search_flags& flags) {
  command.add_option("--accession", flags.accessions, "Accession numbers in place of MRNs")
      ->type_name("NUMBER")
      ->allow_extra_args(false);
  command.add_option("--accessions", flags.accession_file, "List of accession numbers, one a line or CSV")
      ->type_name("FILE");
  command.add_option("--modality", flags.modalities, "Only studies with these")->type_name("MR,CT");
  command.add_option("--study-date", flags.study_date, "A day, or a range")->type_name("2009-01-01..2012-01-01");
}

result<json> search_args(context& at, const search_flags& flags) {
  json args = json::object();
  if (auto done = add_inputs(flags, args); !done) return done.error();
  if (!flags.modalities.empty()) {
    auto modalities = parse_modalities(flags.modalities);
    if (!modalities) return modalities.error();
    args["modalities"] = *modalities;
  }
  if (!flags.study_date.empty()) {
    auto range = parse_date_range(flags.study_date);
    if (!range) return range.error();
    args["study_date"] = *range;
  }
  if (auto done = add_place(at, flags, args); !done) return done.error();
  return args;
}

bool add_search_part(const json& part, const char* items, search_findings& findings, json& args) {
  const auto& found = array_in(part, items);
  const auto& rows = array_in(part, "rows");
  for (const auto& item : found) findings.found.push_back(item);
  for (const auto& row : rows) findings.rows.push_back(row);
  const auto next = part.find("next");
  const bool has_next = next != part.end() && !next->is_null() && *next != "";
  const bool done = part.value("done", false);
  if (done && (!has_next || (found.empty() && rows.empty()))) return false;
  if (part.contains("search")) args["search"] = part["search"];
  if (has_next) args["cursor"] = *next;
  return args.contains("search");
}

result<search_findings> follow_search(context& at, const std::string& command, json args, const char* items) {
  progress_line progress;
  search_findings findings;
  const auto inputs = args.value("mrns", args.value("accessions", json::array())).size();
  const auto deadline = std::chrono::steady_clock::now() + longest_search;
  args["wait_ms"] = wait_for_part.count();
  auto part = at.ask(command, args, "", wait_for_part);
  json more{{"wait_ms", wait_for_part.count()}};
  for (;;) {
    if (!part) return part.error();
    if (!add_search_part(*part, items, findings, more)) return findings;
    if (was_interrupted()) return fail(errc::shutting_down, "interrupted");
    if (std::chrono::steady_clock::now() > deadline)
      return fail(errc::timed_out, "the search takes longer than 6 hours");
    progress.show("searching: " + std::to_string(findings.rows.size()) + " of " + std::to_string(inputs) +
                  " lines, found " + std::to_string(findings.found.size()));
    part = at.ask("search.more", more, "", wait_for_part);
  }
}

json count_outcomes(const json& rows) {
  json counts = json::object();
  for (const auto& row : rows) {
    const auto outcome = text_in(row, "outcome");
    counts[outcome] = counts.value(outcome, 0) + 1;
  }
  return counts;
}

void show_outcomes(const context& at, const json& rows) {
  if (rows.empty() || at.format != output_format::table) return;
  table lines{{{"Line", alignment::right}, {"Input"}, {"Outcome"}, {"Why"}}};
  const bool all = rows.size() <= most_good_lines;
  std::size_t number = 0;
  for (const auto& row : rows) {
    ++number;
    const auto outcome = text_in(row, "outcome");
    const bool good = is_good(outcome);
    if (good && !all) continue;
    lines.add({std::to_string(number), text_in(row, "input"), cell{outcome, good ? tint::good : tint::busy},
               text_in(row, "message")});
  }
  at.say("");
  if (!lines.empty()) at.show(lines);
  std::string summary;
  const auto counts = count_outcomes(rows);
  for (const auto& [outcome, count] : counts.items())
    summary += (summary.empty() ? "" : ", ") + count.dump() + " " + outcome;
  at.say(std::to_string(rows.size()) + (rows.size() == 1 ? " line: " : " lines: ") + summary);
  if (!all) at.say("What is good is not listed here; --outcomes FILE.csv writes every line.");
}

result<void> write_outcomes(const std::string& file, std::initializer_list<outcome_step> steps) {
  if (file.empty()) return {};
  static constexpr std::array members{"input", "outcome", "mrn", "request", "message"};
  std::vector<std::string> record{"step", "line"};
  record.insert(record.end(), members.begin(), members.end());
  auto text = csv_record(record);
  for (const auto& [step, rows] : steps) {
    std::size_t line = 0;
    for (const auto& row : *rows) {
      record = {step, std::to_string(++line)};
      for (const char* member : members) record.push_back(text_in(row, member));
      text += csv_record(record);
    }
  }
  return client::replace_file(file, text);
}

exit_code code_of_outcomes(const json& rows) {
  for (const auto& row : rows) {
    const auto outcome = text_in(row, "outcome");
    if (outcome != "found" && outcome != "duplicate") return exit_code::not_everything_ok;
  }
  return exit_code::ok;
}

result<std::string> read_list_text(const std::string& file) {
  if (file != "-") {
    auto text = client::read_small_file(file, longest_list_bytes);
    if (!text) return unreadable_list(file, text.error());
    return utf8_text(std::move(*text));
  }
  std::string text;
  char part[4096];
  while (std::cin.read(part, sizeof part) || std::cin.gcount() > 0) {
    text.append(part, static_cast<std::size_t>(std::cin.gcount()));
    if (text.size() > longest_list_bytes) return fail(errc::too_large, "standard input: over 16 MiB");
  }
  return utf8_text(std::move(text));
}

result<json> read_mrns(const std::string& file, const std::string& column) {
  return values_in_file(file, mrn_headings(), column);
}

}  // namespace penstock::commands
