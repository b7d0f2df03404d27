#include "gateways/download_tickets.hpp"

#include <utility>

#include "storage/digest.hpp"
#include "storage/secret_bytes.hpp"

namespace penstock::gateways {
namespace {

constexpr std::size_t ticket_bytes = 16;

std::string random_digits() { return storage::to_hex(storage::secret_bytes::random(ticket_bytes).view()); }

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

download_tickets::download_tickets(std::size_t max_outstanding, steady_now now)
    : max_outstanding_(max_outstanding), now_(std::move(now)) {}

messages::result<download_ticket> download_tickets::issue(const std::string& download) {
  if (download.empty()) return messages::fail(messages::errc::bad_request, "download ticket: download");
  const std::lock_guard lock{mutex_};
  const auto at = now_();
  std::erase_if(issued_,
                [&](const auto& each) { return each.second.expires <= at || each.second.download == download; });
  if (issued_.size() >= max_outstanding_)
    return messages::fail(messages::errc::rate_limited, "download ticket: too many are outstanding");
  download_ticket made{random_digits(), random_digits()};
  issued_[made.ticket] = {made.secret, download, at + ticket_lifetime};
  return made;
}

std::string download_tickets::redeem(std::string_view ticket, std::string_view secret) {
  const std::lock_guard lock{mutex_};
  const auto found = issued_.find(ticket);
  if (found == issued_.end()) return {};
  const auto burnt = std::move(found->second);
  issued_.erase(found);
  const bool right = storage::equal_in_constant_time(bytes_of(burnt.secret), bytes_of(secret));
  return right && now_() < burnt.expires ? burnt.download : std::string{};
}

std::size_t download_tickets::outstanding() const {
  const std::lock_guard lock{mutex_};
  return issued_.size();
}

}  // namespace penstock::gateways
