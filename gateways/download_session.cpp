#include "gateways/download_session.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace penstock::gateways {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

struct object_facts {
  std::uint32_t index;
  std::uint64_t plain_bytes;
  const storage::content_digest& digest;
};

object_facts facts_at(const live_offer& live, std::size_t position) {
  if (position == 0) return {0, live.offer.manifest.size(), live.manifest_digest};
  const auto& object = live.offer.objects[position - 1];
  return {object.index, object.bytes, object.digest};
}

/// Position of the object with `index`; past the end when there is none.
std::size_t position_of(const download_offer& offer, std::uint32_t index) {
  if (index == 0) return 0;
  const auto found = std::ranges::lower_bound(offer.objects, index, {}, &download_object::index);
  const bool there = found != offer.objects.end() && found->index == index;
  return there ? static_cast<std::size_t>(found - offer.objects.begin()) + 1 : offer.objects.size() + 1;
}

}  // namespace

download_session::open_pack::open_pack(open_pack&& other) noexcept
    : path(std::move(other.path)), descriptor(std::exchange(other.descriptor, -1)), bytes(other.bytes) {}

download_session::open_pack& download_session::open_pack::operator=(open_pack&& other) noexcept {
  std::swap(path, other.path);
  std::swap(descriptor, other.descriptor);
  std::swap(bytes, other.bytes);
  return *this;
}

download_session::open_pack::~open_pack() {
  if (descriptor >= 0) ::close(descriptor);
}

download_session::download_session(std::shared_ptr<const live_offer> offer, std::size_t position, std::uint64_t segment,
                                   std::shared_ptr<segment_pool> pool)
    : offer_(std::move(offer)), pool_(std::move(pool)), position_(position), segment_(segment) {}

result<download_session> download_session::create(std::shared_ptr<const live_offer> offer, const open_download& open,
                                                  std::shared_ptr<segment_pool> pool) {
  const auto position = position_of(offer->offer, open.object);
  if (position > offer->offer.objects.size()) return fail(errc::not_found, "OPEN: object");
  const auto layout =
      storage::sealed_layout::of_plain(facts_at(*offer, position).plain_bytes, offer->offer.segment_bytes);
  if (!layout) return layout.error();
  if (open.segment >= layout->segments()) return fail(errc::bad_request, "OPEN: segment");
  return download_session{std::move(offer), position, open.segment, std::move(pool)};
}

const download_message& download_session::next() {
  if (!next_) next_ = make_next();
  return *next_;
}

download_message download_session::take_sent() {
  auto taken = std::move(*next_);
  next_.reset();
  sealed_bytes_sent_ += taken.payload_bytes;
  if (taken.kind == download_message::kind_of::end) complete_ = true;
  return taken;
}

bool download_session::all_taken() const {
  const bool nothing_under_way = !next_ || next_->kind == download_message::kind_of::end;
  return nothing_under_way && position_ > offer_->offer.objects.size();
}

download_message download_session::make_next() {
  if (position_ > offer_->offer.objects.size()) return {};
  const auto index = facts_at(*offer_, position_).index;
  if (object_) {
    auto sealed = seal_segment();
    return sealed ? std::move(*sealed) : fail_object(index, sealed.error());
  }
  auto opened = open_object();
  if (!opened) return fail_object(index, opened.error());
  object_ = std::move(*opened);
  download_message message;
  message.kind = download_message::kind_of::object;
  message.index = index;
  message.number = object_->layout.sealed_bytes();
  return message;
}

download_message download_session::fail_object(std::uint32_t index, const messages::failure& problem) {
  ++objects_failed_;
  advance_object();
  download_message message;
  message.kind = download_message::kind_of::error;
  message.index = index;
  message.code = problem.code;
  return message;
}

void download_session::advance_object() {
  object_.reset();
  segment_ = 0;
  ++position_;
}

result<download_session::current_object> download_session::open_object() {
  const auto facts = facts_at(*offer_, position_);
  const auto& offer = offer_->offer;
  if (position_ > 0)
    if (auto opened = open_pack_of(offer.objects[position_ - 1]); !opened) return opened.error();
  const auto layout = storage::sealed_layout::of_plain(facts.plain_bytes, offer.segment_bytes);
  if (!layout) return layout.error();
  auto sealer =
      storage::segment_sealer::create(offer.key, {offer.download, facts.index, facts.plain_bytes}, facts.digest);
  if (!sealer) return sealer.error();
  return current_object{facts.index, *layout, std::move(*sealer)};
}

result<void> download_session::open_pack_of(const download_object& object) {
  if (pack_.descriptor < 0 || pack_.path != object.pack) {
    open_pack opened;
    opened.path = object.pack;
    opened.descriptor = ::open(object.pack.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (opened.descriptor < 0) return fail(errno == ENOENT ? errc::not_found : errc::io_error, "open pack");
    struct stat status {};
    if (::fstat(opened.descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return fail(errc::io_error, "open pack");
    opened.bytes = static_cast<std::uint64_t>(status.st_size);
    ::posix_fadvise(opened.descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
    pack_ = std::move(opened);
  }
  if (object.part10_offset > pack_.bytes || object.bytes > pack_.bytes - object.part10_offset)
    return fail(errc::corrupt, "pack is shorter than its catalogue says");
  return {};
}

result<download_message> download_session::seal_segment() {
  auto lease = pool_->lend(in_flight_);
  const auto& layout = object_->layout;
  const std::size_t start = segment_ == 0 ? storage::sealed_header_bytes : 0;
  const auto room = lease->bytes().subspan(start, layout.sealed_length(segment_));
  const auto plain_length = layout.plain_length(segment_);
  if (auto got = read_plain(layout.plain_offset(segment_), room.first(plain_length)); !got) return got.error();
  const auto sealed = object_->sealer.seal(segment_, layout.is_last(segment_), room, plain_length);
  if (!sealed) return sealed.error();
  if (segment_ == 0) std::ranges::copy(object_->sealer.header(), lease->bytes().begin());

  download_message message;
  message.kind = download_message::kind_of::segment;
  message.index = object_->index;
  message.number = segment_;
  message.payload = std::move(lease);
  message.payload_bytes = start + *sealed;
  if (layout.is_last(segment_))
    advance_object();
  else
    ++segment_;
  return message;
}

result<void> download_session::read_plain(std::uint64_t offset, std::span<std::uint8_t> into) const {
  if (position_ == 0) {
    if (!into.empty()) std::memcpy(into.data(), offer_->offer.manifest.data() + offset, into.size());
    return {};
  }
  const auto start = offer_->offer.objects[position_ - 1].part10_offset + offset;
  std::size_t got = 0;
  while (got < into.size()) {
    const auto n = ::pread(pack_.descriptor, into.data() + got, into.size() - got, static_cast<off_t>(start + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errc::io_error, "read pack");
    if (n == 0) return fail(errc::corrupt, "pack is shorter than its catalogue says");
    got += static_cast<std::size_t>(n);
  }
  return {};
}

}  // namespace penstock::gateways
