#pragma once
// C-STORE sub-operations over one association, with what faults do to objects.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/pacs/association.hpp"
#include "tools/pacs/catalogue.hpp"
#include "tools/pacs/faults.hpp"

namespace penstock::pacs {

enum class stored : std::uint8_t { completed, warning, failed };

/// (0000,1030) and (0000,1031) of C-STORE: who asked for the C-MOVE.
struct move_originator {
  std::string ae_title;
  std::uint16_t message_id = 0;
};

/// What it refers to must outlive it. Used by one thread.
class object_sender {
 public:
  object_sender(association& over, const effects& then, std::optional<move_originator> originator)
      : association_(over), then_(then), originator_(std::move(originator)) {}

  /// Told of each message that is no answer: on an association that the requester opened it may be C-CANCEL.
  std::function<void(const message&)> on_other;

  /// As often as the faults say; objects with a smaller number than `alter_first` are altered.
  [[nodiscard]] stored send(const object& what, std::uint32_t number);
  /// The object's first half, and then what the fault says.
  void break_within(const object& what, breaking how);
  /// The association was broken on purpose.
  void give_up() { alive_ = false; }
  /// False after the association failed: nothing more can be sent.
  [[nodiscard]] bool alive() const { return alive_; }

 private:
  struct prepared {
    std::uint8_t context_id = 0;
    dataset command;
    bytes data;
  };
  [[nodiscard]] std::optional<prepared> prepare(const object& what, std::uint32_t number);
  [[nodiscard]] const accepted_context* context_for(const instance& what) const;
  [[nodiscard]] bytes alter(bytes data, std::string_view transfer_syntax) const;
  [[nodiscard]] stored send_once(const prepared& what);

  association& association_;
  const effects& then_;
  std::optional<move_originator> originator_;
  std::uint16_t last_message_id_ = 0;
  bool alive_ = true;
};

/// As a fault says; a hang ends when the peer goes.
void break_association(association& what, breaking how);

/// Presentation contexts in which these objects can be sent as they are, one for each SOP class and transfer syntax;
/// at most 128, what goes over is not proposed.
[[nodiscard]] std::vector<proposed_context> contexts_for(const std::vector<object>& objects);

}  // namespace penstock::pacs
