#include "tools/penstock/open_folder.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <tuple>

#include "tools/penstock/input_lists.hpp"

namespace penstock::commands {

using client::sealed_folder;
using messages::errc;
using messages::fail;

void add_open_flags(CLI::App& command, open_flags& flags) {
  command.add_option("DIR", flags.folder, "Folder of a sealed download")->required();
  add_key_flags(command, flags.key);
}

result<opened_folder> open_folder(const context& at, const open_flags& flags) {
  auto record = client::load_record(flags.folder);
  if (!record) return record.error();
  auto opened = open_key(at, flags.key, *record);
  if (!opened) return opened.error();
  auto folder = sealed_folder::open(flags.folder, *record, std::move(opened->key));
  if (!folder) return folder.error();
  return opened_folder{std::move(*record), std::move(*folder)};
}

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
    series.number = about.series_number;
    ++series.images;
    series.bytes += about.plain_bytes;
    series.objects.push_back(i);
  }
  return studies;
}

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

namespace {

bool read_number(std::string_view text, std::size_t& into) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), into);
  return problem == std::errc{} && end == text.data() + text.size();
}

}  // namespace

result<std::vector<std::size_t>> image_numbers(const std::string& list, std::size_t images) {
  std::vector<std::size_t> numbers;
  if (list.empty()) {
    numbers.resize(images);
    std::iota(numbers.begin(), numbers.end(), 1);
    return numbers;
  }
  for (const auto& part : split_commas(list)) {
    const auto dash = part.find('-');
    std::size_t first = 0;
    std::size_t last = 0;
    const bool good = read_number(std::string_view{part}.substr(0, dash), first) &&
                      read_number(std::string_view{part}.substr(dash == std::string::npos ? 0 : dash + 1), last);
    if (!good || first > last) return fail(errc::bad_request, "--select: write numbers of images, such as 1-20,35");
    if (first == 0 || last > images)
      return fail(errc::not_found,
                  "there is no image " + part + "; the download has images 1 to " + std::to_string(images));
    for (auto n = first; n <= last; ++n) numbers.push_back(n);
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

}  // namespace penstock::commands
