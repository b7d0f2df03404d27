#pragma once
// Which studies are expected, where they are written, and who writes. The listener's table, without actors and sockets.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "messages/associations.hpp"
#include "messages/dimse_inbound.hpp"
#include "messages/result.hpp"
#include "storage/descriptor.hpp"

namespace penstock::gateways {

using child_number = std::uint64_t;
using arrival_name = std::pair<std::string, std::uint64_t>;  ///< owner and ticket

struct arrival {
  messages::expect_arrivals expected;
  std::vector<std::string> parts;  ///< file names in the directory
  std::set<child_number> writers;
  std::uint64_t instances = 0;
  std::uint64_t bytes = 0;
  std::uint64_t refused = 0;
  bool stopping = false;
  bool only_tls = false;  ///< what comes in the clear is not taken
};

/// What a child may do, and the file for it when it may.
struct decided_store {
  messages::store_decision decision;
  storage::descriptor pack;
};

class arrivals_table {
 public:
  static constexpr std::size_t most_arrivals = 4096;
  static constexpr std::size_t most_parts = 1000;

  /// A study arrives for one expectation a PACS at a time: errc::conflict then, and for a name in use; rate_limited at
  /// the limit.
  [[nodiscard]] messages::result<void> expect(messages::expect_arrivals what, bool only_tls = false);

  /// Opens the next part for a child whose study is expected. Many a PACS sends under another title than it is called
  /// by, so `calling_ae` decides only where the same study is expected of several. That the objects are of the expected
  /// patient is for the child to check, object by object.
  [[nodiscard]] decided_store decide(child_number child, const messages::dicom_uid& study,
                                     const std::string& calling_ae, bool over_tls = false);

  /// What the child writes of that study, or the only one that expects it; null when there is none (any more).
  [[nodiscard]] arrival* find(child_number child, const messages::dicom_uid& study);
  [[nodiscard]] arrival* find(const arrival_name& name);

  /// The arrivals that the child was writing and now is not.
  std::vector<arrival_name> forget_child(child_number child);
  void forget(const arrival_name& name);
  [[nodiscard]] std::vector<arrival_name> of_owner(const std::string& owner) const;
  [[nodiscard]] std::size_t size() const { return by_name_.size(); }

 private:
  [[nodiscard]] messages::result<storage::descriptor> open_part(arrival& into);
  [[nodiscard]] arrival* expected_of(const messages::dicom_uid& study, const std::string& calling_ae);

  std::map<arrival_name, arrival> by_name_;
  std::multimap<messages::dicom_uid, arrival_name> by_study_;
};

}  // namespace penstock::gateways
