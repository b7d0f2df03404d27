// audit list, proof, checkpoint: the journal, for auditors and for whoever wants to know that it was not changed.

#include <algorithm>
#include <iostream>

#include "tools/client/journal_proof.hpp"
#include "tools/client/local_file.hpp"
#include "tools/penstock/journal_words.hpp"
#include "tools/penstock/list_output.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;

constexpr std::size_t page_entries = 1000;
constexpr std::size_t longest_checkpoint_bytes = 16'384;

result<json> ask_site(context& at, const std::string& command, const json& args) {
  auto server = at.server();
  if (!server) return server.error();
  return (*server)->ask({command, "", args, "", {}});
}

// ---- list ----

struct audit_list_flags {
  list_flags list;
  std::size_t limit = 200;
};

/// A page may be empty and not the last one.
result<json> read_entries(context& at, json args, std::size_t most) {
  json all = json::array();
  json answer;
  do {
    args["limit"] = std::min(page_entries, most - all.size());
    auto page = ask_site(at, "audit.list", args);
    if (!page) return page;
    answer = std::move(*page);
    for (const auto& entry : array_in(answer, "entries")) all.push_back(entry);
    args["cursor"] = answer.value("next", "");
  } while (all.size() < most && args["cursor"] != "");
  answer["entries"] = std::move(all);
  return answer;
}

exit_code run_list(context& at, const audit_list_flags& flags) {
  auto filter = parse_where(flags.list.filter.where, journal_columns());
  if (!filter) return at.report(filter.error());
  auto found = read_entries(at, json{{"filter", *filter}}, flags.limit);
  if (!found) return at.report(found.error());
  const bool more = found->contains("next");
  const listed what{std::move(*found), "entries", "The journal has no such entries."};
  if (auto shown = show_list(at, what, journal_columns(), flags.list.columns); !shown) return at.report(shown.error());
  if (more) at.say("There may be older ones; --limit shows more.");
  return exit_code::ok;
}

// ---- checkpoint and proof ----

/// What did not hold is no wrong key of the person's own.
exit_code report_refuted(context& at, const messages::failure& problem) {
  if (problem.code != errc::authentication_failed) return at.report(problem);
  static_cast<void>(at.report({errc::corrupt, problem.context}));
  std::cerr
      << "Somebody has changed the journal, or what was kept of it: keep both checkpoints, and ask who answers for "
         "the server.\n";
  return exit_code::verification_failed;
}

/// That the tree of `head` goes on from the one that was kept in `file`; what is said of it.
result<std::string> check_against(context& at, const std::string& file, const json& checkpoint,
                                  const storage::tree_head& head) {
  auto kept = client::read_small_file(file, longest_checkpoint_bytes);
  if (!kept) return kept.error();
  const auto before = client::kept_head(*kept, checkpoint);
  if (!before) return fail(before.error().code, file + ": " + before.error().context);
  if (before->size > 0) {
    auto proof = ask_site(at, "audit.proof", json{{"size", head.size}, {"old_size", before->size}});
    if (!proof) return proof.error();
    if (auto good = client::check_consistency(*proof, *before, head); !good) return good.error();
  }
  return "It goes on from the " + std::to_string(before->size) + " entries of " + file + ": none of them was changed.";
}

exit_code run_checkpoint(context& at, const std::string& since) {
  auto checkpoint = ask_site(at, "audit.checkpoint", json::object());
  if (!checkpoint) return at.report(checkpoint.error());
  const auto head = client::head_in(*checkpoint);
  if (!head) return report_refuted(at, head.error());
  if (!since.empty()) {
    auto goes_on = check_against(at, since, *checkpoint, *head);
    if (!goes_on) return report_refuted(at, goes_on.error());
    std::cerr << *goes_on << std::endl;
  }
  if (at.json) {
    at.show(*checkpoint);
    return exit_code::ok;
  }
  std::cout << text_in(*checkpoint, "checkpoint") << std::flush;
  return exit_code::ok;
}

struct proof_flags {
  std::uint64_t entry = 0;
  std::string since;
};

exit_code run_proof(context& at, const proof_flags& flags) {
  auto checkpoint = ask_site(at, "audit.checkpoint", json::object());
  if (!checkpoint) return at.report(checkpoint.error());
  const auto head = client::head_in(*checkpoint);
  if (!head) return report_refuted(at, head.error());
  auto proof = ask_site(at, "audit.proof", json{{"seq", flags.entry}, {"size", head->size}});
  if (!proof) return at.report(proof.error());
  if (auto good = client::check_inclusion(*proof, flags.entry, *head); !good) return report_refuted(at, good.error());
  std::string goes_on;
  if (!flags.since.empty()) {
    auto checked = check_against(at, flags.since, *checkpoint, *head);
    if (!checked) return report_refuted(at, checked.error());
    goes_on = *checked;
  }
  if (at.json) at.show(json{{"verified", true}, {"checkpoint", *checkpoint}, {"proof", *proof}});
  at.say(text_in(*proof, "leaf"));
  at.say("Verified: it is entry " + std::to_string(flags.entry) + " of the " + std::to_string(head->size) +
         " that the checkpoint of " + head->origin + " has signed.");
  if (!goes_on.empty()) at.say(goes_on);
  return exit_code::ok;
}

CLI::Option* add_since(CLI::App& command, std::string& file) {
  return command.add_option("--since", file, "A checkpoint that was kept: check that the journal goes on from it")
      ->type_name("FILE");
}

}  // namespace

void add_audit_commands(CLI::App& program, context& at) {
  auto* audit =
      program.add_subcommand("audit", "The journal: every step that was decided or done")->require_subcommand(1);
  auto* list = audit->add_subcommand("list", "Entries, the newest first (auditors, administrators)");
  const auto flags = std::make_shared<audit_list_flags>();
  list->add_option("--where", flags->list.filter.where,
                   "Only entries that fit, such as by=amy, kind~request.*, when=2026-11-01.. or entry=100..200; may be "
                   "repeated. Columns: " +
                       names_of(journal_columns()))
      ->type_name("CONDITION")
      ->allow_extra_args(false);
  list->add_option("--columns", flags->list.columns, "Columns to show in a table or CSV")->type_name("A,B,C");
  list->add_option("--limit", flags->limit, "At most so many")->capture_default_str()->check(CLI::Range(1, 1'000'000));
  at.lists.push_back(list);
  list->callback([&at, flags] { at.action = [&at, flags] { return run_list(at, *flags); }; });

  auto* proof = audit->add_subcommand("proof", "Prove that an entry is in the journal (auditors; others their own)");
  const auto which = std::make_shared<proof_flags>();
  proof->add_option("ENTRY", which->entry, "Its number")->required()->check(CLI::PositiveNumber);
  add_since(*proof, which->since);
  proof->callback([&at, which] { at.action = [&at, which] { return run_proof(at, *which); }; });

  auto* checkpoint = audit->add_subcommand("checkpoint", "Print the journal's tree head, signed: keep it");
  const auto since = std::make_shared<std::string>();
  add_since(*checkpoint, *since);
  checkpoint->callback([&at, since] { at.action = [&at, since] { return run_checkpoint(at, *since); }; });
}

}  // namespace penstock::commands
