#pragma once
// Scripted misbehaviour: which requests it meets (`when`), and what it does to them (`do`).

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tools/pacs/dataset.hpp"
#include "tools/pacs/upper_layer.hpp"

namespace penstock::pacs {

/// What can be asked for, as the script and the log spell it.
enum class request_kind : std::uint8_t { associate, echo, find, move, get, cancel };
[[nodiscard]] const char* name_of(request_kind kind);
[[nodiscard]] std::optional<request_kind> request_kind_named(std::string_view name);

/// A request as far as faults can tell one from another.
struct request_facts {
  request_kind kind{};
  std::string level;
  std::string calling_ae;
  std::string destination;
  std::vector<std::string> patient_ids;
  std::vector<std::string> study_uids;
  std::vector<std::uint32_t> keys;  ///< attributes with a value in the identifier
  std::uint32_t in_flight = 0;      ///< requests of this kind under way, this one too
};

/// All that is given must hold.
struct fault_match {
  std::optional<request_kind> kind;
  std::string level;
  std::string calling_ae;
  std::string destination;
  std::string patient_id;
  std::string study_uid;
  std::optional<std::uint32_t> without;  ///< an attribute that the identifier has no value for
  std::uint32_t in_flight = 0;           ///< at least so many
  std::chrono::milliseconds after{0};    ///< since the script was read
  std::chrono::milliseconds until{0};    ///< 0: for ever
  // Of the requests that meet all of the above:
  std::uint32_t nth = 0;    ///< only this one, counted from 1
  std::uint32_t first = 0;  ///< only so many
  std::uint32_t every = 0;  ///< only each so manieth
  std::uint32_t percent = 100;
};

enum class breaking : std::uint8_t { abort, close, hang };
enum class broken_link : std::uint8_t { request, store, both, object };
enum class pending_responses : std::uint8_t { each, none, forever };
enum class reported_counts : std::uint8_t { right, none, wrong };

/// What differs from good behaviour. What is not given stays as it is, so that several faults add up.
struct effects {
  // Any request
  std::optional<std::chrono::milliseconds> delay;  ///< before the first answer
  std::optional<std::uint16_t> refuse;             ///< this status, and nothing is done
  std::optional<std::uint16_t> status;             ///< of the final response, whatever was done
  std::optional<breaking> break_with;
  std::optional<std::uint32_t> break_after;  ///< so many rows or objects
  std::optional<broken_link> break_in;
  std::optional<std::uint64_t> bytes_per_second;
  // A-ASSOCIATE
  std::optional<associate_reject> reject;
  // C-CANCEL
  std::optional<bool> ignore;
  // C-FIND rows and C-MOVE, C-GET objects
  std::optional<std::chrono::milliseconds> pause;  ///< before each
  std::optional<dataset> set;
  std::optional<std::vector<std::uint32_t>> absent;
  std::optional<std::uint32_t> alter_first;  ///< only so many are altered
  // C-FIND
  std::optional<std::uint32_t> most_rows;
  std::optional<std::string> character_set;  ///< of the rows' bytes
  std::optional<bool> pad;
  std::optional<bool> lower_case;
  // C-MOVE, C-GET
  std::optional<std::uint32_t> lose;  ///< the last so many objects are not sent
  std::optional<bool> lose_silently;  ///< and are counted as sent
  std::optional<pending_responses> pending;
  std::optional<reported_counts> counts;
  std::optional<std::uint32_t> copies;
  std::optional<bool> truncate;
  // C-MOVE
  std::optional<std::chrono::milliseconds> objects_after;  ///< the final response comes first
  std::optional<std::string> store_as;
  std::optional<bool> originator;
};

struct fault {
  std::string name;
  fault_match when;
  effects then;
};

/// The faults of a script with what they have met so far. Safe from every thread.
class fault_book {
 public:
  fault_book(std::vector<fault> faults, std::uint32_t seed);

  /// Counts the request and says what happens to it; later faults win. `names` gets those that apply.
  [[nodiscard]] effects effects_on(const request_facts& request, std::vector<std::string>& names);

 private:
  struct entry {
    fault of;
    std::uint32_t met = 0;
  };
  /// The same for the same seed, fault and request number.
  [[nodiscard]] bool falls_within_percent(std::size_t fault_number, const entry& of) const;

  std::mutex mutex_;
  std::vector<entry> entries_;
  std::uint32_t seed_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace penstock::pacs
