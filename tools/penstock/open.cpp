// open list, verify, view: a sealed download on this disk. Needs no server.

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <tuple>

#include "tools/client/sealed_folder.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/decoder_child.hpp"
#include "tools/penstock/display_text.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/picture.hpp"
#include "tools/penstock/sealed_key.hpp"
#include "tools/penstock/terminal.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using client::sealed_folder;
using messages::errc;
using messages::fail;
using nlohmann::json;

constexpr std::size_t rows_kept_free = 3;

struct open_flags {
  std::string folder;
  key_flags key;
  bool images = false;
};

struct view_flags {
  open_flags open;
  std::string select = "1";
  std::string window;
  std::uint32_t frame = 1;
  std::size_t columns = 0;
};

result<sealed_folder> open_folder(const context& at, const open_flags& flags) {
  auto record = client::load_record(flags.folder);
  if (!record) return record.error();
  auto opened = open_key(at, flags.key, *record);
  if (!opened) return opened.error();
  return sealed_folder::open(flags.folder, *record, std::move(opened->key));
}

/// Positions in the manifest, in the order of the files' names: image 1 is the first. Without what was never sent.
std::vector<std::size_t> images_in_order(const sealed_folder& opened) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < opened.places().size(); ++i)
    if (opened.manifest().objects[i].error.empty()) order.push_back(i);
  const auto key = [&](std::size_t i) {
    const auto& p = opened.places()[i];
    return std::tie(p.study, p.series, p.instance);
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

struct series_summary {
  std::string modality;
  std::uint64_t images = 0;
  std::uint64_t bytes = 0;
  std::size_t first_image = 0;
};
struct study_summary {
  std::string patient;
  std::map<std::uint32_t, series_summary> series;
};

std::map<std::uint32_t, study_summary> summarise(const sealed_folder& opened) {
  std::map<std::uint32_t, study_summary> studies;
  std::size_t number = 0;
  for (const auto i : images_in_order(opened)) {
    const auto& about = opened.manifest().objects[i];
    const auto& place = opened.places()[i];
    auto& study = studies[place.study];
    study.patient = about.patient_id.reveal();
    auto& series = study.series[place.series];
    ++number;
    if (series.images == 0) series.first_image = number;
    series.modality = about.modality;
    ++series.images;
    series.bytes += about.plain_bytes;
  }
  return studies;
}

json tree_of(const sealed_folder& opened) {
  std::map<std::string, json> patients;
  for (const auto& [ordinal, study] : summarise(opened)) {
    json series = json::array();
    for (const auto& [series_ordinal, one] : study.series)
      series.push_back(json{{"series", series_ordinal},
                            {"Modality", one.modality},
                            {"images", one.images},
                            {"bytes", one.bytes},
                            {"first_image", one.first_image}});
    patients[study.patient].push_back(json{{"study", ordinal}, {"series", std::move(series)}});
  }
  json tree = json::array();
  for (auto& [patient, studies] : patients)
    tree.push_back(json{{"PatientID", patient}, {"studies", std::move(studies)}});
  return json{
      {"download", opened.manifest().download}, {"project", opened.manifest().project}, {"patients", std::move(tree)}};
}

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string images(std::uint64_t count) { return counted(count, "image", "images"); }
std::string studies(std::uint64_t count) { return counted(count, "study", "studies"); }

std::size_t never_sent(const sealed_folder& opened) {
  const auto& objects = opened.manifest().objects;
  return static_cast<std::size_t>(
      std::count_if(objects.begin(), objects.end(), [](const auto& object) { return !object.error.empty(); }));
}

void show_series(const context& at, std::uint32_t ordinal, const series_summary& series) {
  const auto last = series.first_image + series.images - 1;
  const auto range = std::to_string(series.first_image) + (series.images == 1 ? "" : " to " + std::to_string(last));
  at.say("    Series " + std::to_string(ordinal) + "  " + series.modality + "  " + images(series.images) + "  " +
         human_bytes(series.bytes) + "  (--select " + range + ")");
}

void show_tree(const context& at, const sealed_folder& opened) {
  const auto found = summarise(opened);
  std::map<std::string, std::vector<std::uint32_t>> studies_of_patient;
  for (const auto& [ordinal, study] : found) studies_of_patient[study.patient].push_back(ordinal);
  std::uint64_t bytes = 0;
  for (const auto& [patient, ordinals] : studies_of_patient) {
    at.say("Patient " + printable(patient) + ": " + studies(ordinals.size()));
    for (const auto ordinal : ordinals) {
      const auto& series = found.at(ordinal).series;
      at.say("  Study " + std::to_string(ordinal) + ": " + counted(series.size(), "series", "series"));
      for (const auto& [number, one] : series) {
        show_series(at, number, one);
        bytes += one.bytes;
      }
    }
  }
  at.say(counted(studies_of_patient.size(), "patient", "patients") + ", " + studies(found.size()) + ", " +
         images(opened.manifest().objects.size() - never_sent(opened)) + ", " + human_bytes(bytes) + ".");
  if (const auto absent = never_sent(opened); absent != 0) at.say(images(absent) + " could not be sent by the server.");
}

void show_images(const context& at, const sealed_folder& opened) {
  table rows{{{"Image", alignment::right},
              {"File"},
              {"MRN"},
              {"Series", alignment::right},
              {"Number", alignment::right},
              {"Modality"},
              {"Size", alignment::right}}};
  std::size_t number = 0;
  for (const auto i : images_in_order(opened)) {
    const auto& about = opened.manifest().objects[i];
    rows.add({std::to_string(++number), client::sealed_path(opened.places()[i]), about.patient_id.reveal(),
              std::to_string(about.series_number), std::to_string(about.instance_number), about.modality,
              human_bytes(about.plain_bytes)});
  }
  at.show(rows);
}

exit_code run_list(context& at, const open_flags& flags) {
  auto opened = open_folder(at, flags);
  if (!opened) return at.report(opened.error());
  if (at.json)
    at.show(tree_of(*opened));
  else if (flags.images)
    show_images(at, *opened);
  else
    show_tree(at, *opened);
  return exit_code::ok;
}

exit_code run_verify(context& at, const open_flags& flags) {
  auto opened = open_folder(at, flags);
  if (!opened) return at.report(opened.error());
  progress_line progress;
  json faults = json::array();
  std::uint64_t good = 0;
  std::uint64_t bytes = 0;
  const auto absent = never_sent(*opened);
  for (const auto i : images_in_order(*opened)) {
    const auto& about = opened->manifest().objects[i];
    const auto path = client::sealed_path(opened->places()[i]);
    progress.show("verifying " + path);
    if (auto verified = opened->verify(i); verified) {
      ++good;
      bytes += about.plain_bytes;
    } else {
      faults.push_back(json{{"file", path}, {"error", name_of(verified.error().code)}});
    }
  }
  progress.clear();
  if (at.json) {
    at.show(json{{"verified", good}, {"bytes", bytes}, {"faults", faults}, {"never_sent", absent}});
  } else {
    for (const auto& fault : faults) at.say(text_in(fault, "file") + ": " + text_in(fault, "error"));
    at.say(counted(good, "file", "files") + ", " + human_bytes(bytes) + ", verified byte for byte; " +
           counted(faults.size(), "fault", "faults") + ".");
    if (absent != 0) at.say(images(absent) + " could not be sent by the server.");
  }
  if (!faults.empty()) return exit_code::verification_failed;
  return absent == 0 ? exit_code::ok : exit_code::not_everything_ok;
}

/// "--select": the number of an image, or the path of its file.
result<std::size_t> selected(const sealed_folder& opened, const std::string& select) {
  const auto order = images_in_order(opened);
  const bool is_number =
      !select.empty() && select.size() < 10 && select.find_first_not_of("0123456789") == std::string::npos;
  if (is_number) {
    const auto number = std::stoul(select);
    if (number >= 1 && number <= order.size()) return order[number - 1];
  } else {
    for (const auto i : order)
      if (client::sealed_path(opened.places()[i]) == select) return i;
  }
  return fail(errc::not_found,
              "there is no image " + select + "; the download has images 1 to " + std::to_string(order.size()));
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

exit_code run_view(context& at, const view_flags& flags) {
  auto how = rendering_of(flags);
  if (!how) return at.report(how.error());
  auto decoder = decoder_child::start();  // before there is a key in memory
  if (!decoder) return at.report(decoder.error());
  auto opened = open_folder(at, flags.open);
  if (!opened) return at.report(opened.error());
  auto object = selected(*opened, flags.select);
  if (!object) return at.report(object.error());
  auto file = opened->read(*object);
  if (!file) return at.report(file.error());
  auto image = decoder->decode(file->view(), *how);
  if (!image) return at.report(image.error());
  if (at.json) {
    at.show(json{{"file", client::sealed_path(opened->places()[*object])},
                 {"width", image->width},
                 {"height", image->height},
                 {"colour", image->colour}});
    return exit_code::ok;
  }
  const auto size = size_of_terminal();
  const auto columns = flags.columns != 0 ? flags.columns : size.columns;
  const bool bounded = output_is_terminal() && flags.columns == 0;
  const auto rows = bounded ? std::max(size.rows, rows_kept_free + 1) - rows_kept_free : columns * 2;
  const auto colours = palette_of_terminal(std::getenv("COLORTERM"), std::getenv("TERM"), std::getenv("NO_COLOR"));
  std::cout << draw(*image, columns, rows, colours);
  at.say(client::sealed_path(opened->places()[*object]) + "  " + opened->manifest().objects[*object].modality + "  " +
         std::to_string(image->width) + " x " + std::to_string(image->height));
  return exit_code::ok;
}

void add_open_flags(CLI::App& command, open_flags& flags) {
  command.add_option("DIR", flags.folder, "Folder of a sealed download")->required();
  add_key_flags(command, flags.key);
}

}  // namespace

void add_open_commands(CLI::App& program, context& at) {
  auto* open = program.add_subcommand("open", "Look into a sealed download; needs no server")->require_subcommand(1);
  const auto list_flags = std::make_shared<open_flags>();
  auto* list = open->add_subcommand("list", "Show patients, studies, series and how many images");
  add_open_flags(*list, *list_flags);
  list->add_flag("--images", list_flags->images, "One line for each image");
  list->callback([&at, list_flags] { at.action = [&at, list_flags] { return run_list(at, *list_flags); }; });
  const auto verify_flags = std::make_shared<open_flags>();
  auto* verify = open->add_subcommand("verify", "Check every byte of every file; code 4 when one was altered");
  add_open_flags(*verify, *verify_flags);
  verify->callback([&at, verify_flags] { at.action = [&at, verify_flags] { return run_verify(at, *verify_flags); }; });
  const auto flags = std::make_shared<view_flags>();
  auto* view = open->add_subcommand("view", "Draw one image in the terminal; it is decrypted in memory only");
  add_open_flags(*view, flags->open);
  view->add_option("--select", flags->select, "Number of the image, or the path of its file")->capture_default_str();
  view->add_option("--frame", flags->frame, "Of an image with many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  view->add_option("--window", flags->window, "Window centre and width in place of the image's own")->type_name("C,W");
  view->add_option("--width", flags->columns, "Columns to use; default: the terminal's")->check(CLI::Range(4, 1000));
  view->callback([&at, flags] { at.action = [&at, flags] { return run_view(at, *flags); }; });
}

}  // namespace penstock::commands
