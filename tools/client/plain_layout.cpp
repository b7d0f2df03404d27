#include "tools/client/plain_layout.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;

constexpr std::array<std::string_view, 4> reserved_names = {"con", "prn", "aux", "nul"};  // of Windows
constexpr std::array<std::string_view, 2> reserved_with_digit = {"com", "lpt"};

std::string lower(std::string_view text) {
  std::string small{text};
  std::transform(small.begin(), small.end(), small.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return small;
}

bool is_plain(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_'; }

bool is_reserved(std::string_view name) {
  const auto stem = lower(name.substr(0, name.find('.')));
  if (std::find(reserved_names.begin(), reserved_names.end(), stem) != reserved_names.end()) return true;
  return stem.size() == 4 && std::isdigit(static_cast<unsigned char>(stem[3])) != 0 &&
         std::find(reserved_with_digit.begin(), reserved_with_digit.end(), stem.substr(0, 3)) !=
             reserved_with_digit.end();
}

std::string padded(std::uint64_t number, std::size_t digits) {
  const auto text = std::to_string(number);
  return std::string(text.size() < digits ? digits - text.size() : 0, '0') + text;
}

std::string or_unknown(const std::string& text, std::string_view otherwise) {
  return text.empty() ? std::string{otherwise} : text;
}

/// Gives each thing a name below its parent that no other thing there has.
class distinct_names {
 public:
  const std::string& of(const std::string& parent, const std::string& thing, const std::string& wish) {
    auto& name = names_[{parent, thing}];
    if (!name.empty()) return name;
    name = wish;
    for (int n = 2; !taken_.insert(lower(parent + "/" + name)).second; ++n) name = wish + "_" + std::to_string(n);
    return name;
  }

 private:
  std::map<std::pair<std::string, std::string>, std::string> names_;
  std::set<std::string> taken_;
};

struct folder_name {
  std::string thing;  ///< what the folder is for: another thing, another folder
  std::string wish;
};

/// From the outermost folder inwards.
std::vector<folder_name> folders_of(const manifest_object& about, const placement& place, const series_words& words,
                                    plain_layout layout) {
  const auto patient = about.patient_id.reveal();
  const auto study = std::to_string(place.study);
  const auto series = std::to_string(place.series);
  const auto date = or_unknown(words.study_date, "nodate");
  if (layout == plain_layout::spl)
    return {{about.modality, safe_name(about.modality) + ".MOD"},
            {words.station, safe_name(or_unknown(words.station, "UNKNOWN")) + ".STA"},
            {date, safe_name(date) + ".DAY"},
            {study, safe_name(about.study.reveal()) + ".UID"},
            {series, safe_name(std::to_string(about.series_number)) + ".SER"}};
  const auto study_name = date + "_" + about.modality + (words.accession.empty() ? "" : "_" + words.accession);
  const auto series_name =
      std::to_string(about.series_number) + (words.description.empty() ? "" : "_" + words.description);
  return {{patient, safe_name(patient)}, {study, safe_name(study_name)}, {series, safe_name(series_name)}};
}

std::string media_path(const placement& place, std::uint32_t patient) {
  return "PT" + padded(patient, 6) + "/ST" + padded(place.study, 6) + "/SE" + padded(place.series, 6) + "/IM" +
         padded(place.instance, 6);
}

std::string path_below(distinct_names& names, const std::vector<folder_name>& folders, const placement& place) {
  std::string path;
  for (const auto& folder : folders) path += names.of(path, folder.thing, folder.wish) + "/";
  return path + padded(place.instance, 6) + ".dcm";
}

}  // namespace

result<plain_layout> plain_layout_named(std::string_view name) {
  if (name == "readable") return plain_layout::readable;
  if (name == "spl") return plain_layout::spl;
  if (name == "media") return plain_layout::media;
  return fail(errc::bad_request, "--layout: readable, spl or media");
}

std::string safe_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const char kept = is_plain(c) ? c : '_';
    const bool mark = kept == '_' || kept == '.';
    if (!mark || (!name.empty() && name.back() != kept)) name += kept;
  }
  while (!name.empty() && (name.front() == '.' || name.front() == '-')) name.erase(0, 1);
  name.resize(std::min(name.size(), longest_safe_name));
  while (!name.empty() && (name.back() == '.' || name.back() == '_')) name.pop_back();
  if (name.empty()) return "unknown";
  return is_reserved(name) ? "_" + name : name;
}

std::vector<std::string> plain_paths(const download_manifest& manifest, const std::vector<placement>& places,
                                     const std::map<series_place, series_words>& words, plain_layout layout) {
  static const series_words none;
  distinct_names names;
  std::map<std::string, std::uint32_t> patients;
  std::vector<std::string> paths(manifest.objects.size());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto& about = manifest.objects[i];
    const auto& place = places[i];
    if (!about.error.empty()) continue;
    const auto known = words.find({place.study, place.series});
    const auto patient =
        patients.try_emplace(about.patient_id.reveal(), static_cast<std::uint32_t>(patients.size() + 1)).first->second;
    if (layout == plain_layout::ordinals)
      paths[i] = plain_path(place, about.modality);
    else if (layout == plain_layout::media)
      paths[i] = media_path(place, patient);
    else
      paths[i] =
          path_below(names, folders_of(about, place, known == words.end() ? none : known->second, layout), place);
  }
  return paths;
}

}  // namespace penstock::client
