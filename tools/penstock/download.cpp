// download: takes studies from the project's cache home, sealed unless told otherwise.

#include <filesystem>
#include <vector>

#include "tools/penstock/download_job.hpp"
#include "tools/penstock/holding_flags.hpp"
#include "tools/penstock/interruption.hpp"
#include "tools/penstock/transfer_report.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

namespace fs = std::filesystem;
using messages::errc;
using messages::fail;
using nlohmann::json;

constexpr std::size_t most_queued = 1000;

struct download_flags {
  holding_flags which;
  key_flags key;
  std::string to;
  std::vector<std::string> resume;
  plain_flags names;
  bool plain = false;
  bool verify = true;
  bool progress = false;
};

json as_json(const download_end& end) {
  json shown{{"folder", end.folder}, {"sealed", end.sealed},   {"resumed", end.resumed},         {"images", end.images},
             {"bytes", end.bytes},   {"missing", end.missing}, {"complete", end.missing.empty()}};
  if (end.sealed) shown["download"] = end.download;
  if (end.verified) shown["verified"] = *end.verified;
  return shown;
}

exit_code conclude(const context& at, const download_end& end) {
  if (at.json) at.show(as_json(end));
  at.say(images(end.images) + ", " + human_bytes(end.bytes) + ", are in " + end.folder + " (" +
         human_seconds(static_cast<std::uint64_t>(end.seconds + 0.5)) + ").");
  if (end.verified) at.say("Every one was read back and is what the server sealed.");
  if (!end.missing.empty())
    at.say(images(end.missing.size()) + " could not be sent; 'penstock download --resume " + end.folder +
           "' tries again.");
  if (end.sealed)
    at.say("They are sealed. To look: penstock open list " + end.folder +
           "\n"
           "                         penstock open view " +
           end.folder + " --select 1");
  return end.missing.empty() ? exit_code::ok : exit_code::not_everything_ok;
}

exit_code ended(const context& at, const result<download_end>& end) {
  if (end) return conclude(at, *end);
  if (!was_interrupted()) return at.report(end.error());
  static_cast<void>(at.report({errc::conflict, end.error().context}));
  return exit_code::interrupted;
}

exit_code run_plain(context& at, const download_flags& flags) {
  auto output = plain_output::prepare(flags.names);
  if (!output) return at.report(output.error());
  auto studies = studies_of(at, flags.which);
  if (!studies) return at.report(studies.error());
  return ended(at, begin_plain_download(at, flags.to, *studies, *output, {"", false, flags.progress}));
}

exit_code run_sealed(context& at, const download_flags& flags) {
  const auto key = new_holder::choose(flags.key);
  if (!key) return at.report(key.error());
  auto studies = studies_of(at, flags.which);
  if (!studies) return at.report(studies.error());
  return ended(at, begin_sealed_download(at, flags.to, *studies, *key, {"", false, flags.progress}));
}

exit_code run_new(context& at, const download_flags& flags) {
  if (!can_begin_in(flags.to))
    return at.report(fail(errc::conflict, flags.to + " is not empty; a download wants a folder of its own"));
  return flags.plain ? run_plain(at, flags) : run_sealed(at, flags);
}

exit_code run_resume(context& at, const download_flags& flags, const fs::path& path, const std::string& heading) {
  const auto open = [&](const client::download_record& record) { return open_key(at, flags.key, record); };
  return ended(at, resume_download_in(at, path, open, {heading, flags.verify, flags.progress}));
}

/// One after the other: they share one line to the server. One that fails does not hold up the rest.
exit_code run_queue(context& at, const download_flags& flags) {
  auto worst = exit_code::ok;
  std::size_t number = 0;
  for (const auto& folder : flags.resume) {
    ++number;
    if (was_interrupted()) return exit_code::interrupted;
    const auto heading =
        flags.resume.size() == 1 ? "" : std::to_string(number) + " of " + std::to_string(flags.resume.size()) + ": ";
    const auto code = run_resume(at, flags, folder, heading);
    if (worst == exit_code::ok || worst == exit_code::not_everything_ok) worst = code == exit_code::ok ? worst : code;
  }
  return worst;
}

/// Run again on the same folder, the command goes on with what lies there.
exit_code run_download(context& at, const download_flags& flags) {
  if (!flags.plain && (flags.names.dicomdir || !flags.names.layout.empty()))
    return at.report(fail(errc::bad_request, "--layout and --dicomdir are for --plain; sealed files have no names"));
  if (flags.to.empty() == flags.resume.empty())
    return at.report(fail(errc::bad_request, "give --to DIR for a new download, or --resume DIR to go on with one"));
  end_in_order_on_interrupt();
  if (!flags.resume.empty()) return run_queue(at, flags);
  std::error_code error;
  if (!fs::exists(fs::path{flags.to} / client::download_record_name, error)) return run_new(at, flags);
  auto record = client::load_record(flags.to);
  if (!record) return at.report(record.error());
  if (record->state == "complete" || flags.plain)
    return at.report(fail(errc::conflict, flags.to +
                                              " holds a download already; take another folder, or read it back "
                                              "with: penstock download --resume " +
                                              flags.to));
  at.say(flags.to + " holds a download that did not come to its end; going on with what was chosen then.");
  return run_resume(at, flags, flags.to, "");
}

}  // namespace

void add_download_command(CLI::App& program, context& at) {
  auto* download = program.add_subcommand("download", "Take studies from the cache home, sealed");
  const auto flags = std::make_shared<download_flags>();
  download->add_option("--to", flags->to, "Folder to put them into; new or empty")->type_name("DIR");
  auto* resume = download
                     ->add_option("--resume", flags->resume,
                                  "Go on with the download in this folder; of several, one after the other")
                     ->type_name("DIR")
                     ->expected(1, static_cast<int>(most_queued));
  add_holding_flags(*download, flags->which);
  add_study_choice(*download, flags->which);
  add_key_flags(*download, flags->key);
  download->add_flag("--plain", flags->plain, "Write ordinary DICOM files, readable by all who get at the disk")
      ->excludes(resume);
  add_plain_flags(*download, flags->names);
  download->add_flag("!--no-verify", flags->verify, "After --resume: do not read every file back at the end");
  download->add_flag(progress_flag, flags->progress, progress_help);
  download->footer(
      "The key of a sealed download is kept wrapped under your passphrase or key file. Whoever forgets or loses it "
      "can\n"
      "never read the images again, and nobody can help. 'penstock key add' lets a colleague open them, too.\n"
      "A download that was interrupted goes on with --resume, or when the same command is run again, within 24 hours.");
  download->callback([&at, flags] { at.action = [&at, flags] { return run_download(at, *flags); }; });
}

}  // namespace penstock::commands
