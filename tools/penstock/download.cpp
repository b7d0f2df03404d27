// download: takes studies from the project's cache home, sealed unless told otherwise.

#include "tools/client/download.hpp"

#include <signal.h>

#include <chrono>
#include <csignal>
#include <filesystem>

#include "tools/client/download_folder.hpp"
#include "tools/penstock/holding_flags.hpp"
#include "tools/penstock/sealed_key.hpp"
#include "tools/penstock/terminal.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

namespace fs = std::filesystem;
using messages::errc;
using messages::fail;
using nlohmann::json;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds progress_interval{200};

struct download_flags {
  holding_flags which;
  key_flags key;
  std::string to;
  std::string resume;
  bool plain = false;
};

volatile std::sig_atomic_t interrupted = 0;

/// The first Ctrl-C ends the download in order; what has come stays and can be resumed.
void end_in_order_on_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = SA_RESETHAND;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

/// "120 of 400 images, 1.2 of 4.0 GiB, 85 MiB/s, 35 s left"
class progress_report {
 public:
  void show(const client::download_progress& now) {
    const auto at = steady_clock::now();
    if (first_bytes_ == 0) first_bytes_ = now.bytes;
    if (at < next_) return;
    next_ = at + progress_interval;
    const auto seconds = std::chrono::duration<double>(at - start_).count();
    const auto rate = seconds > 0 ? static_cast<double>(now.bytes - first_bytes_) / seconds : 0.0;
    std::string text = std::to_string(now.objects) + " of " + std::to_string(now.objects_total) + " images, " +
                       human_bytes(now.bytes) + " of " + human_bytes(now.bytes_total);
    if (rate >= 1) {
      const auto left = static_cast<double>(now.bytes_total - std::min(now.bytes, now.bytes_total)) / rate;
      text += ", " + human_bytes(static_cast<std::uint64_t>(rate)) + "/s, " +
              human_seconds(static_cast<std::uint64_t>(left + 0.5)) + " left";
    }
    line_.show(text);
  }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(steady_clock::now() - start_).count(); }
  void clear() { line_.clear(); }

 private:
  progress_line line_;
  steady_clock::time_point start_ = steady_clock::now();
  steady_clock::time_point next_{};
  std::uint64_t first_bytes_ = 0;
};

result<void> make_empty_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder / client::download_record_name, error))
    return fail(errc::conflict, folder.string() + " holds a download already; go on with it by --resume " +
                                    folder.string() + ", or take another folder");
  if (fs::exists(folder, error) && !fs::is_empty(folder, error))
    return fail(errc::conflict, folder.string() + " is not empty; a download wants a folder of its own");
  return client::make_private_directory(folder);
}

exit_code conclude(const context& at, const fs::path& folder, const client::download_receiver& receiver, double seconds,
                   bool plain) {
  const auto missing = receiver.missing().size();
  if (at.json) {
    at.show(json{{"folder", folder.string()},
                 {"sealed", !plain},
                 {"images", receiver.objects_finished()},
                 {"bytes", receiver.sealed_bytes_received()},
                 {"missing", receiver.missing()},
                 {"complete", missing == 0}});
  } else {
    at.say(std::to_string(receiver.objects_finished()) + " images, " + human_bytes(receiver.sealed_bytes_received()) +
           ", are in " + folder.string() + " (" + human_seconds(static_cast<std::uint64_t>(seconds + 0.5)) + ").");
    if (missing != 0)
      at.say(std::to_string(missing) + " images could not be sent; 'penstock download --resume " + folder.string() +
             "' tries again.");
    if (!plain)
      at.say("They are sealed. To look: penstock open list " + folder.string() +
             "\n"
             "                         penstock open view " +
             folder.string() + " --select 1");
  }
  return missing == 0 ? exit_code::ok : exit_code::not_everything_ok;
}

/// Receives what is open, and says how it went.
exit_code receive(context& at, const fs::path& folder, client::opened_download& opened,
                  client::download_receiver& receiver, client::download_record* record) {
  progress_report progress;
  client::fetch_options options;
  options.on_progress = [&](const client::download_progress& now) { progress.show(now); };
  options.stopped = [] { return interrupted != 0; };
  end_in_order_on_interrupt();
  auto server = at.server();
  auto project = at.project();
  if (!server) return at.report(server.error());
  if (!project) return at.report(project.error());
  auto fetched = client::fetch_download(**server, *project, opened, receiver, options);
  progress.clear();
  if (!fetched) {
    auto problem = fetched.error();
    if (record != nullptr) problem.context += "; go on with: penstock download --resume " + folder.string();
    return at.report(problem);
  }
  if (record != nullptr) {
    record->state = receiver.missing().empty() ? "complete" : "incomplete";
    if (auto saved = client::save_record(folder, *record); !saved) return at.report(saved.error());
  }
  return conclude(at, folder, receiver, progress.seconds(), record == nullptr);
}

result<client::opened_download> open_chosen(context& at, const holding_flags& which) {
  auto studies = studies_of(at, which);
  if (!studies) return studies.error();
  auto server = at.server();
  if (!server) return server.error();
  auto project = at.project();
  if (!project) return project.error();
  return client::open_download(**server, *project, json{{"studies", *studies}});
}

exit_code run_plain(context& at, const download_flags& flags) {
  const fs::path folder{flags.to};
  if (auto made = make_empty_folder(folder); !made) return at.report(made.error());
  auto opened = open_chosen(at, flags.which);
  if (!opened) return at.report(opened.error());
  client::plain_folder_store store{folder};
  client::download_receiver receiver{opened->facts, store};
  return receive(at, folder, *opened, receiver, nullptr);
}

exit_code run_sealed(context& at, const download_flags& flags) {
  const fs::path folder{flags.to};
  if (auto made = make_empty_folder(folder); !made) return at.report(made.error());
  auto key = researcher_key::choose(flags.key);
  if (!key) return at.report(key.error());
  auto opened = open_chosen(at, flags.which);
  if (!opened) return at.report(opened.error());
  const auto& facts = opened->facts;
  auto wrapped = key->wrap(facts.key, facts.download);
  if (!wrapped) return at.report(wrapped.error());
  auto project = at.project();
  if (!project) return at.report(project.error());
  client::download_record record;
  record.download = facts.download;
  record.project = *project;
  record.segment_bytes = facts.segment_bytes;
  record.objects = facts.objects;
  record.bytes = facts.bytes;
  record.key = *wrapped;
  if (auto saved = client::save_record(folder, record); !saved) return at.report(saved.error());
  client::sealed_folder_store store{folder};
  client::download_receiver receiver{facts, store};
  return receive(at, folder, *opened, receiver, &record);
}

/// What is in the folder is looked at first; nothing is asked of the server when nothing is missing.
exit_code run_resume(context& at, const download_flags& flags) {
  const fs::path folder{flags.resume};
  auto record = client::load_record(folder);
  if (!record) return at.report(record.error());
  auto own_key = researcher_key::recall(flags.key, record->key);
  if (!own_key) return at.report(own_key.error());
  auto key = own_key->unwrap(record->key, record->download);
  if (!key) return at.report(key.error());
  if (at.flags.project.empty()) at.flags.project = record->project;
  client::opened_download opened;
  opened.facts = {record->download, std::move(*key), record->segment_bytes, record->objects, record->bytes};
  auto progress = client::find_progress(folder, opened.facts);
  if (!progress) return at.report(progress.error());
  client::sealed_folder_store store{folder};
  client::download_receiver receiver{opened.facts, store};
  if (progress->manifest) {
    const auto last = progress->manifest->objects.size();
    auto resumed =
        receiver.resume(std::move(*progress->manifest), progress->index_bytes, progress->position, progress->header);
    if (!resumed) return at.report(resumed.error());
    if (receiver.position().object > last) {
      if (auto ended = receiver.on_end(); !ended) return at.report(ended.error());
      record->state = receiver.missing().empty() ? "complete" : "incomplete";
      if (auto saved = client::save_record(folder, *record); !saved) return at.report(saved.error());
      return conclude(at, folder, receiver, 0, false);
    }
    if (!progress->partial_path.empty())
      if (auto reopened = store.reopen(progress->partial_path); !reopened) return at.report(reopened.error());
  }
  auto server = at.server();
  if (!server) return at.report(server.error());
  auto again = client::resume_download(**server, record->project, record->download, opened.facts.key);
  if (!again) return at.report(again.error());
  opened.ticket = std::move(again->ticket);
  return receive(at, folder, opened, receiver, &*record);
}

exit_code run_download(context& at, const download_flags& flags) {
  if (flags.to.empty() == flags.resume.empty())
    return at.report(fail(errc::bad_request, "give --to DIR for a new download, or --resume DIR to go on with one"));
  if (!flags.resume.empty()) return run_resume(at, flags);
  return flags.plain ? run_plain(at, flags) : run_sealed(at, flags);
}

}  // namespace

void add_download_command(CLI::App& program, context& at) {
  auto* download = program.add_subcommand("download", "Take studies from the cache home, sealed");
  const auto flags = std::make_shared<download_flags>();
  download->add_option("--to", flags->to, "Folder to put them into; new or empty")->type_name("DIR");
  auto* resume =
      download->add_option("--resume", flags->resume, "Go on with the download in this folder")->type_name("DIR");
  add_holding_flags(*download, flags->which);
  add_study_choice(*download, flags->which);
  add_key_flags(*download, flags->key);
  download->add_flag("--plain", flags->plain, "Write ordinary DICOM files, readable by all who get at the disk")
      ->excludes(resume);
  download->footer(
      "The key of a sealed download is kept wrapped under your passphrase or key file. Without it nobody can\n"
      "open the images, neither you nor the administrators.");
  download->callback([&at, flags] { at.action = [&at, flags] { return run_download(at, *flags); }; });
}

}  // namespace penstock::commands
