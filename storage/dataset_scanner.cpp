#include "storage/dataset_scanner.hpp"

#include <zlib.h>

#include <algorithm>
#include <utility>

namespace penstock::storage {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr std::uint32_t undefined_length = 0xffffffff;
constexpr std::uint32_t item = 0xfffee000;
constexpr std::uint32_t item_delimitation = 0xfffee00d;
constexpr std::uint32_t sequence_delimitation = 0xfffee0dd;
constexpr std::uint32_t series_instance_uid_tag = 0x0020000e;
constexpr std::uint32_t rows_tag = 0x00280010;
constexpr std::uint32_t columns_tag = 0x00280011;
constexpr std::uint32_t pixel_data_tag = 0x7fe00010;
constexpr std::size_t short_header_bytes = 8;
constexpr std::size_t long_header_bytes = 12;
constexpr std::size_t longest_uid = 64;

bool is_upper(std::byte c) { return c >= std::byte{'A'} && c <= std::byte{'Z'}; }

/// PS3.5 section 7.1.2: these VRs have two reserved bytes and a 32-bit length.
bool has_long_length(std::byte first, std::byte second) {
  if (first == std::byte{'O'}) return true;
  const std::array<char, 2> vr{static_cast<char>(first), static_cast<char>(second)};
  constexpr std::array<std::string_view, 6> others{"SQ", "UN", "UT", "UC", "UR", "UV"};
  const std::string_view text{vr.data(), vr.size()};
  return text == "SV" || std::find(others.begin(), others.end(), text) != others.end();
}

std::string* place_of_general_text(scanned_dataset& into, std::uint32_t tag) {
  switch (tag) {
    case 0x00080005:
      return &into.specific_character_set;
    case 0x00080008:
      return &into.image_type;
    case 0x00080020:
      return &into.study_date;
    case 0x00080021:
      return &into.series_date;
    case 0x00080022:
      return &into.acquisition_date;
    case 0x00080030:
      return &into.study_time;
    case 0x00080031:
      return &into.series_time;
    case 0x00080060:
      return &into.modality;
    case 0x00080070:
      return &into.manufacturer;
    case 0x00080080:
      return &into.institution_name;
    case 0x00081010:
      return &into.station_name;
    case 0x00081030:
      return &into.study_description;
    case 0x0008103e:
      return &into.series_description;
    case 0x00081090:
      return &into.manufacturer_model_name;
    case 0x00180015:
      return &into.body_part_examined;
    case 0x00180050:
      return &into.slice_thickness;
    case 0x00181030:
      return &into.protocol_name;
    case 0x00200010:
      return &into.study_id;
    case 0x00200011:
      return &into.series_number;
    case 0x00200013:
      return &into.instance_number;
    case 0x00280008:
      return &into.number_of_frames;
    default:
      return nullptr;
  }
}

std::string* place_of_identity(scanned_dataset& into, std::uint32_t tag) {
  switch (tag) {
    case 0x00080016:
      return &into.sop_class_uid.reveal_for_writing();
    case 0x00080018:
      return &into.sop_instance_uid.reveal_for_writing();
    case 0x00080050:
      return &into.accession_number.reveal_for_writing();
    case 0x00100010:
      return &into.patient_name.reveal_for_writing();
    case 0x00100020:
      return &into.patient_id.reveal_for_writing();
    case 0x00100021:
      return &into.issuer_of_patient_id.reveal_for_writing();
    case 0x00100030:
      return &into.patient_birth_date.reveal_for_writing();
    case 0x00100040:
      return &into.patient_sex.reveal_for_writing();
    case 0x0020000d:
      return &into.study_instance_uid.reveal_for_writing();
    case series_instance_uid_tag:
      return &into.series_instance_uid.reveal_for_writing();
    default:
      return nullptr;
  }
}

bool is_size(std::uint32_t tag) { return tag == rows_tag || tag == columns_tag; }

}  // namespace

struct dataset_scanner::inflater {
  z_stream stream{};
  std::size_t inflated_bytes = 0;
  bool ready = false;

  // A negative window: the data set is deflated without zlib's own header (PS3.5 section A.5).
  inflater() : ready(inflateInit2(&stream, -MAX_WBITS) == Z_OK) {}
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;
  ~inflater() { inflateEnd(&stream); }
};

dataset_scanner::dataset_scanner(std::string_view transfer_syntax, std::optional<std::uint64_t> dataset_bytes)
    : encoding_{.is_item = true,
                .implicit_vr = transfer_syntax == transfer_syntaxes::implicit_little_endian,
                .big_endian = transfer_syntax == transfer_syntaxes::explicit_big_endian},
      dataset_bytes_(dataset_bytes) {
  if (transfer_syntax != transfer_syntaxes::deflated_little_endian) return;
  inflater_ = std::make_unique<inflater>();
  dataset_bytes_.reset();
}

dataset_scanner::dataset_scanner(dataset_scanner&&) noexcept = default;
dataset_scanner& dataset_scanner::operator=(dataset_scanner&&) noexcept = default;
dataset_scanner::~dataset_scanner() = default;

scan_state dataset_scanner::feed(std::span<const std::byte> bytes) {
  if (inflater_)
    inflate_and_scan(bytes);
  else
    scan(bytes);
  return state_;
}

void dataset_scanner::inflate_and_scan(std::span<const std::byte> bytes) {
  if (!inflater_->ready) return stop("cannot inflate");
  std::array<std::byte, 16384> piece{};
  auto& stream = inflater_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  while (!stopped_ && (stream.avail_in > 0 || stream.avail_out == 0)) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    const int outcome = inflate(&stream, Z_NO_FLUSH);
    const auto inflated = piece.size() - stream.avail_out;
    scan(std::span{piece}.first(inflated));
    inflater_->inflated_bytes += inflated;
    if (outcome == Z_STREAM_END || outcome == Z_BUF_ERROR) return;
    if (outcome != Z_OK) return stop("does not inflate");
    if (inflater_->inflated_bytes > most_inflated_bytes) return stop("inflates to more than allowed");
  }
}

void dataset_scanner::scan(std::span<const std::byte> bytes) {
  while (!bytes.empty() && !stopped_) {
    std::size_t used = 0;
    if (step_ == step::header) {
      used = std::min(header_size() - header_filled_, bytes.size());
      std::copy_n(bytes.begin(), used, header_.begin() + static_cast<std::ptrdiff_t>(header_filled_));
      header_filled_ += used;
    } else {
      used = std::min<std::size_t>(left_, bytes.size());
      left_ -= static_cast<std::uint32_t>(used);
      if (step_ == step::value) value_.append(reinterpret_cast<const char*>(bytes.data()), used);
    }
    bytes = bytes.subspan(used);
    position_ += used;
    if (step_ == step::header) {
      if (header_filled_ == header_size()) on_header();
    } else if (left_ == 0) {
      if (step_ == step::value) on_value();
      step_ = step::header;
    }
  }
}

std::size_t dataset_scanner::header_size() const {
  if (encoding_.implicit_vr || header_filled_ < short_header_bytes) return short_header_bytes;
  const bool delimiter = number(0, 2) == item >> 16;
  return !delimiter && has_long_length(header_[4], header_[5]) ? long_header_bytes : short_header_bytes;
}

std::uint32_t dataset_scanner::number(std::size_t position, std::size_t bytes) const {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    const auto at = encoding_.big_endian ? i : bytes - 1 - i;
    value = value << 8 | std::to_integer<std::uint32_t>(header_[position + at]);
  }
  return value;
}

void dataset_scanner::on_header() {
  const auto size = header_size();
  header_filled_ = 0;
  const auto tag = number(0, 2) << 16 | number(2, 2);
  if (tag >> 16 == item >> 16) return on_delimiter(tag, number(4, 4));
  if (encoding_.implicit_vr) return on_element(tag, number(4, 4));
  if (!is_upper(header_[4]) || !is_upper(header_[5])) return stop("an element has no value representation");
  on_element(tag, size == long_header_bytes ? number(8, 4) : number(6, 2));
}

void dataset_scanner::on_delimiter(std::uint32_t tag, std::uint32_t length) {
  if (levels_.empty()) return stop("an item stands outside a sequence");
  const bool in_item = encoding_.is_item;
  if (tag == item) {
    if (in_item) return stop("an item stands outside a sequence");
    if (length != undefined_length) return skip(length);
    auto next = encoding_;
    next.is_item = true;
    return open_level(next);
  }
  if (tag != (in_item ? item_delimitation : sequence_delimitation)) return stop("a delimiter does not match");
  encoding_ = levels_.back();
  levels_.pop_back();
}

void dataset_scanner::on_element(std::uint32_t tag, std::uint32_t length) {
  if (!encoding_.is_item) return stop("an element stands between items");
  const bool top_level = levels_.empty();
  if (top_level) {
    on_top_level(tag);
    if (stopped_) return;
  }
  if (length == undefined_length) {
    auto next = encoding_;
    next.is_item = false;
    // PS3.5 section 6.2.2: an unknown element of undefined length holds a sequence in implicit VR little endian.
    if (!next.implicit_vr && header_[4] == std::byte{'U'} && header_[5] == std::byte{'N'})
      next = {.is_item = false, .implicit_vr = true, .big_endian = false};
    return open_level(next);
  }
  const bool identifies = top_level && place_of_identity(found_, tag) != nullptr;
  if (identifies && length > longest_value_bytes) return stop("an identifying value is too long");
  const bool wanted = identifies || (top_level && (place_of_general_text(found_, tag) != nullptr || is_size(tag)));
  skip(length);
  if (!wanted || length > longest_value_bytes || stopped_) return;
  tag_ = tag;
  value_.clear();
  if (length > 0) step_ = step::value;
}

void dataset_scanner::on_top_level(std::uint32_t tag) {
  if (tag <= last_top_level_tag_) return stop("elements do not ascend");
  last_top_level_tag_ = tag;
  if (tag > series_instance_uid_tag && state_ == scan_state::reading) check_identity();
  if (tag > columns_tag && state_ == scan_state::identified) state_ = scan_state::complete;
  if (state_ == scan_state::complete && inflater_) stopped_ = true;
}

void dataset_scanner::on_value() {
  if (is_size(tag_)) {
    if (value_.size() < 2) return;
    const auto first = static_cast<unsigned char>(value_[0]);
    const auto second = static_cast<unsigned char>(value_[1]);
    const auto size = encoding_.big_endian ? first * 256U + second : second * 256U + first;
    (tag_ == rows_tag ? found_.rows : found_.columns) = size;
    return;
  }
  auto* place = place_of_identity(found_, tag_);
  if (place == nullptr) place = place_of_general_text(found_, tag_);
  place->assign(messages::without_padding(value_));
}

void dataset_scanner::open_level(level next) {
  if (levels_.size() >= 2 * deepest_nesting) return stop("sequences are nested too deeply");
  levels_.push_back(encoding_);
  encoding_ = next;
}

void dataset_scanner::skip(std::uint32_t length) {
  if (dataset_bytes_ && length > *dataset_bytes_ - std::min(position_, *dataset_bytes_)) {
    truncated_ = true;
    return stop("an element is longer than what is left");
  }
  if (length == 0) return;
  left_ = length;
  step_ = step::skip;
}

void dataset_scanner::check_identity() {
  for (const auto* uid :
       {&found_.study_instance_uid, &found_.series_instance_uid, &found_.sop_instance_uid, &found_.sop_class_uid})
    if (!has_uid_form(uid->reveal())) return stop("a UID that identifies the instance is missing or malformed");
  state_ = scan_state::identified;
}

bool dataset_scanner::ends_within() const { return step_ != step::header || header_filled_ != 0; }

scan_state dataset_scanner::end() {
  if (stopped_) return state_;
  // Some senders leave out the delimiter of a last sequence; Pixel Data without its end is another matter.
  truncated_ = ends_within() || (!levels_.empty() && last_top_level_tag_ == pixel_data_tag);
  if (ends_within() || !levels_.empty()) {
    stop("ends inside an element");
    return state_;
  }
  if (state_ == scan_state::reading) check_identity();
  if (state_ == scan_state::identified) state_ = scan_state::complete;
  return state_;
}

void dataset_scanner::stop(std::string_view why) {
  stopped_ = true;
  if (state_ == scan_state::complete) return;
  fault_ = why;
  cut_short_ = state_ == scan_state::identified;
  state_ = cut_short_ ? scan_state::complete : scan_state::malformed;
}

result<scanned_dataset> scan_dataset(std::span<const std::byte> head, std::string_view transfer_syntax,
                                     std::uint64_t dataset_bytes) {
  dataset_scanner scanner{transfer_syntax, dataset_bytes};
  scanner.feed(head);
  if (head.size() >= dataset_bytes) scanner.end();
  if (scanner.state() == scan_state::malformed)
    return fail(errc::bad_request, "data set: " + std::string{scanner.fault()});
  if (scanner.state() == scan_state::reading)
    return fail(errc::bad_request, "data set: the identity lies beyond the first bytes");
  return scanner.take();
}

bool has_uid_form(std::string_view text) {
  return !text.empty() && text.size() <= longest_uid &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

}  // namespace penstock::storage
