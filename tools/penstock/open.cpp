// open list, verify: a sealed download on this disk. Needs no server.

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "tools/penstock/display_text.hpp"
#include "tools/penstock/open_folder.hpp"
#include "tools/penstock/terminal.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using client::sealed_folder;
using nlohmann::json;
namespace fs = std::filesystem;

struct list_flags {
  open_flags open;
  bool images = false;
};

json images_of(const sealed_folder& opened, const series_summary& series) {
  json list = json::array();
  for (std::size_t i = 0; i < series.images; ++i) {
    const auto& about = opened.manifest().objects[series.objects[i]];
    list.push_back(json{{"image", series.first_image + i},
                        {"InstanceNumber", about.instance_number},
                        {"SOPInstanceUID", about.instance.reveal()},
                        {"bytes", about.plain_bytes},
                        {"file", client::sealed_path(opened.places()[series.objects[i]])}});
  }
  return list;
}

json series_of(const sealed_folder& opened, std::uint32_t ordinal, const series_summary& series, bool each_image) {
  json shown{{"series", ordinal},
             {"Modality", series.modality},
             {"images", series.images},
             {"bytes", series.bytes},
             {"first_image", series.first_image}};
  if (each_image) shown["list"] = images_of(opened, series);
  return shown;
}

json tree_of(const sealed_folder& opened, bool each_image) {
  std::map<std::string, json> patients;
  for (const auto& [ordinal, study] : summarise(opened)) {
    json series = json::array();
    for (const auto& [series_ordinal, one] : study.series)
      series.push_back(series_of(opened, series_ordinal, one, each_image));
    patients[study.patient].push_back(json{{"study", ordinal}, {"series", std::move(series)}});
  }
  json tree = json::array();
  for (auto& [patient, studies] : patients)
    tree.push_back(json{{"PatientID", patient}, {"studies", std::move(studies)}});
  return json{
      {"download", opened.manifest().download}, {"project", opened.manifest().project}, {"patients", std::move(tree)}};
}

std::string studies(std::uint64_t count) { return counted(count, "study", "studies"); }

std::size_t never_sent(const sealed_folder& opened) {
  const auto& objects = opened.manifest().objects;
  return static_cast<std::size_t>(
      std::count_if(objects.begin(), objects.end(), [](const auto& object) { return !object.error.empty(); }));
}

void show_series(const context& at, const sealed_folder& opened, std::uint32_t ordinal, const series_summary& series,
                 bool each_image) {
  const auto last = series.first_image + series.images - 1;
  const auto range = std::to_string(series.first_image) + (series.images == 1 ? "" : "-" + std::to_string(last));
  at.say("    Series " + std::to_string(ordinal) + "  " + series.modality + "  " + images(series.images) + "  " +
         human_bytes(series.bytes) + "  (--select " + range + ")");
  for (std::size_t i = 0; each_image && i < series.images; ++i) {
    const auto& about = opened.manifest().objects[series.objects[i]];
    at.say("      Image " + std::to_string(series.first_image + i) + "  instance " +
           std::to_string(about.instance_number) + "  " + human_bytes(about.plain_bytes) + "  " +
           client::sealed_path(opened.places()[series.objects[i]]));
  }
}

void show_tree(const context& at, const sealed_folder& opened, bool each_image) {
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
        show_series(at, opened, number, one, each_image);
        bytes += one.bytes;
      }
    }
  }
  at.say(counted(studies_of_patient.size(), "patient", "patients") + ", " + studies(found.size()) + ", " +
         images(opened.manifest().objects.size() - never_sent(opened)) + ", " + human_bytes(bytes) + ".");
  if (const auto absent = never_sent(opened); absent != 0) at.say(images(absent) + " could not be sent by the server.");
}

exit_code run_list(context& at, const list_flags& flags) {
  auto opened = open_folder(at, flags.open);
  if (!opened) return at.report(opened.error());
  if (at.json)
    at.show(tree_of(opened->images, flags.images));
  else
    show_tree(at, opened->images, flags.images);
  return exit_code::ok;
}

/// Files in the folder that are none of the download's, relative to it.
std::vector<std::string> files_too_many(const opened_folder& opened, const fs::path& folder) {
  std::set<std::string> known{client::download_record_name, client::sealed_index_name};
  for (const auto i : images_in_order(opened.images)) known.insert(client::sealed_path(opened.images.places()[i]));
  std::vector<std::string> strange;
  std::error_code error;
  for (fs::recursive_directory_iterator at{folder, error}, end; at != end && !error; at.increment(error)) {
    if (at->is_directory(error)) continue;
    auto path = at->path().lexically_relative(folder).generic_string();
    if (!known.contains(path)) strange.push_back(std::move(path));
  }
  std::sort(strange.begin(), strange.end());
  return strange;
}

struct verification {
  json faults = json::array();
  std::uint64_t good = 0;
  std::uint64_t bytes = 0;
  std::size_t never_sent = 0;
  std::vector<std::string> too_many;
};

verification verify(const opened_folder& opened, const fs::path& folder) {
  verification found;
  progress_line progress;
  const auto order = images_in_order(opened.images);
  for (std::size_t n = 0; n < order.size(); ++n) {
    const auto path = client::sealed_path(opened.images.places()[order[n]]);
    progress.show("verifying " + std::to_string(n + 1) + " of " + images(order.size()) + ", " +
                  human_bytes(found.bytes) + ": " + path);
    if (auto verified = opened.images.verify(order[n]); verified) {
      ++found.good;
      found.bytes += opened.images.manifest().objects[order[n]].plain_bytes;
    } else {
      const auto code = verified.error().code;
      found.faults.push_back(
          json{{"file", path}, {"error", code == messages::errc::not_found ? "missing" : name_of(code)}});
    }
  }
  found.never_sent = never_sent(opened.images);
  found.too_many = files_too_many(opened, folder);
  return found;
}

exit_code run_verify(context& at, const open_flags& flags) {
  auto opened = open_folder(at, flags);
  if (!opened) return at.report(opened.error());
  const auto found = verify(*opened, flags.folder);
  if (at.json)
    at.show(json{{"verified", found.good},
                 {"bytes", found.bytes},
                 {"faults", found.faults},
                 {"never_sent", found.never_sent},
                 {"too_many", found.too_many}});
  for (const auto& fault : found.faults) at.say(text_in(fault, "file") + ": " + text_in(fault, "error"));
  for (const auto& path : found.too_many) at.say(printable(path) + ": no file of this download");
  at.say(counted(found.good, "file", "files") + ", " + human_bytes(found.bytes) + ", verified byte for byte; " +
         counted(found.faults.size(), "fault", "faults") + ".");
  if (found.never_sent != 0) at.say(images(found.never_sent) + " could not be sent by the server.");
  if (!found.faults.empty()) return exit_code::verification_failed;
  return found.never_sent == 0 && found.too_many.empty() ? exit_code::ok : exit_code::not_everything_ok;
}

}  // namespace

void add_open_commands(CLI::App& program, context& at) {
  auto* open = program.add_subcommand("open", "Look into a sealed download; needs no server")->require_subcommand(1);
  const auto listed = std::make_shared<list_flags>();
  auto* list = open->add_subcommand("list", "Show patients, their studies, series and how many images");
  add_open_flags(*list, listed->open);
  list->add_flag("--images", listed->images, "And each image");
  list->callback([&at, listed] { at.action = [&at, listed] { return run_list(at, *listed); }; });
  const auto verified = std::make_shared<open_flags>();
  auto* check = open->add_subcommand(
      "verify", "Check every byte of every file; code 4 when one was altered or is missing, 3 when there are others");
  add_open_flags(*check, *verified);
  check->callback([&at, verified] { at.action = [&at, verified] { return run_verify(at, *verified); }; });
  add_open_view_commands(*open, at);
  add_open_export_command(*open, at);
  add_open_send_command(*open, at);
}

}  // namespace penstock::commands
