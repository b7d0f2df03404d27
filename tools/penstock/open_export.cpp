// open export: the images of a sealed download as ordinary files, when told so explicitly.

#include <filesystem>

#include "tools/client/local_file.hpp"
#include "tools/penstock/open_folder.hpp"
#include "tools/penstock/plain_files.hpp"
#include "tools/penstock/terminal.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

namespace fs = std::filesystem;
using messages::errc;
using messages::fail;
using nlohmann::json;

struct export_flags {
  open_flags open;
  plain_flags plain;
  std::string to;
};

struct exported_files {
  json faults = json::array();
  std::uint64_t images = 0;
  std::uint64_t bytes = 0;
};

std::string name_of_layout(client::plain_layout layout) {
  if (layout == client::plain_layout::spl) return "spl";
  return layout == client::plain_layout::media ? "media" : "readable";
}

/// Tells the server, if there is one, that images leave the seal. Empty when it was noted, else why not.
std::string note_with_server(context& at, const client::download_record& record, client::plain_layout layout,
                             std::size_t objects) {
  if (at.flags.project.empty()) at.flags.project = record.project;
  const auto noted = at.ask("download.exported",
                            {{"download", record.download}, {"layout", name_of_layout(layout)}, {"objects", objects}},
                            client::new_op());
  if (noted) return {};
  if (noted.error().code == errc::unknown_command) return "the server does not know the command yet";
  return noted.error().context;
}

result<void> want_empty_folder(const fs::path& folder) {
  if (auto made = client::make_private_directory(folder); !made) return made;
  std::error_code error;
  if (fs::is_empty(folder, error) && !error) return {};
  return fail(errc::conflict, folder.string() + " is not empty; an export wants a folder of its own");
}

result<void> want_room(const fs::path& folder, const opened_folder& opened) {
  std::uint64_t needed = 0;
  const auto free = client::space_at(folder);
  if (!free) return free.error();
  for (const auto i : images_in_order(opened.images))
    needed += opened.images.manifest().objects[i].plain_bytes + free->block_bytes;
  if (needed <= free->bytes) return {};
  return fail(errc::no_space, "the images need " + human_bytes(needed) + " in " + folder.string() + ", and " +
                                  human_bytes(free->bytes) + " are free; make room");
}

result<exported_files> write_files(const opened_folder& opened, const fs::path& to,
                                   const std::vector<std::string>& paths) {
  exported_files done;
  progress_line progress;
  const auto order = images_in_order(opened.images);
  for (const auto i : order) {
    progress.show("writing " + std::to_string(done.images) + " of " + images(order.size()) + ", " +
                  human_bytes(done.bytes));
    auto file = opened.images.read(i);
    if (!file) {
      done.faults.push_back(
          json{{"file", client::sealed_path(opened.images.places()[i])}, {"error", name_of(file.error().code)}});
      continue;
    }
    if (auto written = write_plain_file(to / paths[i], file->view()); !written) return written.error();
    ++done.images;
    done.bytes += file->size();
  }
  if (auto synced = sync_everything(to); !synced) return synced.error();
  return done;
}

exit_code conclude(const context& at, const exported_files& done, const std::string& to, const std::string& not_noted) {
  if (at.json)
    at.show(json{{"folder", to},
                 {"images", done.images},
                 {"bytes", done.bytes},
                 {"faults", done.faults},
                 {"noted", not_noted.empty()},
                 {"not_noted_because", not_noted}});
  for (const auto& fault : done.faults) at.say(text_in(fault, "file") + ": " + text_in(fault, "error"));
  at.say(images(done.images) + ", " + human_bytes(done.bytes) + ", are in " + to +
         " as ordinary files: whoever gets at that disk can read them.");
  at.say(not_noted.empty() ? "The server has noted it." : "It could not be noted with the server: " + not_noted + ".");
  return done.faults.empty() ? exit_code::ok : exit_code::verification_failed;
}

exit_code run_export(context& at, const export_flags& flags) {
  const auto layout = layout_of(flags.plain);
  if (!layout) return at.report(layout.error());
  const auto question = "This writes the images unsealed into " + flags.to +
                        ", where whoever gets at the disk can read them, and the server is told.";
  auto sure = confirmed(at, question);
  if (!sure) return at.report(sure.error());
  if (!*sure) return at.report(fail(errc::conflict, "not confirmed; nothing was written"));
  auto reader = decoder_child::start();  // before there is a key in memory
  if (!reader) return at.report(reader.error());
  const auto opened = open_folder(at, flags.open);
  if (!opened) return at.report(opened.error());
  if (auto empty = want_empty_folder(flags.to); !empty) return at.report(empty.error());
  if (auto room = want_room(flags.to, *opened); !room) return at.report(room.error());
  const auto not_noted = note_with_server(at, opened->record, *layout, images_in_order(opened->images).size());
  const auto paths = name_files(opened->images.manifest(), opened->images.places(), *layout, *reader,
                                [&](std::size_t object) { return opened->images.read(object); });
  const auto done = write_files(*opened, flags.to, paths);
  if (!done) return at.report(done.error());
  const auto code = conclude(at, *done, flags.to, not_noted);
  if (!flags.plain.dicomdir) return code;
  if (auto made = write_dicomdir(flags.to); !made) return at.report(made.error());
  return code;
}

}  // namespace

void add_open_export_command(CLI::App& open, context& at) {
  const auto flags = std::make_shared<export_flags>();
  auto* command = open.add_subcommand("export", "Write the images as ordinary files; asks, and tells the server");
  add_open_flags(*command, flags->open);
  command->add_option("--plain", flags->to, "Folder to write them into; new or empty")->type_name("TO")->required();
  add_plain_flags(*command, flags->plain);
  command->callback([&at, flags] { at.action = [&at, flags] { return run_export(at, *flags); }; });
}

}  // namespace penstock::commands
