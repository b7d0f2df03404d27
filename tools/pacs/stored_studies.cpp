// Studies in DICOM files. What is sent of them are the bytes of the file.

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcmetinf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <map>

#include "storage/character_sets.hpp"
#include "tools/pacs/catalogue.hpp"

namespace penstock::pacs {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

namespace fs = std::filesystem;

constexpr std::array study_attributes{
    attributes::patient_name,       attributes::patient_id,         attributes::issuer_of_patient_id,
    attributes::patient_birth_date, attributes::patient_sex,        attributes::study_date,
    attributes::study_time,         attributes::accession_number,   attributes::referring_physician_name,
    attributes::study_description,  attributes::study_instance_uid, attributes::study_id};
constexpr std::array series_attributes{
    attributes::series_date,        attributes::series_time,      attributes::modality,
    attributes::manufacturer,       attributes::institution_name, attributes::series_description,
    attributes::body_part_examined, attributes::protocol_name,    attributes::series_instance_uid,
    attributes::series_number};

DcmTagKey key_of(const attribute& which) {
  return {static_cast<Uint16>(which.tag >> 16), static_cast<Uint16>(which.tag)};
}

std::string value_of(DcmItem& in, const attribute& which) {
  OFString found;
  in.findAndGetOFStringArray(key_of(which), found);
  return {found.c_str(), found.length()};
}

template <std::size_t N>
dataset attributes_of(DcmItem& in, const std::array<attribute, N>& wanted) {
  const auto character_set = value_of(in, attributes::specific_character_set);
  dataset made;
  for (const auto& which : wanted) {
    auto value = value_of(in, which);
    if (has_character_set(which.vr)) value = storage::to_utf8(character_set, value).text;
    put(made, which, value);
  }
  return made;
}

/// Where the data set begins: after the preamble and the file meta group, whose first element is its length (PS3.10
/// section 7.1). Nothing for a file without them.
std::optional<std::uint64_t> dataset_position(const fs::path& file) {
  constexpr std::size_t preamble_bytes = 128;
  constexpr std::size_t head_bytes = preamble_bytes + 4 + 12;
  std::array<char, head_bytes> head{};
  std::ifstream from{file, std::ios::binary};
  if (!from.read(head.data(), head.size())) return std::nullopt;
  constexpr std::string_view group_length{"DICM\x02\x00\x00\x00UL\x04\x00", 12};
  const std::string_view begin{head.data() + preamble_bytes, group_length.size()};
  if (begin != group_length) return std::nullopt;
  return head_bytes + little_endian(view_of({head.data() + head_bytes - 4, 4}));
}

/// Studies as they are found, file by file.
class collection {
 public:
  /// False for a file that is none.
  bool add(const fs::path& file) {
    const auto position = dataset_position(file);
    DcmFileFormat content;
    if (!position ||
        content
            .loadFileUntilTag(file.c_str(), EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_autoDetect, DCM_PixelData)
            .bad())
      return false;
    auto& in = *content.getDataset();
    instance found;
    found.file = file;
    found.dataset_at = *position;
    found.sop_instance_uid = value_of(in, attributes::sop_instance_uid);
    found.sop_class_uid = value_of(in, attributes::sop_class_uid);
    OFString syntax;
    content.getMetaInfo()->findAndGetOFString(DCM_TransferSyntaxUID, syntax);
    found.transfer_syntax = syntax.c_str();
    found.number =
        static_cast<std::uint32_t>(std::strtoul(value_of(in, attributes::instance_number).c_str(), nullptr, 10));
    if (found.sop_instance_uid.empty() || found.transfer_syntax.empty()) return false;
    auto& of_study = studies_[value_of(in, attributes::study_instance_uid)];
    if (of_study.attributes.empty()) of_study.attributes = attributes_of(in, study_attributes);
    auto& of_series = series_[{of_study.uid(), value_of(in, attributes::series_instance_uid)}];
    if (of_series.attributes.empty()) of_series.attributes = attributes_of(in, series_attributes);
    of_series.instances.push_back(std::move(found));
    return true;
  }

  void move_to(catalogue& to) {
    for (auto& [key, made] : series_) {
      std::ranges::sort(made.instances, [](const instance& a, const instance& b) {
        return std::tie(a.number, a.sop_instance_uid) < std::tie(b.number, b.sop_instance_uid);
      });
      studies_[key.first].members.push_back(std::move(made));
    }
    for (auto& [uid, made] : studies_) to.add(std::move(made));
  }

 private:
  std::map<std::string, study> studies_;
  std::map<std::pair<std::string, std::string>, series> series_;
};

}  // namespace

result<void> add_directory(const fs::path& directory, catalogue& to, std::size_t& skipped) {
  std::error_code problem;
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator at{directory, problem}, end; !problem && at != end; at.increment(problem))
    if (at->is_regular_file(problem)) files.push_back(at->path());
  if (problem) return fail(errc::io_error, directory.string() + ": " + problem.message());
  std::ranges::sort(files);
  collection found;
  for (const auto& file : files)
    if (!found.add(file)) ++skipped;
  found.move_to(to);
  return {};
}

result<bytes> dataset_of(const object& wanted, encoding as) {
  if (wanted.what->file.empty()) return generate(wanted, as);
  std::ifstream from{wanted.what->file, std::ios::binary | std::ios::ate};
  const auto size = static_cast<std::int64_t>(from.tellg());
  const auto at = static_cast<std::int64_t>(wanted.what->dataset_at);
  if (size <= at) return fail(errc::io_error, wanted.what->file.string() + ": cannot be read any more");
  bytes made(static_cast<std::size_t>(size - at));
  from.seekg(at);
  if (!from.read(reinterpret_cast<char*>(made.data()), size - at))
    return fail(errc::io_error, wanted.what->file.string() + ": cannot be read");
  return made;
}

}  // namespace penstock::pacs
