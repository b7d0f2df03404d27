#include "gateways/standing_offers.hpp"

#include <utility>

namespace penstock::gateways {

using messages::errc;
using messages::fail;
using messages::result;

/// One of the same download gives way, so it takes no room.
result<void> standing_offers::check_room(const download_offer& wanted) const {
  std::size_t offers = 1;
  std::size_t offers_of_user = 1;
  auto memory = memory_of(wanted);
  auto memory_of_user = memory;
  for (const auto& [download, standing] : offers_) {
    const auto& each = standing.live->offer;
    if (download == wanted.download) continue;
    const auto bytes = memory_of(each);
    ++offers;
    memory += bytes;
    if (each.user != wanted.user) continue;
    ++offers_of_user;
    memory_of_user += bytes;
  }
  if (offers_of_user > limits_.max_offers_per_user || memory_of_user > limits_.max_memory_per_user)
    return fail(errc::rate_limited, "too many of your downloads are being sent");
  if (offers > limits_.max_offers || memory > limits_.max_memory)
    return fail(errc::rate_limited, "too many downloads are open");
  return {};
}

result<void> standing_offers::add(std::shared_ptr<live_offer> offer, steady_time now) {
  const std::lock_guard lock{mutex_};
  if (auto room = check_room(offer->offer); !room) return room;
  auto& place = offers_[offer->offer.download];
  if (place.live) place.live->withdrawn = errc::conflict;
  place = {std::move(offer), false, now + limits_.unused_lifetime};
  return {};
}

void standing_offers::withdraw(const std::string& download) {
  const std::lock_guard lock{mutex_};
  const auto found = offers_.find(download);
  if (found == offers_.end()) return;
  found->second.live->withdrawn = errc::not_found;
  offers_.erase(found);
}

void standing_offers::withdraw_unless(
    const std::function<bool(const std::string& user, const std::string& project)>& allowed) {
  const std::lock_guard lock{mutex_};
  std::erase_if(offers_, [&](const auto& each) {
    auto& live = *each.second.live;
    if (allowed(live.offer.user, live.offer.project)) return false;
    live.withdrawn = errc::not_found;
    return true;
  });
}

result<std::shared_ptr<const live_offer>> standing_offers::take(const std::string& download, steady_time now) {
  const std::lock_guard lock{mutex_};
  const auto found = offers_.find(download);
  if (found == offers_.end()) return fail(errc::not_found, "OPEN");
  if (found->second.in_use) return fail(errc::conflict, "OPEN");
  if (now >= found->second.expires) return fail(errc::not_found, "OPEN");
  found->second.in_use = true;
  return std::shared_ptr<const live_offer>{found->second.live};
}

void standing_offers::give_back(const std::shared_ptr<const live_offer>& offer, bool complete, steady_time now) {
  const std::lock_guard lock{mutex_};
  const auto found = offers_.find(offer->offer.download);
  if (found == offers_.end() || found->second.live != offer) return;
  found->second.in_use = false;
  found->second.expires = now + limits_.unused_lifetime;
  if (complete) offers_.erase(found);
}

void standing_offers::drop_expired(steady_time now) {
  const std::lock_guard lock{mutex_};
  std::erase_if(offers_, [now](const auto& each) { return !each.second.in_use && each.second.expires <= now; });
}

std::size_t standing_offers::size() const {
  const std::lock_guard lock{mutex_};
  return offers_.size();
}

}  // namespace penstock::gateways
