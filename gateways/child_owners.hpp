#pragma once
// Whose child it is: the actor that asked for a child, and the ticket by which it calls it. For the loops of dimse_port
// and dicom_listener.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "messages/associations.hpp"
#include "messages/interfaces.hpp"

namespace penstock::gateways {

class child_owners {
 public:
  using child_number = std::uint64_t;
  struct entry {
    std::string owner;
    std::uint64_t ticket = 0;
    messages::dimse_owner_actor actor;  ///< none once it was disowned
  };

  void add(child_number child, entry whose) {
    by_name_[{whose.owner, whose.ticket}] = child;
    entries_[child] = std::move(whose);
  }

  /// The child of that ticket; 0 when there is none.
  [[nodiscard]] child_number child_of(const std::string& owner, std::uint64_t ticket) const {
    const auto found = by_name_.find({owner, ticket});
    return found == by_name_.end() ? 0 : found->second;
  }

  [[nodiscard]] const entry* find(child_number child) const {
    const auto found = entries_.find(child);
    return found == entries_.end() ? nullptr : &found->second;
  }

  /// The child is gone.
  std::optional<entry> forget(child_number child) {
    auto gone = entries_.extract(child);
    if (gone.empty()) return std::nullopt;
    const auto& was = gone.mapped();
    if (child_of(was.owner, was.ticket) == child) by_name_.erase({was.owner, was.ticket});
    return std::move(gone.mapped());
  }

  /// A successor may use the same tickets at once. Gives the children that nobody will hear any more.
  std::vector<child_number> disown(const std::string& owner) {
    std::vector<child_number> orphans;
    for (auto& [child, whose] : entries_) {
      if (whose.owner != owner || !whose.actor) continue;
      whose.actor = nullptr;
      by_name_.erase({whose.owner, whose.ticket});
      orphans.push_back(child);
    }
    return orphans;
  }

 private:
  std::map<std::pair<std::string, std::uint64_t>, child_number> by_name_;
  std::map<child_number, entry> entries_;
};

/// Passes on what such a child says, or that it is gone, to whoever is left to hear it.
template <class Port, class Message>
void tell_owner(Port& port, const child_owners::entry* whose, Message message) {
  if (whose && whose->actor) port->send(whose->actor, std::move(message));
}

}  // namespace penstock::gateways
