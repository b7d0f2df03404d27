#pragma once
// Which PACS may send to us over TLS only, by the rules in force.

#include <string>
#include <string_view>

#include "conf/rules.hpp"

namespace penstock::gateways {

class tls_duty {
 public:
  explicit tls_duty(conf::rules_ptr rules) : rules_(std::move(rules)) {}

  /// Without rules nobody has it.
  [[nodiscard]] bool of_pacs(std::string_view id) const {
    const auto* found = find([id](const conf::pacs& one) { return one.id == id; });
    return found != nullptr && found->tls;
  }
  /// The PACS whose title a caller must not use in the clear; empty when there is none. Where PACS share a title, one
  /// with TLS decides: the title alone does not tell them apart.
  [[nodiscard]] std::string of_title(std::string_view ae_title) const {
    const auto* found = find([&](const conf::pacs& one) { return one.tls && one.ae_title == ae_title; });
    return found != nullptr ? found->id : std::string{};
  }
  /// Whether it sends on an association of its own (C-MOVE), and not on ours.
  [[nodiscard]] bool calls_us(std::string_view id) const {
    const auto* found = find([id](const conf::pacs& one) { return one.id == id; });
    return found != nullptr && found->retrieve == conf::retrieve_method::move;
  }

 private:
  template <class Condition>
  [[nodiscard]] const conf::pacs* find(Condition holds) const {
    if (!rules_) return nullptr;
    for (const auto& [id, one] : rules_->pacs)
      if (holds(one)) return &one;
    return nullptr;
  }

  conf::rules_ptr rules_;
};

}  // namespace penstock::gateways
