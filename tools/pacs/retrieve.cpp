// C-MOVE and C-GET: PS3.4 annex C.4.2 and C.4.3.

#include <algorithm>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "tools/pacs/exchange.hpp"
#include "tools/pacs/object_sender.hpp"

namespace penstock::pacs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds pending_interval{500};

bool has(const std::vector<std::string>& wanted, const std::string& one) {
  return wanted.empty() || std::ranges::find(wanted, one) != wanted.end();
}

/// The unique keys of the level must be there (PS3.4 section C.4.2.2.1).
bool is_valid(const dataset& identifier, bool patient_root) {
  const auto level = text(identifier, attributes::query_retrieve_level);
  const auto given = [&](const attribute& which) { return !text(identifier, which).empty(); };
  if (level == "PATIENT") return patient_root && given(attributes::patient_id);
  if (level == "STUDY") return given(attributes::study_instance_uid);
  if (level == "SERIES") return given(attributes::series_instance_uid);
  return level == "IMAGE" && given(attributes::sop_instance_uid);
}

void select_in(const study& of, const dataset& identifier, std::vector<object>& into) {
  const auto patient_id = text(identifier, attributes::patient_id);
  if (!patient_id.empty() && patient_id != of.patient_id()) return;
  const auto series_uids = values(identifier, attributes::series_instance_uid);
  const auto wanted = values(identifier, attributes::sop_instance_uid);
  const std::set<std::string> sop_uids{wanted.begin(), wanted.end()};
  for (const auto& member : of.members) {
    if (!has(series_uids, text(member.attributes, attributes::series_instance_uid))) continue;
    for (const auto& one : member.instances)
      if (sop_uids.empty() || sop_uids.contains(one.sop_instance_uid)) into.push_back({&of, &member, &one});
  }
}

std::vector<object> select(const catalogue& from, const dataset& identifier) {
  std::vector<object> found;
  const auto uids = values(identifier, attributes::study_instance_uid);
  for (const auto& uid : uids)
    if (const auto* of = from.find(uid)) select_in(*of, identifier, found);
  if (!uids.empty()) return found;
  for (const auto& of : from.studies()) select_in(of, identifier, found);
  return found;
}

/// Where the objects of a C-MOVE go, and in whose name.
struct delivery {
  host_port to;
  associate_request request;
  std::optional<move_originator> originator;
};

std::optional<association> connect(const delivery& where, const effects& then) {
  auto opened = association::request(where.to, where.request);
  if (!opened) return std::nullopt;
  opened->pace(then.bytes_per_second.value_or(0));
  return std::move(*opened);
}

/// Objects that go on their way after the final response, in a thread of their own.
void send_late(server& by, std::uint64_t request, const std::shared_ptr<const world>& in, const effects& then,
               const delivery& where, const std::vector<object>& objects) {
  std::this_thread::sleep_for(*then.objects_after);
  sub_operations counts;
  if (auto over = connect(where, then)) {
    object_sender sender{*over, then, where.originator};
    for (std::uint32_t i = 0; i < objects.size(); ++i)
      ++(sender.send(objects[i], i) == stored::failed ? counts.failed : counts.completed);
    over->release();
  } else {
    counts.failed = static_cast<std::uint32_t>(objects.size());
  }
  by.log.write({{"event", "late objects"},
                {"request", request},
                {"boottime_ns", boottime_ns()},
                {"completed", counts.completed},
                {"failed", counts.failed}});
  (void)in;  // what the objects lie in
}

class retrieval {
 public:
  retrieval(server& by, exchange& of, std::vector<object> objects)
      : server_(by), of_(of), then_(of.then()), objects_(std::move(objects)) {
    counts_.remaining = static_cast<std::uint32_t>(objects_.size());
    const auto lost = std::min(then_.lose.value_or(0), counts_.remaining);
    sent_ = counts_.remaining - lost;
  }

  void move_to(const delivery& where) {
    if (!recall()) return;
    if (objects_.empty()) return finish();
    if (then_.objects_after) return move_late(where);
    auto store = connect(where, then_);
    object_sender sender{store ? *store : of_.over(), then_, where.originator};
    send_all(store ? &sender : nullptr, store ? &*store : nullptr);
    if (store && sender.alive()) store->release();
    finish();
  }

  void get() {
    if (!recall()) return;
    if (then_.bytes_per_second) of_.over().pace(*then_.bytes_per_second);
    object_sender sender{of_.over(), then_, std::nullopt};
    sender.on_other = [this](const message& came) { of_.heed(came); };
    send_all(&sender, &of_.over());
    if (!sender.alive() && of_.alive()) of_.lose_peer();
    finish();
  }

 private:
  /// False when the request ends here.
  [[nodiscard]] bool recall() {
    milliseconds longest{0};
    const study* before = nullptr;
    for (const auto& each : objects_) {
      if (each.of_study == std::exchange(before, each.of_study)) continue;
      const auto* rule = nearline_rule_for(*of_.in(), *each.of_study);
      const auto left = rule ? server_.recall_time(*rule, each.of_study->uid(), true) : milliseconds{0};
      if (rule && rule->status && left.count() > 0) {
        of_.finish(static_cast<dimse_status>(*rule->status));
        return false;
      }
      longest = std::max(longest, left);
    }
    of_.wait(longest);
    return of_.alive();
  }

  void move_late(const delivery& where) {
    objects_.resize(sent_);
    counts_ = {0, sent_, 0, 0};
    of_.finish(dimse_status::success, counts_);
    std::thread{[&by = server_, request = of_.number(), in = of_.in(), then = then_, where,
                 objects = std::move(objects_)] {
      send_late(by, request, in, then, where, objects);
    }}.detach();
  }

  /// `sender` is null when there is no association to send over.
  void send_all(object_sender* sender, association* store) {
    for (std::uint32_t i = 0; i < objects_.size() && of_.alive() && !of_.cancelled(); ++i) {
      of_.wait(then_.pause.value_or(milliseconds{0}));
      if (!of_.alive() || of_.cancelled()) return;
      if (sender && sender->alive() && then_.break_with && i == then_.break_after.value_or(0)) {
        break_now(*sender, *store, objects_[i]);
        if (!of_.alive()) return;
      }
      if (i >= sent_)
        count(then_.lose_silently.value_or(false) ? stored::completed : stored::failed, objects_[i]);
      else
        count(sender ? sender->send(objects_[i], i) : stored::failed, objects_[i]);
      if (then_.pending.value_or(pending_responses::each) != pending_responses::none)
        of_.respond(dimse_status::pending, counts_);
    }
    while (then_.pending == pending_responses::forever && of_.alive() && !of_.cancelled()) {
      of_.wait(pending_interval);
      of_.respond(dimse_status::pending, counts_);
    }
  }

  void break_now(object_sender& sender, association& store, const object& next) {
    const auto how = *then_.break_with;
    const bool is_get = of_.kind() == request_kind::get;
    auto where = then_.break_in.value_or(broken_link::request);
    if (is_get && where != broken_link::object) where = broken_link::request;
    if (where == broken_link::object) sender.break_within(next, how);
    if (where == broken_link::store || (where == broken_link::both && how != breaking::hang)) {
      break_association(store, how);
      sender.give_up();
    }
    if (where == broken_link::request || where == broken_link::both || is_get) of_.break_with(how);
  }

  void count(stored outcome, const object& of) {
    --counts_.remaining;
    ++(outcome == stored::completed ? counts_.completed
       : outcome == stored::warning ? counts_.warning
                                    : counts_.failed);
    if (outcome == stored::failed) failed_uids_.push_back(of.what->sop_instance_uid);
  }

  void finish() {
    auto status = dimse_status::success;
    if (counts_.failed + counts_.warning > 0) status = dimse_status::sub_operations_failed;
    if (counts_.failed > 0 && counts_.completed + counts_.warning == 0)
      status = dimse_status::unable_to_perform_sub_operations;
    if (of_.cancelled()) status = dimse_status::cancelled;
    bytes list;
    if (!failed_uids_.empty() && then_.counts.value_or(reported_counts::right) == reported_counts::right)
      list = failed_list();
    of_.finish(status, counts_, list);
  }

  [[nodiscard]] bytes failed_list() const {
    constexpr std::size_t most_bytes = 65'000;  // of a value with a short VR
    std::string joined;
    for (const auto& uid : failed_uids_)
      if (joined.size() + uid.size() < most_bytes) joined += (joined.empty() ? "" : "\\") + uid;
    dataset made;
    put(made, attributes::failed_sop_instance_uid_list, joined);
    return encode(made, of_.as());
  }

  server& server_;
  exchange& of_;
  const effects& then_;
  std::vector<object> objects_;
  std::uint32_t sent_ = 0;  ///< the others are lost
  sub_operations counts_;
  std::vector<std::string> failed_uids_;
};

}  // namespace

void serve_retrieval(server& by, exchange& of) {
  const auto& command = of.got().command;
  if (!is_valid(of.identifier(), is_patient_root(text(command, attributes::affected_sop_class_uid))))
    return of.finish(dimse_status::identifier_does_not_match_sop_class);
  auto objects = select(of.in()->holds, of.identifier());
  const auto contexts = contexts_for(objects);
  retrieval run{by, of, std::move(objects)};
  if (of.kind() == request_kind::get) return run.get();
  const auto destination = text(command, attributes::move_destination);
  const auto found = of.in()->said.destinations.find(destination);
  if (found == of.in()->said.destinations.end()) return of.finish(dimse_status::move_destination_unknown);
  delivery where{
      found->second,
      {destination, of.then().store_as.value_or(of.by().called_ae), association::most_pdu_bytes, contexts, {}},
      std::nullopt};
  if (of.then().originator.value_or(true)) where.originator = {of.by().calling_ae, of.got().id()};
  run.move_to(where);
}

}  // namespace penstock::pacs
