// download: takes studies from the project's cache home, sealed unless told otherwise.

#include "tools/client/download.hpp"

#include <signal.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>

#include "tools/client/download_folder.hpp"
#include "tools/client/download_record.hpp"
#include "tools/client/sealed_folder.hpp"
#include "tools/penstock/holding_flags.hpp"
#include "tools/penstock/plain_files.hpp"
#include "tools/penstock/sealed_key.hpp"
#include "tools/penstock/terminal.hpp"
#include "tools/penstock/transfer_rate.hpp"
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
  plain_flags names;
  bool plain = false;
  bool verify = true;
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

std::string images(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " image" : " images"); }

/// "120 of 400 images, 1.2 of 4.0 GiB, 85 MiB/s, 35 s left"
class progress_report {
 public:
  void show(const client::download_progress& now) {
    const auto at = steady_clock::now();
    if (at < next_) return;
    next_ = at + progress_interval;
    rate_.observe(at, now.bytes);
    std::string text = std::to_string(now.objects) + " of " + images(now.objects_total) + ", " +
                       human_bytes(now.bytes) + " of " + human_bytes(now.bytes_total);
    if (const auto rate = rate_.bytes_per_second(); rate >= 1) {
      const auto left = static_cast<double>(now.bytes_total - std::min(now.bytes, now.bytes_total)) / rate;
      text += ", " + human_bytes(static_cast<std::uint64_t>(rate)) + "/s, " +
              human_seconds(static_cast<std::uint64_t>(left + 0.5)) + " left";
    }
    line_.show(text);
  }
  void show_pause(const messages::failure& why, std::chrono::milliseconds pause) {
    rate_.forget();
    line_.show(why.context + "; next attempt in " +
               human_seconds(static_cast<std::uint64_t>((pause.count() + 999) / 1000)));
  }
  void show_verified(std::size_t verified, std::size_t all) {
    const auto at = steady_clock::now();
    if (at < next_) return;
    next_ = at + progress_interval;
    line_.show("verifying: " + std::to_string(verified) + " of " + images(all));
  }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(steady_clock::now() - start_).count(); }
  void clear() { line_.clear(); }

 private:
  progress_line line_;
  transfer_rate rate_;
  steady_clock::time_point start_ = steady_clock::now();
  steady_clock::time_point next_{};
};

/// A folder that this download works in, and nobody else at the same time.
struct work_folder {
  fs::path path;
  client::file_descriptor lock;
};

result<work_folder> lock_folder(const fs::path& folder) {
  auto lock = client::lock_directory(folder);
  if (!lock) return lock.error();
  return work_folder{folder, std::move(*lock)};
}

/// What a kill left of a record that was being written counts as nothing.
bool is_empty_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove(folder / (std::string{client::download_record_name} + ".new"), error);
  return fs::is_empty(folder, error) && !error;
}

result<work_folder> make_empty_folder(const fs::path& folder) {
  if (auto made = client::make_private_directory(folder); !made) return made.error();
  auto locked = lock_folder(folder);
  if (locked && !is_empty_folder(folder))
    return fail(errc::conflict, folder.string() + " is not empty; a download wants a folder of its own");
  return locked;
}

/// One download while it is received: `record` only when it is kept sealed.
struct reception {
  work_folder folder;
  client::opened_download opened;
  std::optional<client::download_record> record;
  bool resumed = false;
  bool verify = false;

  [[nodiscard]] std::string how_to_go_on() const {
    return record ? "; go on with: penstock download --resume " + folder.path.string() : "";
  }
};

void conclude(const context& at, const reception& what, const client::download_receiver& receiver, double seconds,
              std::size_t verified) {
  const auto missing = receiver.missing().size();
  const auto folder = what.folder.path.string();
  if (at.json) {
    json shown{{"folder", folder},
               {"sealed", what.record.has_value()},
               {"resumed", what.resumed},
               {"images", receiver.objects_finished()},
               {"bytes", receiver.sealed_bytes_received()},
               {"missing", receiver.missing()},
               {"complete", missing == 0}};
    if (what.record) shown["download"] = what.record->download;
    if (what.verify) shown["verified"] = verified;
    at.show(shown);
    return;
  }
  at.say(images(receiver.objects_finished()) + ", " + human_bytes(receiver.sealed_bytes_received()) + ", are in " +
         folder + " (" + human_seconds(static_cast<std::uint64_t>(seconds + 0.5)) + ").");
  if (what.verify) at.say("Every one was read back and is what the server sealed.");
  if (missing != 0)
    at.say(images(missing) + " could not be sent; 'penstock download --resume " + folder + "' tries again.");
  if (what.record)
    at.say("They are sealed. To look: penstock open list " + folder +
           "\n"
           "                         penstock open view " +
           folder + " --select 1");
}

result<void> check_room(const reception& what, const client::download_receiver& receiver) {
  const auto free = client::space_at(what.folder.path);
  if (!free) return free.error();
  const auto needed = client::room_needed(what.opened.facts, receiver, free->block_bytes);
  if (needed <= free->bytes) return {};
  return fail(errc::no_space, "the download needs " + human_bytes(needed) + " more in " + what.folder.path.string() +
                                  ", and " + human_bytes(free->bytes) + " are free; make room");
}

/// Reads every file back. One that is not what was sealed is removed, so that it is fetched again.
result<std::size_t> verify_files(const reception& what, progress_report& progress) {
  const auto& facts = what.opened.facts;
  auto opened = client::sealed_folder::open(what.folder.path, *what.record, facts.key.copy());
  if (!opened) return opened.error();
  const auto& objects = opened->manifest().objects;
  std::size_t verified = 0;
  std::size_t damaged = 0;
  std::error_code missing;
  for (std::size_t i = 0; i < objects.size() && interrupted == 0; ++i) {
    if (!objects[i].error.empty() || !fs::exists(opened->path_of(i), missing)) continue;
    if (opened->verify(i).ok()) {
      progress.show_verified(++verified, objects.size());
      continue;
    }
    ++damaged;
    fs::remove(opened->path_of(i), missing);
  }
  if (interrupted != 0) return fail(errc::shutting_down, "the verification was interrupted");
  if (damaged == 0) return verified;
  return fail(errc::authentication_failed, "damaged on this disk, and removed: " + images(damaged));
}

exit_code finish(const context& at, reception& what, const client::download_receiver& receiver,
                 progress_report& progress) {
  std::size_t verified = 0;
  if (what.verify) {
    auto read_back = verify_files(what, progress);
    progress.clear();
    if (!read_back) {
      auto problem = read_back.error();
      problem.context += what.how_to_go_on();
      return at.report(problem);
    }
    verified = *read_back;
  }
  if (what.record) {
    what.record->state = receiver.missing().empty() ? "complete" : "incomplete";
    if (auto saved = client::save_record(what.folder.path, *what.record); !saved) return at.report(saved.error());
  }
  conclude(at, what, receiver, progress.seconds(), verified);
  return receiver.missing().empty() ? exit_code::ok : exit_code::not_everything_ok;
}

/// Receives what is open, and says how it went.
exit_code receive(context& at, reception& what, client::sealed_folder_store& store,
                  client::download_receiver& receiver) {
  auto server = at.server();
  auto project = at.project();
  if (!server) return at.report(server.error());
  if (!project) return at.report(project.error());
  progress_report progress;
  client::fetch_options options;
  options.on_progress = [&](const client::download_progress& now) { progress.show(now); };
  options.on_pause = [&](const messages::failure& why, std::chrono::milliseconds pause) {
    progress.show_pause(why, pause);
  };
  options.stopped = [] { return interrupted != 0; };
  auto fetched = check_room(what, receiver);
  if (fetched) fetched = client::fetch_download(**server, *project, what.opened, receiver, options);
  progress.clear();
  if (fetched) return finish(at, what, receiver, progress);
  static_cast<void>(store.flush());  // what is whole gets its name
  auto problem = fetched.error();
  problem.context += what.how_to_go_on();
  const auto code = at.report(problem);
  return interrupted != 0 ? exit_code::failed : code;
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

/// A plain file of this download, as it was received.
result<storage::secret_bytes> read_plain_file(const fs::path& path) {
  const auto file = client::open_for_reading(path);
  if (!file) return file.error();
  const auto bytes = client::size_of(*file);
  if (!bytes) return bytes.error();
  auto content = storage::secret_bytes::of_size(*bytes);
  if (auto read = client::read_at(*file, content.writable(), 0); !read) return read.error();
  return content;
}

/// Files come under their ordinals; their names are in them.
result<void> give_names(const fs::path& folder, const client::download_receiver& receiver, const plain_flags& flags,
                        client::plain_layout layout, decoder_child& reader) {
  if (!receiver.manifest()) return {};
  const auto& manifest = *receiver.manifest();
  const auto places = client::place_objects(manifest);
  const auto came = client::plain_paths(manifest, places, {}, client::plain_layout::ordinals);
  const auto named = name_files(manifest, places, layout, reader,
                                [&](std::size_t object) { return read_plain_file(folder / came[object]); });
  std::error_code error;
  for (std::size_t i = 0; i < came.size(); ++i) {
    if (came[i].empty() || !fs::exists(folder / came[i], error)) continue;
    if (auto moved = move_plain_file(folder, came[i], named[i]); !moved) return moved;
  }
  if (auto synced = sync_everything(folder); !synced) return synced;
  return flags.dicomdir ? write_dicomdir(folder) : result<void>{};
}

exit_code run_plain(context& at, const download_flags& flags) {
  const auto layout = layout_of(flags.names);
  if (!layout) return at.report(layout.error());
  auto reader = decoder_child::start();  // before there is a key in memory
  if (!reader) return at.report(reader.error());
  auto folder = make_empty_folder(flags.to);
  if (!folder) return at.report(folder.error());
  auto opened = open_chosen(at, flags.which);
  if (!opened) return at.report(opened.error());
  reception what{std::move(*folder), std::move(*opened), {}, false, false};
  client::plain_folder_store store{what.folder.path};
  client::download_receiver receiver{what.opened.facts, store};
  const auto code = receive(at, what, store, receiver);
  if (code != exit_code::ok && code != exit_code::not_everything_ok) return code;
  if (auto named = give_names(what.folder.path, receiver, flags.names, *layout, *reader); !named)
    return at.report(named.error());
  return code;
}

exit_code run_sealed(context& at, const download_flags& flags) {
  auto folder = make_empty_folder(flags.to);
  if (!folder) return at.report(folder.error());
  const auto key = new_holder::choose(flags.key);
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
  record.holders = {std::move(*wrapped)};
  if (auto saved = client::save_record(folder->path, record); !saved) return at.report(saved.error());
  reception what{std::move(*folder), std::move(*opened), std::move(record), false, false};
  client::sealed_folder_store store{what.folder.path};
  client::download_receiver receiver{what.opened.facts, store};
  return receive(at, what, store, receiver);
}

/// Brings receiver and store to where the folder is. True when nothing is missing in it.
result<bool> take_up(const reception& what, client::sealed_folder_store& store, client::download_receiver& receiver) {
  auto progress = client::find_progress(what.folder.path, what.opened.facts);
  if (!progress) return progress.error();
  if (!progress->manifest) return false;
  const auto last = progress->manifest->objects.size();
  auto resumed =
      receiver.resume(std::move(*progress->manifest), progress->index_bytes, progress->position, progress->header);
  if (!resumed) return resumed.error();
  if (receiver.position().object > last) {
    if (auto ended = receiver.on_end(); !ended) return ended.error();
    return true;
  }
  if (!progress->partial_path.empty())
    if (auto reopened = store.reopen(progress->partial_path); !reopened) return reopened.error();
  return false;
}

/// What is in the folder is looked at first; nothing is asked of the server when nothing is missing.
exit_code run_resume(context& at, const download_flags& flags, const fs::path& path) {
  auto record = client::load_record(path);
  if (!record) return at.report(record.error());
  auto folder = lock_folder(path);
  if (!folder) return at.report(folder.error());
  auto opened = open_key(at, flags.key, *record);
  if (!opened) return at.report(opened.error());
  if (at.flags.project.empty()) at.flags.project = record->project;
  reception what{std::move(*folder), {}, std::move(*record), true, flags.verify};
  auto& facts = what.opened.facts;
  facts = {what.record->download, std::move(opened->key), what.record->segment_bytes, what.record->objects,
           what.record->bytes};
  client::sealed_folder_store store{path};
  client::download_receiver receiver{facts, store};
  auto whole = take_up(what, store, receiver);
  if (!whole) return at.report(whole.error());
  if (*whole) {
    progress_report progress;
    return finish(at, what, receiver, progress);
  }
  auto server = at.server();
  if (!server) return at.report(server.error());
  auto again = client::resume_download(**server, what.record->project, facts.download, facts.key);
  if (!again) return at.report(again.error());
  what.opened.ticket = std::move(again->ticket);
  return receive(at, what, store, receiver);
}

/// Run again on the same folder, the command goes on with what lies there.
exit_code run_download(context& at, const download_flags& flags) {
  if (!flags.plain && (flags.names.dicomdir || !flags.names.layout.empty()))
    return at.report(fail(errc::bad_request, "--layout and --dicomdir are for --plain; sealed files have no names"));
  if (flags.to.empty() == flags.resume.empty())
    return at.report(fail(errc::bad_request, "give --to DIR for a new download, or --resume DIR to go on with one"));
  end_in_order_on_interrupt();
  if (!flags.resume.empty()) return run_resume(at, flags, flags.resume);
  std::error_code error;
  if (!fs::exists(fs::path{flags.to} / client::download_record_name, error))
    return flags.plain ? run_plain(at, flags) : run_sealed(at, flags);
  auto record = client::load_record(flags.to);
  if (!record) return at.report(record.error());
  if (record->state == "complete" || flags.plain)
    return at.report(fail(errc::conflict, flags.to +
                                              " holds a download already; take another folder, or read it back "
                                              "with: penstock download --resume " +
                                              flags.to));
  at.say(flags.to + " holds a download that did not come to its end; going on with what was chosen then.");
  return run_resume(at, flags, flags.to);
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
  add_plain_flags(*download, flags->names);
  download->add_flag("!--no-verify", flags->verify, "After --resume: do not read every file back at the end");
  download->footer(
      "The key of a sealed download is kept wrapped under your passphrase or key file. Whoever forgets or loses it "
      "can\n"
      "never read the images again, and nobody can help. 'penstock key add' lets a colleague open them, too.\n"
      "A download that was interrupted goes on with --resume, or when the same command is run again, within 24 hours.");
  download->callback([&at, flags] { at.action = [&at, flags] { return run_download(at, *flags); }; });
}

}  // namespace penstock::commands
