#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "tools/penstock/attributes.hpp"
#include "tools/penstock/part10_reader.hpp"

namespace penstock::commands {
namespace {

using messages::result;

/// Written down one after the other, as attributes.cpp reads them.
class attribute_list {
 public:
  void add(std::uint32_t depth, DcmObject& object, std::string_view value) {
    const auto& tag = object.getTag();
    std::array<char, 9> number{};
    std::snprintf(number.data(), number.size(), "%04X%04X", unsigned{tag.getGTag()}, unsigned{tag.getETag()});
    DcmTag named{tag.getXTag()};
    const std::string keyword = named.getTagName();
    put(std::to_string(depth));
    put(number.data());
    put(tag.getVRName());
    put(keyword.find(' ') == std::string::npos ? keyword : "");
    put(std::to_string(object.getLengthField()));
    put(character_set_);
    put(value.substr(0, most_value_bytes));
    text_.back() = '\x1e';
    ++count_;
  }
  void set_character_set(const std::string& value) { character_set_ = value; }
  [[nodiscard]] const std::string& character_set() const { return character_set_; }
  [[nodiscard]] bool full() const { return count_ >= most_attributes || text_.size() >= most_attribute_text_bytes; }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void put(std::string_view field) {
    for (const char c : field) text_ += c == '\x1e' || c == '\x1f' ? '?' : c;
    text_ += '\x1f';
  }
  std::string text_;
  std::string character_set_;
  std::size_t count_ = 0;
};

bool is_binary(DcmEVR vr) {
  return vr == EVR_OB || vr == EVR_OW || vr == EVR_OF || vr == EVR_OD || vr == EVR_OL || vr == EVR_OV || vr == EVR_UN ||
         vr == EVR_ox || vr == EVR_PixelData || vr == EVR_OverlayData;
}

std::string text_of(DcmElement& element) {
  if (element.isaString()) {
    char* text = nullptr;
    Uint32 length = 0;
    if (element.getString(text, length).good() && text != nullptr)
      return {text, std::min<std::size_t>(length, most_value_bytes)};
    return {};
  }
  OFString numbers;
  if (is_binary(element.ident()) || element.getLengthField() > most_value_bytes) return {};
  element.getOFStringArray(numbers);
  return numbers;
}

void write_item(DcmItem& item, std::uint32_t depth, attribute_list& to) {
  const auto outer = to.character_set();
  OFString own;
  if (item.findAndGetOFStringArray(DCM_SpecificCharacterSet, own).good()) to.set_character_set(own);
  for (auto* object = item.nextInContainer(nullptr); object != nullptr && !to.full();
       object = item.nextInContainer(object)) {
    auto* element = dynamic_cast<DcmElement*>(object);
    if (element == nullptr) continue;
    auto* sequence = dynamic_cast<DcmSequenceOfItems*>(element);
    if (sequence == nullptr || element->ident() != EVR_SQ) {
      to.add(depth, *element, text_of(*element));
      continue;
    }
    to.add(depth, *element, "");
    for (unsigned long i = 0; i < sequence->card() && depth < deepest_attribute && !to.full(); ++i) {
      to.add(depth + 1, *sequence->getItem(i), "");
      write_item(*sequence->getItem(i), depth + 1, to);
    }
  }
  to.set_character_set(outer);
}

}  // namespace

result<std::string> write_attributes(std::span<const std::uint8_t> part10) {
  DcmFileFormat file;
  if (auto read = read_part10(file, part10); !read) return read.error();
  attribute_list list;
  write_item(*file.getMetaInfo(), 0, list);
  write_item(*file.getDataset(), 0, list);
  return list.take();
}

}  // namespace penstock::commands
