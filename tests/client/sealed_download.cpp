#include "tests/client/sealed_download.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "storage/digest.hpp"
#include "storage/sealed_writer.hpp"
#include "tools/client/sealed_folder.hpp"

namespace penstock::client::testing {
namespace {

using nlohmann::json;

void require(bool good, const char* what) {
  if (!good) throw std::logic_error(what);
}

json manifest_line(std::uint32_t index, const test_instance& instance, const std::string& plain) {
  json line{{"index", index},
            {"StudyInstanceUID", instance.study},
            {"SeriesInstanceUID", instance.series},
            {"SOPInstanceUID", instance.instance},
            {"PatientID", instance.patient},
            {"SeriesNumber", instance.series_number},
            {"InstanceNumber", std::to_string(instance.instance_number)},
            {"Modality", "MR"}};
  if (!instance.error.empty()) {
    line["error"] = instance.error;
  } else {
    line["plain_bytes"] = plain.size();
    line["dataset_sha256"] = storage::to_hex(storage::sha256(data_set_of(plain)));
  }
  return line;
}

}  // namespace

std::string part10_file(std::size_t bytes, const std::string& salt) {
  std::string file(128, '\0');
  file += "DICM";
  file += std::string{"\x02\x00\x00\x00UL\x04\x00\x04\x00\x00\x00", 12} + "meta";
  file += plaintext_canary + salt;
  while (file.size() < bytes) file += static_cast<char>('a' + file.size() % 26);
  file.resize(bytes);
  return file;
}

std::vector<test_instance> two_patients() {
  return {{"0000123", "1.2.1", "1.2.1.9", "1.2.1.9.2", 2, 2, 900, ""},
          {"0000123", "1.2.1", "1.2.1.9", "1.2.1.9.1", 2, 1, 216, ""},
          {"0000123", "1.2.1", "1.2.1.8", "1.2.1.8.1", 1, 1, 4000, ""},
          {"77", "1.2.5", "1.2.5.1", "1.2.5.1.1", 1, 1, 217, ""},
          {"77", "1.2.3", "1.2.3.1", "1.2.3.1.1", 1, 1, 1500, ""}};
}

sealed_download::sealed_download(std::vector<test_instance> instances) {
  facts_.download = "d-1";
  facts_.key = storage::secret_bytes::random(storage::data_key_bytes);
  facts_.segment_bytes = small_segment_bytes;
  facts_.objects = instances.size() + 1;
  sealed_bytes_.resize(instances.size() + 1);
  json objects = json::array();
  for (std::size_t i = 0; i < instances.size(); ++i) {
    plain_.push_back(part10_file(instances[i].bytes, std::to_string(i)));
    objects.push_back(manifest_line(static_cast<std::uint32_t>(i + 1), instances[i], plain_[i]));
  }
  seal(0, json{{"project", "alz-brain"}, {"download", facts_.download}, {"objects", objects}}.dump());
  for (std::size_t i = 0; i < instances.size(); ++i)
    if (instances[i].error.empty()) seal(static_cast<std::uint32_t>(i + 1), plain_[i]);
  for (const auto bytes : sealed_bytes_) facts_.bytes += bytes;
}

void sealed_download::seal(std::uint32_t index, const std::string& plain) {
  std::uint64_t segment = 0;
  auto writer = storage::sealed_writer::create(
      facts_.key, {facts_.download, index, plain.size()}, storage::sha256(plain),
      [&](std::span<const std::uint8_t> bytes) -> result<void> {
        segments_.push_back({index, segment++, {bytes.begin(), bytes.end()}});
        sealed_bytes_[index] += bytes.size();
        return {};
      },
      facts_.segment_bytes);
  require(writer.ok(), "sealed_writer");
  require(writer->write({reinterpret_cast<const std::uint8_t*>(plain.data()), plain.size()}).ok(), "write");
  require(writer->finish().ok(), "finish");
}

download_facts sealed_download::copy_of_facts() const {
  return {facts_.download, facts_.key.copy(), facts_.segment_bytes, facts_.objects, facts_.bytes};
}

result<bool> sealed_download::feed(download_receiver& receiver, download_position from, std::size_t most) const {
  std::uint32_t announced = UINT32_MAX;
  for (const auto& segment : segments_) {
    const bool before =
        segment.object < from.object || (segment.object == from.object && segment.segment < from.segment);
    if (before) continue;
    if (most-- == 0) return false;
    if (std::exchange(announced, segment.object) != segment.object)
      if (auto taken = receiver.on_object(segment.object, sealed_bytes_[segment.object]); !taken) return taken.error();
    if (auto taken = receiver.on_segment(segment.object, segment.segment, segment.bytes); !taken) return taken.error();
  }
  if (auto ended = receiver.on_end(); !ended) return ended.error();
  return true;
}

}  // namespace penstock::client::testing
