#include "tools/penstock/download_job.hpp"

#include "tools/client/download.hpp"
#include "tools/client/sealed_folder.hpp"
#include "tools/penstock/interruption.hpp"
#include "tools/penstock/transfer_report.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

namespace fs = std::filesystem;
using messages::errc;
using messages::fail;
using nlohmann::json;

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

result<work_folder> make_empty_folder(const fs::path& folder) {
  if (auto made = client::make_private_directory(folder); !made) return made.error();
  auto locked = lock_folder(folder);
  if (locked && !can_begin_in(folder))
    return fail(errc::conflict, folder.string() + " is not empty; a download wants a folder of its own");
  return locked;
}

/// One download while it is received: `record` only when it is kept sealed.
struct reception {
  work_folder folder;
  client::opened_download opened;
  std::optional<client::download_record> record;
  bool resumed = false;
  download_options options;

  [[nodiscard]] messages::failure with_advice(messages::failure problem) const {
    if (record) problem.context += "; go on with: penstock download --resume " + folder.path.string();
    return problem;
  }
};

result<void> check_room(const reception& what, const client::download_receiver& receiver) {
  const auto free = client::space_at(what.folder.path);
  if (!free) return free.error();
  const auto needed = client::room_needed(what.opened.facts, receiver, free->block_bytes);
  if (needed <= free->bytes) return {};
  return fail(errc::no_space, "the download needs " + human_bytes(needed) + " more in " + what.folder.path.string() +
                                  ", and " + human_bytes(free->bytes) + " are free; make room");
}

/// Reads every file back. One that is not what was sealed is removed, so that it is fetched again.
result<std::size_t> verify_files(const reception& what, transfer_report& report) {
  const auto& facts = what.opened.facts;
  auto opened = client::sealed_folder::open(what.folder.path, *what.record, facts.key.copy());
  if (!opened) return opened.error();
  const auto& objects = opened->manifest().objects;
  std::size_t verified = 0;
  std::size_t damaged = 0;
  std::error_code missing;
  for (std::size_t i = 0; i < objects.size() && !was_interrupted(); ++i) {
    if (!objects[i].error.empty() || !fs::exists(opened->path_of(i), missing)) continue;
    if (opened->verify(i).ok()) {
      report.show_verified(++verified, objects.size());
      continue;
    }
    ++damaged;
    fs::remove(opened->path_of(i), missing);
  }
  if (was_interrupted()) return fail(errc::shutting_down, "the verification was interrupted");
  if (damaged == 0) return verified;
  return fail(errc::authentication_failed, "damaged on this disk, and removed: " + images(damaged));
}

result<download_end> finish(reception& what, const client::download_receiver& receiver, transfer_report& report) {
  download_end end;
  if (what.options.verify && what.record) {
    auto read_back = verify_files(what, report);
    report.clear();
    if (!read_back) return what.with_advice(read_back.error());
    end.verified = *read_back;
  }
  end.missing = receiver.missing();
  if (what.record) {
    what.record->state = end.missing.empty() ? "complete" : "incomplete";
    if (auto saved = client::save_record(what.folder.path, *what.record); !saved) return saved.error();
    end.download = what.record->download;
  }
  end.folder = what.folder.path.string();
  end.sealed = what.record.has_value();
  end.resumed = what.resumed;
  end.images = receiver.objects_finished();
  end.bytes = receiver.sealed_bytes_received();
  end.seconds = report.seconds();
  return end;
}

/// Receives what is open.
result<download_end> receive(context& at, const std::string& project, reception& what,
                             client::sealed_folder_store& store, client::download_receiver& receiver) {
  auto server = at.server();
  if (!server) return server.error();
  transfer_report report{what.options.heading, what.options.progress_for_programs};
  client::fetch_options options;
  options.on_progress = [&](const client::download_progress& now) { report.show(now); };
  options.on_pause = [&](const messages::failure& why, std::chrono::milliseconds pause) {
    report.show_pause(why, pause);
  };
  options.stopped = was_interrupted;
  auto fetched = check_room(what, receiver);
  if (fetched) fetched = client::fetch_download(**server, project, what.opened, receiver, options);
  report.clear();
  if (fetched) return finish(what, receiver, report);
  static_cast<void>(store.flush());  // what is whole gets its name
  return what.with_advice(fetched.error());
}

result<client::download_record> record_of(const client::download_facts& facts, const std::string& project,
                                          const new_holder& key) {
  auto wrapped = key.wrap(facts.key, facts.download);
  if (!wrapped) return wrapped.error();
  client::download_record record;
  record.download = facts.download;
  record.project = project;
  record.segment_bytes = facts.segment_bytes;
  record.objects = facts.objects;
  record.bytes = facts.bytes;
  record.holders = {std::move(*wrapped)};
  return record;
}

result<reception> open_into(context& at, const std::string& project, const fs::path& folder, const json& studies,
                            const download_options& options) {
  auto server = at.server();
  if (!server) return server.error();
  auto made = make_empty_folder(folder);
  if (!made) return made.error();
  auto opened = client::open_download(**server, project, json{{"studies", studies}});
  if (!opened) return opened.error();
  return reception{std::move(*made), std::move(*opened), {}, false, options};
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

}  // namespace

bool can_begin_in(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return true;
  fs::remove(folder / (std::string{client::download_record_name} + ".new"), error);
  return fs::is_empty(folder, error) && !error;
}

result<download_end> begin_sealed_download(context& at, const fs::path& folder, const json& studies,
                                           const new_holder& key, const download_options& options) {
  auto project = at.project();
  if (!project) return project.error();
  auto what = open_into(at, *project, folder, studies, options);
  if (!what) return what.error();
  auto record = record_of(what->opened.facts, *project, key);
  if (!record) return record.error();
  if (auto saved = client::save_record(folder, *record); !saved) return saved.error();
  what->record = std::move(*record);
  client::sealed_folder_store store{what->folder.path};
  client::download_receiver receiver{what->opened.facts, store};
  return receive(at, *project, *what, store, receiver);
}

result<download_end> begin_plain_download(context& at, const fs::path& folder, const json& studies,
                                          plain_output& output, const download_options& options) {
  auto project = at.project();
  if (!project) return project.error();
  auto what = open_into(at, *project, folder, studies, options);
  if (!what) return what.error();
  client::plain_folder_store store{what->folder.path};
  client::download_receiver receiver{what->opened.facts, store};
  auto end = receive(at, *project, *what, store, receiver);
  if (!end || !receiver.manifest()) return end;
  if (auto named = name_received_files(what->folder.path, *receiver.manifest(), output); !named) return named.error();
  return end;
}

result<download_end> resume_download_in(context& at, const fs::path& path, const key_opener& open,
                                        const download_options& options) {
  auto folder = lock_folder(path);
  if (!folder) return folder.error();
  auto record = client::load_record(path);
  if (!record) return record.error();
  auto opened = open(*record);
  if (!opened) return opened.error();
  reception what{std::move(*folder), {}, std::move(*record), true, options};
  const auto& project = what.record->project;
  auto& facts = what.opened.facts;
  facts = {what.record->download, std::move(opened->key), what.record->segment_bytes, what.record->objects,
           what.record->bytes};
  client::sealed_folder_store store{path};
  client::download_receiver receiver{facts, store};
  auto whole = take_up(what, store, receiver);
  if (!whole) return whole.error();
  if (*whole) {
    transfer_report report{options.heading, options.progress_for_programs};
    return finish(what, receiver, report);
  }
  auto server = at.server();
  if (!server) return server.error();
  auto again = client::resume_download(**server, project, facts.download, facts.key);
  if (!again) return again.error();
  what.opened.ticket = std::move(again->ticket);
  return receive(at, project, what, store, receiver);
}

}  // namespace penstock::commands
