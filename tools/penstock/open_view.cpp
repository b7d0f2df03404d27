// open view, attributes: one image of a sealed download, parsed and decoded in a sandboxed child.

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "tools/penstock/decoder_child.hpp"
#include "tools/penstock/graphics.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/open_folder.hpp"
#include "tools/penstock/picture.hpp"
#include "tools/penstock/terminal.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;

constexpr std::size_t rows_kept_free = 3;
constexpr std::chrono::milliseconds longest_terminal_answer{300};

struct view_flags {
  open_flags open;
  std::string select = "1";
  std::string window;
  std::string graphics = "auto";
  std::uint32_t frame = 1;
  std::size_t columns = 0;
};

struct attribute_flags {
  open_flags open;
  std::string image;
};

struct chosen_image {
  std::string path;
  client::manifest_object about;
  storage::secret_bytes file;
};

result<chosen_image> read_image(const context& at, const open_flags& flags, const std::string& select) {
  auto opened = open_folder(at, flags);
  if (!opened) return opened.error();
  const auto object = selected(opened->images, select);
  if (!object) return object.error();
  auto file = opened->images.read(*object);
  if (!file) return file.error();
  return chosen_image{client::sealed_path(opened->images.places()[*object]), opened->images.manifest().objects[*object],
                      std::move(*file)};
}

result<rendering> rendering_of(const view_flags& flags) {
  rendering how;
  how.frame = flags.frame - 1;
  if (flags.window.empty()) return how;
  const auto parts = split_commas(flags.window);
  const auto refused = fail(errc::bad_request, "--window: write centre and width, such as 40,400");
  if (parts.size() != 2) return refused;
  char* end = nullptr;
  grey_window window{std::strtod(parts[0].c_str(), &end), 0};
  if (*end != '\0') return refused;
  window.width = std::strtod(parts[1].c_str(), &end);
  if (*end != '\0' || !(window.width >= 1)) return refused;
  how.window = window;
  return how;
}

/// Which of the terminal's graphics to use; half blocks where nothing better is known.
terminal_graphics graphics_of_terminal(const std::string& wish) {
  if (wish == "sixel") return {graphics_kind::sixel, {}};
  if (wish == "kitty") return {graphics_kind::kitty, {}};
  if (wish == "blocks" || !output_is_terminal()) return {};
  return graphics_in_reply(ask_terminal(terminal_graphics_query, longest_terminal_answer));
}

std::string draw_on_terminal(const decoded_image& image, const view_flags& flags) {
  const auto size = size_of_terminal();
  const auto columns = flags.columns != 0 ? flags.columns : size.columns;
  const bool bounded = output_is_terminal() && flags.columns == 0;
  const auto rows = bounded ? std::max(size.rows, rows_kept_free + 1) - rows_kept_free : columns * 2;
  const auto with = graphics_of_terminal(flags.graphics);
  if (with.kind != graphics_kind::blocks) return draw_graphics(image, with, columns, rows);
  const auto colours = palette_of_terminal(std::getenv("COLORTERM"), std::getenv("TERM"), std::getenv("NO_COLOR"));
  return draw(image, columns, rows, colours);
}

exit_code run_view(context& at, const view_flags& flags) {
  const auto how = rendering_of(flags);
  if (!how) return at.report(how.error());
  auto decoder = decoder_child::start();  // before there is a key in memory
  if (!decoder) return at.report(decoder.error());
  const auto chosen = read_image(at, flags.open, flags.select);
  if (!chosen) return at.report(chosen.error());
  const auto image = decoder->decode(chosen->file.view(), *how);
  if (!image) return at.report(fail(image.error().code, chosen->path + ": " + image.error().context));
  if (at.json) {
    at.show(
        json{{"file", chosen->path}, {"width", image->width}, {"height", image->height}, {"colour", image->colour}});
    return exit_code::ok;
  }
  std::cout << draw_on_terminal(*image, flags);
  at.say(chosen->path + "  " + chosen->about.modality + "  " + std::to_string(image->width) + " x " +
         std::to_string(image->height));
  return exit_code::ok;
}

/// The attributes from `next` on that lie at `depth`, with the items of their sequences.
json nested(const std::vector<attribute>& all, std::size_t& next, std::uint32_t depth) {
  json list = json::array();
  while (next < all.size() && all[next].depth == depth && !begins_item(all[next])) {
    const auto& one = all[next++];
    json shown{{"tag", one.tag}, {"vr", one.vr}, {"keyword", one.keyword}, {"value", one.value}, {"bytes", one.bytes}};
    if (one.vr == "SQ") {
      shown["items"] = json::array();
      while (next < all.size() && all[next].depth == depth + 1 && begins_item(all[next]))
        shown["items"].push_back(nested(all, ++next, depth + 1));
    }
    list.push_back(std::move(shown));
  }
  return list;
}

exit_code run_attributes(context& at, const attribute_flags& flags) {
  auto reader = decoder_child::start();  // before there is a key in memory
  if (!reader) return at.report(reader.error());
  const auto chosen = read_image(at, flags.open, flags.image);
  if (!chosen) return at.report(chosen.error());
  const auto found = reader->attributes(chosen->file.view());
  if (!found) return at.report(fail(found.error().code, chosen->path + ": " + found.error().context));
  if (at.json) {
    std::size_t next = 0;
    at.show(json{{"file", chosen->path}, {"attributes", nested(*found, next, 0)}});
    return exit_code::ok;
  }
  for (const auto& one : *found) at.say(line_for(one));
  if (found->size() == most_attributes)
    at.say("... and more: only the first " + std::to_string(most_attributes) + " are shown.");
  return exit_code::ok;
}

}  // namespace

void add_open_view_commands(CLI::App& open, context& at) {
  const auto flags = std::make_shared<view_flags>();
  auto* view = open.add_subcommand("view", "Draw one image in the terminal; it is decrypted in memory only");
  add_open_flags(*view, flags->open);
  view->add_option("--select", flags->select, "Number of the image, or the path of its file")->capture_default_str();
  view->add_option("--frame", flags->frame, "Of an image with many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  view->add_option("--window", flags->window, "Window centre (level) and width in place of the image's own")
      ->type_name("C,W");
  view->add_option("--graphics", flags->graphics, "How to draw; auto asks the terminal")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "sixel", "kitty", "blocks"}));
  view->add_option("--width", flags->columns, "Columns to use; default: the terminal's")->check(CLI::Range(4, 1000));
  view->callback([&at, flags] { at.action = [&at, flags] { return run_view(at, *flags); }; });
  const auto wanted = std::make_shared<attribute_flags>();
  auto* attributes = open.add_subcommand("attributes", "Show all attributes of one image; big values are abbreviated");
  add_open_flags(*attributes, wanted->open);
  attributes->add_option("IMAGE", wanted->image, "Number of the image, or the path of its file")->required();
  const auto parent = std::make_shared<pid_t>();
  auto* decoder = open.add_subcommand(decoder_command, "Decode images for the console")->group("");
  decoder->add_option("PID", *parent, "Of the console")->required();
  decoder->callback([&at, parent] { at.action = [parent] { return exit_code{run_decoder(*parent)}; }; });
  attributes->callback([&at, wanted] { at.action = [&at, wanted] { return run_attributes(at, *wanted); }; });
}

}  // namespace penstock::commands
