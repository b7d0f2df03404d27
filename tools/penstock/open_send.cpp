// open send: images of a sealed download to a viewer on this machine, through memory only.

#include "tools/client/file_meta.hpp"
#include "tools/dimse/image_sender.hpp"
#include "tools/penstock/open_folder.hpp"
#include "tools/penstock/terminal.hpp"
#include "tools/penstock/transfer_report.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using nlohmann::json;

struct send_flags {
  open_flags open;
  std::string viewer;
  std::string select;
  bool progress = false;
};

std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

result<void> send_one(const client::sealed_folder& opened, std::size_t object, dimse::image_sender& viewer) {
  const auto file = opened.read(object);
  if (!file) return messages::fail(errc::conflict, name_of(file.error().code).data());
  const auto meta = client::read_file_meta({reinterpret_cast<const char*>(file->view().data()), file->size()});
  if (!meta) return messages::fail(errc::conflict, meta.error().context);
  return viewer.store({meta->sop_class, meta->transfer_syntax}, meta->sop_instance, bytes_of(meta->data_set));
}

struct sent_images {
  std::size_t sent = 0;
  json refused = json::array();  ///< {"image": its number, "file", "message"}
};

/// Ends at the first image for which the viewer is not there any more.
result<sent_images> send_all(const client::sealed_folder& opened, const std::vector<std::size_t>& numbers,
                             dimse::image_sender& viewer, bool for_programs) {
  const auto order = images_in_order(opened);
  sent_images done;
  progress_line progress;
  for (const auto number : numbers) {
    if (for_programs) write_progress({{"images", done.sent}, {"images_total", numbers.size()}});
    progress.show("sending image " + std::to_string(number) + ", " + std::to_string(done.sent) + " of " +
                  images(numbers.size()) + " sent");
    const auto object = order[number - 1];
    const auto sent = send_one(opened, object, viewer);
    if (sent) {
      ++done.sent;
      continue;
    }
    if (sent.error().code != errc::conflict) return sent.error();
    done.refused.push_back(json{
        {"image", number}, {"file", client::sealed_path(opened.places()[object])}, {"message", sent.error().context}});
  }
  return done;
}

exit_code run_send(context& at, const send_flags& flags) {
  const auto viewer = dimse::parse_viewer(flags.viewer);
  if (!viewer) return at.report(viewer.error());
  const auto opened = open_folder(at, flags.open);
  if (!opened) return at.report(opened.error());
  const auto numbers = image_numbers(flags.select, images_in_order(opened->images).size());
  if (!numbers) return at.report(numbers.error());
  dimse::image_sender sender{*viewer};
  const auto done = send_all(opened->images, *numbers, sender, flags.progress);
  if (!done) return at.report(done.error());
  static_cast<void>(sender.release());  // all that was stored was answered for
  if (at.json) at.show(json{{"sent", done->sent}, {"refused", done->refused}});
  for (const auto& one : done->refused)
    at.say("Image " + text_in(one, "image") + " (" + text_in(one, "file") + "): " + text_in(one, "message"));
  at.say(images(done->sent) + " sent to " + flags.viewer + ", " + std::to_string(done->refused.size()) + " refused.");
  return done->refused.empty() ? exit_code::ok : exit_code::not_everything_ok;
}

}  // namespace

void add_open_send_command(CLI::App& open, context& at) {
  const auto flags = std::make_shared<send_flags>();
  auto* send = open.add_subcommand("send", "Send images to a viewer on this machine (C-STORE), such as 3D Slicer");
  add_open_flags(*send, flags->open);
  send->add_option("VIEWER", flags->viewer, "Where it listens; this machine only")
      ->type_name("AE@HOST:PORT")
      ->required();
  send->add_option("--select", flags->select, "Numbers of images, such as 1-20,35; default: all")->type_name("NUMBERS");
  send->add_flag(progress_flag, flags->progress, progress_help);
  send->callback([&at, flags] { at.action = [&at, flags] { return run_send(at, *flags); }; });
}

}  // namespace penstock::commands
