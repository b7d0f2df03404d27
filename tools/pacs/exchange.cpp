#include "tools/pacs/exchange.hpp"

#include <array>
#include <cstdio>
#include <utility>

#include "tools/pacs/object_sender.hpp"
#include "tools/pacs/transfer_syntaxes.hpp"

namespace penstock::pacs {
namespace {

using nlohmann::ordered_json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds message_patience{30'000};

encoding encoding_in(const association& over, std::uint8_t context_id) {
  const auto* context = over.context(context_id);
  return encoding_of(context ? context->transfer_syntax : "");
}

std::vector<std::string> patient_ids_of(const world& in, const dataset& identifier) {
  std::vector<std::string> ids;
  if (auto id = text(identifier, attributes::patient_id); !id.empty()) ids.push_back(std::move(id));
  for (const auto& uid : values(identifier, attributes::study_instance_uid))
    if (const auto* found = in.holds.find(uid)) ids.push_back(found->patient_id());
  return ids;
}

request_facts facts_of(const world& in, request_kind kind, const caller& by, const message& got,
                       const dataset& identifier) {
  request_facts made;
  made.kind = kind;
  made.level = text(identifier, attributes::query_retrieve_level);
  made.calling_ae = by.calling_ae;
  made.destination = text(got.command, attributes::move_destination);
  made.patient_ids = patient_ids_of(in, identifier);
  made.study_uids = values(identifier, attributes::study_instance_uid);
  for (const auto& [tag, of] : identifier)
    if (!text(identifier, {tag, of.vr}).empty()) made.keys.push_back(tag);
  return made;
}

/// What of a request goes into the log.
ordered_json details_of(const request_facts& facts, const message& got, const dataset& identifier) {
  ordered_json made{{"message_id", got.id()}};
  if (facts.kind == request_kind::echo || facts.kind == request_kind::cancel) return made;
  made["level"] = facts.level;
  if (facts.kind == request_kind::move) made["destination"] = facts.destination;
  made["study_uids"] = facts.study_uids;
  made["series"] = values(identifier, attributes::series_instance_uid).size();
  made["instances"] = values(identifier, attributes::sop_instance_uid).size();
  for (const auto tag : facts.keys) made["keys"][keyword_of(tag)] = text(identifier, {tag, ""});
  return made;
}

ordered_json json_of(const sub_operations& counts) {
  return {{"remaining", counts.remaining},
          {"completed", counts.completed},
          {"failed", counts.failed},
          {"warning", counts.warning}};
}

std::string hexadecimal(std::uint16_t status) {
  std::array<char, 7> digits{};
  std::snprintf(digits.data(), digits.size(), "0x%04X", status);
  return digits.data();
}

}  // namespace

const char* word_for(breaking how) {
  constexpr std::array words{"aborted", "closed", "hung"};
  return words[static_cast<std::size_t>(how)];
}

logged_request::logged_request(server& of, const caller& by, std::int64_t read_at_ns, request_facts facts,
                               const ordered_json& details)
    : in(of.now()),
      server_(of),
      association_(by.association),
      number_(of.next_request_number()),
      kind_(facts.kind),
      in_flight_(of.count_in_flight(facts.kind)) {
  facts.in_flight = in_flight_.count();
  then = in->faults->effects_on(facts, fault_names_);
  ordered_json line{{"event", "request"},
                    {"request", number_},
                    {"association", association_},
                    {"boottime_ns", read_at_ns},
                    {"peer", by.peer},
                    {"calling_ae", by.calling_ae},
                    {"command", std::string{name_of(facts.kind)} + "-RQ"},
                    {"in_flight", facts.in_flight}};
  line.update(details);
  line["faults"] = fault_names_;
  server_.log.write(std::move(line));
}

void logged_request::end(const char* how, const ordered_json& details) {
  if (std::exchange(ended_, true)) return;
  in_flight_.end();
  ordered_json line{{"event", "end"},
                    {"request", number_},
                    {"association", association_},
                    {"boottime_ns", boottime_ns()},
                    {"command", std::string{name_of(kind_)} + "-RQ"},
                    {"ended", how}};
  line.update(details);
  server_.log.write(std::move(line));
}

exchange::exchange(server& of, const caller& by, association& over, message got, request_kind kind)
    : server_(of),
      caller_(by),
      association_(over),
      got_(std::move(got)),
      kind_(kind),
      encoding_(encoding_in(over, got_.context_id)),
      identifier_(decode(got_.data, encoding_).value_or(dataset{})),
      logged_([&] {
        auto facts = facts_of(*of.now(), kind, by, got_, identifier_);
        const auto details = details_of(facts, got_, identifier_);
        return logged_request{of, by, got_.read_at_ns, std::move(facts), details};
      }()) {}

bool exchange::begin() {
  if (then().delay) wait(*then().delay);
  if (!alive_) return false;
  const bool breaks_here = then().break_in.value_or(broken_link::request) == broken_link::request;
  if (then().break_with && breaks_here && then().break_after.value_or(0) == 0) {
    break_with(*then().break_with);
    return false;
  }
  if (!then().refuse) return true;
  finish(static_cast<dimse_status>(*then().refuse));
  return false;
}

void exchange::wait(milliseconds time) {
  const auto until = steady_clock::now() + time;
  while (alive_ && !cancelled_) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (!association_.has_message(std::max(left, milliseconds{0}))) return;
    const auto came = association_.receive(message_patience);
    if (!came || !*came) return lose_peer();
    heed(**came);
  }
}

void exchange::heed(const message& came) {
  if (came.field() != command_field::c_cancel_rq) return break_with(breaking::abort);
  logged_request cancel{server_,
                        caller_,
                        came.read_at_ns,
                        facts_of(*in(), request_kind::cancel, caller_, came, {}),
                        {{"message_id", came.responds_to()}}};
  if (cancel.then.delay) wait(*cancel.then.delay);
  if (cancel.then.break_with) break_with(*cancel.then.break_with);
  const bool heeded = !cancel.then.ignore.value_or(false) && came.responds_to() == got_.id();
  cancelled_ = cancelled_ || heeded;
  cancel.end(heeded ? "heeded" : "ignored");
}

dataset exchange::response(std::uint16_t status, const std::optional<sub_operations>& counts) const {
  constexpr std::uint32_t response_bit = 0x8000;
  dataset made;
  put(made, attributes::affected_sop_class_uid, text(got_.command, attributes::affected_sop_class_uid));
  put_number(made, attributes::command_field, static_cast<std::uint32_t>(got_.field()) | response_bit);
  put_number(made, attributes::message_id_being_responded_to, got_.id());
  put_number(made, attributes::status, status);
  const auto reported = then().counts.value_or(reported_counts::right);
  if (!counts || reported == reported_counts::none) return made;
  const std::uint32_t wrong = reported == reported_counts::wrong ? 1'000 : 0;
  const bool is_final = status != static_cast<std::uint16_t>(dimse_status::pending) &&
                        status != static_cast<std::uint16_t>(dimse_status::cancelled);
  if (!is_final) put_number(made, attributes::number_of_remaining_sub_operations, counts->remaining);
  put_number(made, attributes::number_of_completed_sub_operations, counts->completed + wrong);
  put_number(made, attributes::number_of_failed_sub_operations, counts->failed);
  put_number(made, attributes::number_of_warning_sub_operations, counts->warning);
  return made;
}

void exchange::send(const dataset& command, byte_view data) {
  if (alive_ && !association_.send(got_.context_id, command, data)) lose_peer();
}

void exchange::respond(dimse_status status, const std::optional<sub_operations>& counts, byte_view data) {
  ++pending_sent_;
  send(response(static_cast<std::uint16_t>(status), counts), data);
}

void exchange::finish(dimse_status status, const std::optional<sub_operations>& counts, byte_view data) {
  if (!alive_) return;
  const auto sent = then().status.value_or(static_cast<std::uint16_t>(status));
  ordered_json details{{"status", hexadecimal(sent)}, {"pending", pending_sent_}};
  if (counts) details["sub_operations"] = json_of(*counts);
  logged_.end("answered", details);
  send(response(sent, counts), data);
}

void exchange::break_with(breaking how) {
  logged_.end(word_for(how), {{"pending", pending_sent_}});
  alive_ = false;
  break_association(association_, how);
}

void exchange::lose_peer() {
  logged_.end("peer gone", {{"pending", pending_sent_}});
  alive_ = false;
  association_.close();
}

bool is_patient_root(const std::string& sop_class_uid) {
  return sop_class_uid.starts_with("1.2.840.10008.5.1.4.1.2.1.");
}

}  // namespace penstock::pacs
