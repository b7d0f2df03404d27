#pragma once
// A temporary directory, small data sets, and parts as a delivery leaves them.

#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <stdlib.h>

#include "messages/ids.hpp"
#include "storage/dataset_scanner.hpp"
#include "storage/pack_writer.hpp"

namespace penstock::tests {

class temporary_directory {
 public:
  temporary_directory() {
    auto pattern = (std::filesystem::temp_directory_path() / "penstock-shard-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// One instance. `recorded` is what the record header says when it is not what the data set says.
struct object {
  std::string study = "1.2.3";
  std::string series = "1.2.3.1";
  std::string instance = "1.2.3.1.1";
  int series_number = 1;
  int instance_number = 1;
  std::string patient_id = "0012345";
  std::string issuer = "GH";
  std::string modality = "MR";
  std::size_t pixel_bytes = 64;
  std::string recorded = "";
};

inline std::vector<std::byte> dataset_of(const object& of) {
  std::vector<std::byte> bytes;
  const auto number = [&](std::uint32_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(value >> 8 * i));
  };
  const auto element = [&](std::uint32_t tag, std::string_view vr, std::string value) {
    if (value.size() % 2 != 0) value += vr == "UI" ? '\0' : ' ';
    number(tag >> 16, 2);
    number(tag & 0xffff, 2);
    for (const char c : vr) bytes.push_back(static_cast<std::byte>(c));
    if (vr == "OB") number(0, 2);
    number(static_cast<std::uint32_t>(value.size()), vr == "OB" ? 4 : 2);
    for (const char c : value) bytes.push_back(static_cast<std::byte>(c));
  };
  element(0x00080005, "CS", "ISO_IR 100");
  element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.4");
  element(0x00080018, "UI", of.instance);
  element(0x00080020, "DA", "20260301");
  element(0x00080030, "TM", "101500");
  element(0x00080050, "SH", "A77");
  element(0x00080060, "CS", of.modality);
  element(0x0008103e, "LO", "Sch\xe4" "del");
  element(0x00100010, "PN", "Doe^Jane");
  element(0x00100020, "LO", of.patient_id);
  element(0x00100021, "LO", of.issuer);
  element(0x0020000d, "UI", of.study);
  element(0x0020000e, "UI", of.series);
  element(0x00200011, "IS", std::to_string(of.series_number));
  element(0x00200013, "IS", " " + std::to_string(of.instance_number));
  element(0x00280008, "IS", "2");
  element(0x00280010, "US", std::string{"\x00\x01", 2});
  element(0x00280011, "US", std::string{"\x00\x02", 2});
  element(0x7fe00010, "OB", std::string(of.pixel_bytes, 'p'));
  return bytes;
}

/// Writes `<directory>/<name>` as a child of the listener leaves it: flushed, not synced.
inline void write_part(const std::filesystem::path& directory, const std::string& name,
                       const std::vector<object>& objects) {
  auto file = storage::posix_files().create((directory / name).string());
  auto writer = storage::pack_writer::start(std::move(file).value(), storage::new_pack_id()).value();
  for (const auto& each : objects) {
    const storage::instance_identity identity{
        messages::dicom_uid{"1.2.840.10008.5.1.4.1.1.4"},
        messages::dicom_uid{each.recorded.empty() ? each.instance : each.recorded},
        std::string{storage::transfer_syntaxes::explicit_little_endian}, "GHPACS"};
    if (!writer.begin_record(identity) || !writer.write(dataset_of(each)) || !writer.finish_record())
      throw std::runtime_error("write a part");
  }
  if (!writer.flush()) throw std::runtime_error("write a part");
}

}  // namespace penstock::tests
