#include "tools/dimse/identifiers.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dcelem.h>

#include <array>
#include <cstdio>
#include <string_view>

#include "messages/ids.hpp"
#include "storage/character_sets.hpp"

namespace penstock::dimse {
namespace {

/// DCMTK reads "gggg,eeee" or a keyword.
bool tag_named(const std::string& name, DcmTag& into) {
  const bool is_number = name.size() == 8 && name.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  const auto spelled = is_number ? name.substr(0, 4) + "," + name.substr(4) : name;
  return DcmTag::findTagFromName(spelled.c_str(), into).good();
}

std::string name_of_tag(DcmElement& element) {
  DcmTag tag = element.getTag();
  const auto* data = tag.isPrivate() ? nullptr : tag.getTagName();
  if (data != nullptr && std::string_view{data} != DcmTag_ERROR_TagName) return data;
  std::array<char, 9> number{};
  std::snprintf(number.data(), number.size(), "%04x%04x", tag.getGroup(), tag.getElement());
  return number.data();
}

std::string joined(const std::vector<messages::dicom_uid>& uids) {
  std::string text;
  for (const auto& uid : uids) text += (text.empty() ? "" : "\\") + uid.reveal();
  return text;
}

/// The element's values as text; nothing for sequences and binary values.
bool text_of(DcmElement& element, OFString& into) {
  switch (element.getVR()) {
    case EVR_SQ:
    case EVR_OB:
    case EVR_OW:
    case EVR_OF:
    case EVR_OD:
    case EVR_OL:
    case EVR_OV:
    case EVR_UN:
      return false;
    default:
      return element.getLength() <= longest_row_bytes && element.getOFStringArray(into).good();
  }
}

/// Cut between characters: UTF-8 continuation bytes start with the bits 10.
void cut_to(std::string& text, std::size_t bytes) {
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0U) == 0x80U) --bytes;
  text.resize(bytes);
}

}  // namespace

std::unique_ptr<DcmDataset> find_identifier(const messages::find_query& query) {
  auto identifier = std::make_unique<DcmDataset>();
  identifier->putAndInsertString(DCM_SpecificCharacterSet, "ISO_IR 192");
  identifier->putAndInsertString(DCM_QueryRetrieveLevel, query.level.c_str());
  for (const auto& name : query.return_keys) {
    DcmTag tag;
    if (!tag_named(name, tag)) return nullptr;
    if (tag != DCM_SpecificCharacterSet && identifier->insertEmptyElement(tag).bad()) return nullptr;
  }
  for (const auto& [name, value] : query.keys) {
    DcmTag tag;
    if (!tag_named(name, tag) || identifier->putAndInsertString(tag, value.reveal().c_str()).bad()) return nullptr;
  }
  return identifier;
}

std::unique_ptr<DcmDataset> move_identifier(const messages::move_job& job) {
  auto identifier = std::make_unique<DcmDataset>();
  const bool by_series = !job.series_uids.empty();
  const bool by_instance = !job.instance_uids.empty();
  identifier->putAndInsertString(DCM_QueryRetrieveLevel, by_instance ? "IMAGE" : by_series ? "SERIES" : "STUDY");
  identifier->putAndInsertString(DCM_StudyInstanceUID, job.study_uid.reveal().c_str());
  if (by_series) identifier->putAndInsertString(DCM_SeriesInstanceUID, joined(job.series_uids).c_str());
  if (by_instance) identifier->putAndInsertString(DCM_SOPInstanceUID, joined(job.instance_uids).c_str());
  return identifier;
}

messages::find_row row_of(DcmDataset& dataset, std::uint32_t query, const std::string& default_charset) {
  messages::find_row row;
  row.query = query;
  OFString charset;
  dataset.findAndGetOFStringArray(DCM_SpecificCharacterSet, charset);
  const std::string set = charset.empty() ? default_charset : std::string{charset.c_str(), charset.length()};
  std::size_t row_bytes = 0;
  for (auto* object = dataset.nextInContainer(nullptr); object != nullptr; object = dataset.nextInContainer(object)) {
    auto& element = *static_cast<DcmElement*>(object);
    OFString raw;
    if (!text_of(element, raw)) continue;
    const std::string_view bytes{raw.c_str(), raw.length()};
    auto [text, converted] = storage::to_utf8(set, messages::without_padding(bytes));
    const bool fits = text.size() <= longest_row_value_bytes;
    if (!fits) cut_to(text, longest_row_value_bytes);
    row.whole = row.whole && fits && converted;
    auto name = name_of_tag(element);
    row_bytes += name.size() + 2 * text.size() + 8;  // JSON may escape a byte, a control character even more
    if (row_bytes > longest_row_bytes || row.attributes.size() >= most_row_attributes) {
      row.whole = false;
      break;
    }
    row.attributes.emplace(std::move(name), std::move(text));
  }
  return row;
}

std::vector<messages::dicom_uid> failed_uids_of(DcmDataset& dataset) {
  std::vector<messages::dicom_uid> uids;
  OFString list;
  dataset.findAndGetOFStringArray(DCM_FailedSOPInstanceUIDList, list);
  std::string_view rest{list.c_str(), list.length()};
  while (!rest.empty() && uids.size() < messages::most_dimse_uids) {
    const auto end = std::min(rest.find('\\'), rest.size());
    const auto uid = messages::without_padding(rest.substr(0, end));
    if (!uid.empty() && uid.size() <= 64) uids.emplace_back(std::string{uid});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return uids;
}

}  // namespace penstock::dimse
