#pragma once
// One request from its reading to its final response: what the log says about it, which faults meet it, and whether it
// was cancelled.

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/pacs/association.hpp"
#include "tools/pacs/server.hpp"

namespace penstock::pacs {

/// Who is at the other end of an association.
struct caller {
  std::uint64_t association = 0;
  std::string calling_ae;
  std::string called_ae;
  std::string peer;
};

/// A request in the log and in the book of faults. Under way until it is ended.
class logged_request {
 public:
  /// `details` go into the line of the log.
  logged_request(server& of, const caller& by, std::int64_t read_at_ns, request_facts facts,
                 const nlohmann::ordered_json& details);

  /// Writes the second line; only the first call counts.
  void end(const char* how, const nlohmann::ordered_json& details = nlohmann::ordered_json::object());
  [[nodiscard]] std::uint64_t number() const { return number_; }

  effects then;
  std::shared_ptr<const world> in;

 private:
  server& server_;
  std::uint64_t association_;
  std::uint64_t number_;
  request_kind kind_;
  counted in_flight_;
  std::vector<std::string> fault_names_;
  bool ended_ = false;
};

/// How a request ended that was broken, for the log.
[[nodiscard]] const char* word_for(breaking how);

/// Sub-operations of a retrieval.
struct sub_operations {
  std::uint32_t remaining = 0;
  std::uint32_t completed = 0;
  std::uint32_t failed = 0;
  std::uint32_t warning = 0;
};

class exchange {
 public:
  exchange(server& of, const caller& by, association& over, message got, request_kind kind);

  [[nodiscard]] const effects& then() const { return logged_.then; }
  [[nodiscard]] const std::shared_ptr<const world>& in() const { return logged_.in; }
  [[nodiscard]] const caller& by() const { return caller_; }
  [[nodiscard]] association& over() { return association_; }
  [[nodiscard]] const message& got() const { return got_; }
  [[nodiscard]] request_kind kind() const { return kind_; }
  [[nodiscard]] const dataset& identifier() const { return identifier_; }
  [[nodiscard]] encoding as() const { return encoding_; }
  [[nodiscard]] std::uint64_t number() const { return logged_.number(); }
  /// False once the association is of no use.
  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] bool cancelled() const { return cancelled_; }
  [[nodiscard]] bool is_on_line(const nearline_rule& rule, const std::string& study_uid) const {
    return server_.recall_time(rule, study_uid, false).count() == 0;
  }

  /// Delays, breaks or refuses when faults say so; false when that was all that happens to this request.
  [[nodiscard]] bool begin();
  /// Heeds what the peer sends within that time; returns early when the request is cancelled or the peer goes.
  void wait(std::chrono::milliseconds time);
  /// A message that came while something else was awaited: C-CANCEL, or the end.
  void heed(const message& came);
  void respond(dimse_status status, const std::optional<sub_operations>& counts = {}, byte_view data = {});
  /// The final response; `status` gives way to the faults.
  void finish(dimse_status status, const std::optional<sub_operations>& counts = {}, byte_view data = {});
  /// Ends the request without a response.
  void break_with(breaking how);
  /// The association failed by itself.
  void lose_peer();

 private:
  [[nodiscard]] dataset response(std::uint16_t status, const std::optional<sub_operations>& counts) const;
  void send(const dataset& command, byte_view data);

  server& server_;
  const caller& caller_;
  association& association_;
  message got_;
  request_kind kind_;
  encoding encoding_;
  dataset identifier_;
  logged_request logged_;
  std::uint32_t pending_sent_ = 0;
  bool alive_ = true;
  bool cancelled_ = false;
};

void serve_find(exchange& of);
void serve_retrieval(server& by, exchange& of);

/// Whether the SOP class is of the Patient Root model.
[[nodiscard]] bool is_patient_root(const std::string& sop_class_uid);

}  // namespace penstock::pacs
