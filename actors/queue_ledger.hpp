#pragma once
// What a project's queue knows: its open requests, as far as they must be in memory, and sums. The queue itself lies on
// disk; of what waits at a PACS only the first few in order are held here (`most_heads`), so a million requests cost
// what a hundred do. Pure but for reads of the core store; the actor that carries it commits changes and then tells it.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/admission_policy.hpp"
#include "conf/rules.hpp"
#include "messages/holdings.hpp"
#include "messages/journal.hpp"
#include "messages/requests.hpp"
#include "messages/result.hpp"
#include "storage/row_store.hpp"

namespace penstock::actors {

class queue_ledger {
 public:
  static constexpr std::size_t most_heads = 64;

  queue_ledger(std::string project, std::shared_ptr<const storage::row_reader> core)
      : project_(std::move(project)), core_(std::move(core)) {}

  /// Reads counters, sums of holdings and order; gives the requests that were processing.
  [[nodiscard]] messages::result<std::vector<messages::request_row>> load();

  // ---- requests ----
  [[nodiscard]] messages::result<std::optional<messages::request_row>> find(std::uint64_t number) const;
  /// The open request of this project for that study, if there is one.
  [[nodiscard]] messages::result<std::optional<messages::request_row>> open_request(
      const std::string& pacs, const messages::dicom_uid& study) const;
  /// A committed row: takes its place in the order, or leaves it. `was_waiting`: it was scheduled before this change.
  void committed(const messages::request_row& row, bool was_waiting, std::int64_t now_us);
  /// A committed row that waits, and stands elsewhere in line than it did.
  void moved(const messages::request_row& before, const messages::request_row& after, std::int64_t now_us);
  /// The first of those that wait at this PACS, in order, and whose time has come; busy ones (a change of theirs is on
  /// its way) are left out. At most `most_heads`.
  [[nodiscard]] messages::result<std::vector<const messages::request_row*>> heads(const std::string& pacs,
                                                                                  std::int64_t now_us);
  void set_busy(std::uint64_t number, bool busy);
  /// A start on its way to the disk takes its room at once; `committed` confirms it.
  void reserve(const messages::request_row& row);
  /// It was not started after all.
  void release(std::uint64_t number);
  [[nodiscard]] bool is_busy(std::uint64_t number) const { return busy_.contains(number); }
  [[nodiscard]] std::uint64_t waiting_count(const std::string& pacs) const;
  [[nodiscard]] std::vector<std::string> pacs_with_work() const;
  /// The earliest time at which a request that must wait for a retry may be looked at again; 0 = none.
  [[nodiscard]] std::int64_t next_retry_us() const;

  // ---- holdings and quota ----
  [[nodiscard]] messages::result<std::optional<messages::holding_row>> holding(const std::string& pacs,
                                                                               const messages::dicom_uid& study) const;
  void holding_changed(const messages::holding_row* before, const messages::holding_row* after);
  [[nodiscard]] quota_facts quota(std::uint64_t quota_bytes, std::uint64_t estimate) const;
  [[nodiscard]] std::uint64_t used_bytes() const { return used_bytes_; }
  [[nodiscard]] std::uint64_t reserved_bytes() const { return reserved_bytes_; }
  [[nodiscard]] std::uint64_t studies_held() const { return studies_held_; }
  [[nodiscard]] std::uint64_t estimate_bytes(const std::string& modality, std::uint64_t instances) const;

  /// Numbers to give out; the row goes into the same batch as what uses them.
  messages::project_counters counters;
  [[nodiscard]] messages::state_row counters_row() const;

  /// Gives one more request its turn. Whoever has many in line shares with whoever has few: a newcomer's first comes
  /// right after the turn that started last. Kept by the counters.
  void take_turn(messages::request_row& row);
  void turn_started(const messages::request_row& row);

  /// The number of the request that a key of keys::waiting_of is for.
  [[nodiscard]] static std::uint64_t number_of_waiting_key(std::string_view key);

 private:
  struct place {
    int rank = 0;  ///< 0 = high priority
    std::uint64_t turn = 0;
    std::uint64_t number = 0;
    auto operator<=>(const place&) const = default;
  };
  struct line {
    std::map<place, messages::request_row> heads;  ///< with more on disk, those beyond `read_up_to` are retries
    std::optional<place> read_up_to;               ///< what is on disk up to here is in `heads` or parked
    bool more_on_disk = true;
    std::uint64_t count = 0;
  };
  struct parked_request {
    std::string pacs;
    std::uint64_t number = 0;
    auto operator<=>(const parked_request&) const = default;
  };

  [[nodiscard]] static place place_of(const messages::request_row& row);
  [[nodiscard]] messages::result<void> read_more(const std::string& pacs, line& of, std::int64_t now_us);
  [[nodiscard]] messages::result<void> unpark(std::int64_t now_us);
  void keep(const messages::request_row& row, std::int64_t now_us);
  void drop(const messages::request_row& row);
  static void trim(line& of);

  std::string project_;
  std::shared_ptr<const storage::row_reader> core_;
  std::map<std::string, line> lines_;
  std::set<std::pair<std::int64_t, parked_request>> parked_;
  std::set<std::uint64_t> busy_;
  std::map<std::uint64_t, std::uint64_t> reservations_;  ///< processing request -> estimate
  std::uint64_t used_bytes_ = 0;
  std::uint64_t reserved_bytes_ = 0;
  std::uint64_t studies_held_ = 0;
};

}  // namespace penstock::actors
