#include "tools/client/download_manifest.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;

constexpr std::size_t longest_modality = 16;  // PS3.5 section 6.2, value representation CS

std::string text_of(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string{};
}

/// Numbers come as numbers, or as text where the server passes on what DICOM's integer string held.
std::int64_t number_of(const json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end()) return 0;
  if (member->is_number_integer()) return member->get<std::int64_t>();
  const auto text = text_of(object, name);
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string modality_of(const json& object) {
  std::string clean;
  for (const char c : text_of(object, "Modality"))
    if (std::isupper(static_cast<unsigned char>(c)) != 0 || std::isdigit(static_cast<unsigned char>(c)) != 0)
      clean += c;
  clean.resize(std::min(clean.size(), longest_modality));
  return clean.empty() ? "OTHER" : clean;
}

manifest_object object_of(const json& from) {
  manifest_object object;
  object.index = from.at("index").get<std::uint32_t>();
  object.error = text_of(from, "error");
  object.study = messages::dicom_uid{text_of(from, "StudyInstanceUID")};
  object.series = messages::dicom_uid{text_of(from, "SeriesInstanceUID")};
  object.instance = messages::dicom_uid{text_of(from, "SOPInstanceUID")};
  object.patient_id = messages::protected_text{text_of(from, "PatientID")};
  object.series_number = number_of(from, "SeriesNumber");
  object.instance_number = number_of(from, "InstanceNumber");
  object.modality = modality_of(from);
  object.dataset_sha256 = text_of(from, "dataset_sha256");
  if (object.error.empty()) object.plain_bytes = from.at("plain_bytes").get<std::uint64_t>();
  return object;
}

std::string padded(std::uint32_t ordinal, std::size_t digits) {
  const auto text = std::to_string(ordinal);
  return std::string(text.size() < digits ? digits - text.size() : 0, '0') + text;
}

std::string folder_of(const placement& place) { return padded(place.study, 4) + "/" + padded(place.series, 4) + "/"; }

}  // namespace

result<download_manifest> parse_manifest(std::string_view text) try {
  const auto parsed = json::parse(text);
  download_manifest manifest;
  manifest.project = text_of(parsed, "project");
  manifest.download = text_of(parsed, "download");
  for (const auto& object : parsed.at("objects")) {
    manifest.objects.push_back(object_of(object));
    if (manifest.objects.back().index != manifest.objects.size())
      return fail(errc::corrupt, "manifest of the download: its indices have gaps");
  }
  return manifest;
} catch (const json::exception&) {
  return fail(errc::corrupt, "manifest of the download: not as the protocol says");
}

std::vector<placement> place_objects(const download_manifest& manifest) {
  const auto& objects = manifest.objects;
  // Two institutions may hold a study of one UID under their own patient identifiers: those are two studies here.
  std::map<std::pair<messages::dicom_uid, messages::protected_text>, std::uint32_t> study_ordinals;
  const auto study_of = [](const manifest_object& o) { return std::pair{o.study, o.patient_id}; };
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (!objects[i].error.empty()) continue;
    study_ordinals.try_emplace(study_of(objects[i]), static_cast<std::uint32_t>(study_ordinals.size() + 1));
    order.push_back(i);
  }
  const auto key = [&](std::size_t i) {
    const auto& o = objects[i];
    return std::tie(study_ordinals.at(study_of(o)), o.series_number, o.series, o.instance_number, o.instance, o.index);
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  std::vector<placement> places(objects.size());
  placement last;
  const messages::dicom_uid* series = nullptr;
  for (const auto i : order) {
    const auto study = study_ordinals.at(study_of(objects[i]));
    const bool new_study = study != last.study;
    const bool new_series = new_study || series == nullptr || *series != objects[i].series;
    last = {study, new_study ? 1 : last.series + (new_series ? 1 : 0), new_series ? 1 : last.instance + 1};
    series = &objects[i].series;
    places[i] = last;
  }
  return places;
}

std::string sealed_path(const placement& place) { return folder_of(place) + padded(place.instance, 6) + ".sealed"; }

std::string plain_path(const placement& place, const std::string& modality) {
  return modality + "/" + folder_of(place) + padded(place.instance, 6) + ".dcm";
}

}  // namespace penstock::client
