#include "tools/client/download_receiver.hpp"

#include <algorithm>
#include <utility>

namespace penstock::client {
namespace {

using messages::errc;
using messages::fail;
using storage::sealed_layout;

std::string named(std::uint32_t index) { return "object " + std::to_string(index) + " of the download"; }

}  // namespace

std::uint32_t next_available(const download_manifest& manifest, std::uint32_t index) {
  while (index >= 1 && index <= manifest.objects.size() && !manifest.objects[index - 1].error.empty()) ++index;
  return index;
}

download_receiver::download_receiver(const download_facts& facts, object_store& store) : facts_(facts), store_(store) {}

result<void> download_receiver::resume(download_manifest manifest, std::uint64_t manifest_sealed_bytes,
                                       download_position position,
                                       const std::optional<storage::sealed_header>& header) {
  places_ = place_objects(manifest);
  manifest_ = std::move(manifest);
  bytes_received_ = manifest_sealed_bytes;
  skip_to(1);
  for (std::uint32_t index = position_.object; index < position.object; index = position_.object) {
    const auto layout = sealed_layout::of_plain(about(index).plain_bytes, facts_.segment_bytes);
    if (!layout) return layout.error();
    bytes_received_ += layout->sealed_bytes();
    ++objects_finished_;
    skip_to(index + 1);
  }
  if (position.segment == 0) return {};
  const auto layout = sealed_layout::of_plain(about(position.object).plain_bytes, facts_.segment_bytes);
  if (!layout) return layout.error();
  layout_ = *layout;
  position_ = position;
  bytes_received_ += position.segment * facts_.segment_bytes;
  auto opener = storage::segment_opener::create(facts_.key, {facts_.download, position.object, layout_->plain_bytes()},
                                                header.value_or(storage::sealed_header{}));
  if (!opener) return opener.error();
  opener_.emplace(std::move(*opener));
  return {};
}

void download_receiver::skip_to(std::uint32_t index) {
  const auto next = next_available(*manifest_, index);
  for (auto skipped = index; skipped < next; ++skipped) missing_.push_back(skipped);
  position_ = {next, 0};
}

result<void> download_receiver::on_object(std::uint32_t index, std::uint64_t sealed_bytes) {
  auto layout = sealed_layout::of_sealed(sealed_bytes, facts_.segment_bytes);
  if (!layout) return fail(errc::authentication_failed, named(index) + ": no sealed object has such a length");
  if (auto fits = check_announced(index, *layout); !fits) return fits;
  if (layout_ && index == position_.object) return {};  // resumed in its middle
  return start_object(index, *layout);
}

result<void> download_receiver::check_announced(std::uint32_t index, const sealed_layout& layout) const {
  const bool during_another = layout_ && index != position_.object;
  if (index < position_.object || during_another || (!manifest_ && index != 0))
    return fail(errc::corrupt, named(index) + " came out of order");
  if (index == 0) {
    if (layout.plain_bytes() > largest_manifest_bytes) return fail(errc::too_large, "manifest of the download");
    return {};
  }
  if (index > manifest_->objects.size()) return fail(errc::corrupt, named(index) + " is not in its manifest");
  if (!about(index).error.empty() || layout.plain_bytes() != about(index).plain_bytes)
    return fail(errc::corrupt, named(index) + " is not as its manifest says");
  return {};
}

result<void> download_receiver::start_object(std::uint32_t index, const sealed_layout& layout) {
  for (auto skipped = position_.object; manifest_ && skipped < index; ++skipped) missing_.push_back(skipped);
  position_ = {index, 0};
  layout_ = layout;
  opener_.reset();
  arriving_object object{index, nullptr, nullptr, layout.sealed_bytes()};
  if (index != 0) {
    object.about = &about(index);
    object.place = &places_[index - 1];
  }
  return store_.begin(object);
}

result<void> download_receiver::open_header(std::span<const std::uint8_t> sealed) {
  storage::sealed_header header{};
  std::copy_n(sealed.begin(), header.size(), header.begin());
  auto opener =
      storage::segment_opener::create(facts_.key, {facts_.download, position_.object, layout_->plain_bytes()}, header);
  if (!opener) return opener.error();
  opener_.emplace(std::move(*opener));
  return {};
}

result<void> download_receiver::on_segment(std::uint32_t index, std::uint64_t segment,
                                           std::span<const std::uint8_t> sealed) {
  if (!layout_ || index != position_.object || segment != position_.segment || segment >= layout_->segments())
    return fail(errc::corrupt, named(index) + ": segment " + std::to_string(segment) + " came out of order");
  const std::size_t header = segment == 0 ? storage::sealed_header_bytes : 0;
  if (sealed.size() != header + layout_->sealed_length(segment))
    return fail(errc::authentication_failed, named(index) + ": segment " + std::to_string(segment) + " is cut");
  if (header != 0)
    if (auto opened = open_header(sealed); !opened) return opened;
  plain_.assign(sealed.begin() + static_cast<std::ptrdiff_t>(header), sealed.end());
  auto length = opener_->open(segment, layout_->is_last(segment), plain_);
  if (!length)
    return fail(errc::authentication_failed,
                named(index) + ": segment " + std::to_string(segment) + " is not what the server sealed");
  const std::span plain{plain_.data(), *length};
  const auto sealed_offset = segment * std::uint64_t{facts_.segment_bytes};
  if (auto kept = store_.take(sealed_offset, sealed, layout_->plain_offset(segment), plain); !kept) return kept;
  if (index == 0) manifest_text_.append(reinterpret_cast<const char*>(plain.data()), plain.size());
  bytes_received_ += sealed.size();
  const bool last = layout_->is_last(segment);
  ++position_.segment;
  return last ? finish_object() : result<void>{};
}

result<void> download_receiver::finish_object() {
  const auto index = position_.object;
  layout_.reset();
  opener_.reset();
  if (auto kept = store_.finish(); !kept) return kept;
  if (index == 0) return take_manifest();
  ++objects_finished_;
  skip_to(index + 1);
  return {};
}

result<void> download_receiver::take_manifest() {
  auto parsed = parse_manifest(manifest_text_);
  if (!parsed) return parsed.error();
  if (parsed->download != facts_.download) return fail(errc::corrupt, "manifest of the download: it is of another one");
  manifest_text_.clear();
  manifest_ = std::move(*parsed);
  places_ = place_objects(*manifest_);
  skip_to(1);
  return {};
}

result<void> download_receiver::on_missing(std::uint32_t index) {
  if (!manifest_ || index < position_.object || index > manifest_->objects.size())
    return fail(errc::corrupt, named(index) + " cannot be had");
  for (auto skipped = position_.object; skipped <= index; ++skipped) missing_.push_back(skipped);
  if (layout_) store_.discard();
  layout_.reset();
  opener_.reset();
  skip_to(index + 1);
  return {};
}

result<void> download_receiver::on_end() {
  if (!manifest_ || layout_) return fail(errc::corrupt, "the download ended too early");
  for (auto left = position_.object; left <= manifest_->objects.size(); ++left) missing_.push_back(left);
  position_.object = static_cast<std::uint32_t>(manifest_->objects.size() + 1);
  if (missing_.empty() && bytes_received_ != facts_.bytes)
    return fail(errc::corrupt, "the download holds " + std::to_string(bytes_received_) + " bytes, " +
                                   std::to_string(facts_.bytes) + " were announced");
  return store_.flush();
}

}  // namespace penstock::client
