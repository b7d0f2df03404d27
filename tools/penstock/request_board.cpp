#include "tools/penstock/request_board.hpp"

#include <algorithm>
#include <array>

#include "tools/penstock/context.hpp"
#include "tools/penstock/display_text.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using messages::request_state;
using nlohmann::json;

constexpr std::size_t bar_columns = 16;
constexpr std::size_t label_characters = 16;

const json& member(const json& object, const char* name) {
  static const json none = json::object();
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : none;
}

/// A request may carry its study in itself (listing) or in "study" (event).
std::string label_of(const json& from) {
  for (const json* where : {&from, &member(from, "study")}) {
    if (auto accession = text_in(*where, "AccessionNumber"); !accession.empty()) return accession;
    if (auto uid = text_in(*where, "StudyInstanceUID"); !uid.empty())
      return uid.size() <= label_characters ? uid : ".." + uid.substr(uid.size() - label_characters);
  }
  return {};
}

int rank_of(request_state state) {
  if (state == request_state::processing) return 0;
  return state == request_state::scheduled ? 1 : 2;
}

std::string images_of(const watched_request& request) {
  if (request.expected == 0) return request.received == 0 ? "" : std::to_string(request.received);
  return std::to_string(request.received) + "/" + std::to_string(request.expected);
}

std::string bar_of(const watched_request& request) {
  const bool shows = request.state != request_state::scheduled && request.expected != 0;
  return shows ? bar(request.received, request.expected, bar_columns) : "";
}

}  // namespace

request_board::request_board(const std::vector<std::string>& only) : only_(only.begin(), only.end()) {}

bool request_board::watches(const std::string& request) const { return only_.empty() || only_.contains(request); }

bool request_board::learn_listed(const json& item) { return take(item, text_in(item, "id"), true); }

bool request_board::learn_event(const json& event) {
  return take(event, text_in(event, "request"), event.contains("state"));
}

bool request_board::take(const json& from, const std::string& id, bool may_add) {
  if (id.empty() || !watches(id)) return false;
  auto state = request_state::scheduled;
  const bool says_state = messages::parse(text_in(from, "state"), state);
  const bool known = requests_.contains(id);
  if (!known && (!may_add || !says_state || (only_.empty() && messages::is_terminal(state)))) return false;
  auto& request = requests_[id];
  const auto before = request;
  if (says_state) {
    request.state = state;
    request.reason = text_in(from, "reason");
    if (request.reason.empty()) request.reason = text_in(from, "error");
    // The listing gives no reason for what has ended well; the event did.
    if (request.reason.empty() && messages::is_terminal(state)) request.reason = before.reason;
  }
  const auto keep = [](std::string& into, std::string value) {
    if (!value.empty()) into = std::move(value);
  };
  keep(request.pacs, text_in(from, "pacs"));
  keep(request.label, label_of(from));
  keep(request.modality, list_in(from, "Modality"));
  if (!known) request.ended_before = messages::is_terminal(request.state);
  if (from.contains("estimate")) request.estimate = text_in(from, "estimate");
  if (from.contains("position")) request.position = number_in(from, "position");
  if (const auto& counts = member(from, "counts"); !counts.empty()) {
    request.expected = number_in(counts, "expected");
    request.received = number_in(counts, "received");
    request.failed = number_in(counts, "failed");
  }
  if (from.contains("bytes")) request.bytes = number_in(from, "bytes");
  return !known || request.state != before.state || request.reason != before.reason;
}

bool request_board::all_ended() const {
  const bool all_known =
      std::all_of(only_.begin(), only_.end(), [&](const auto& id) { return requests_.contains(id); });
  return all_known && std::all_of(requests_.begin(), requests_.end(),
                                  [](const auto& one) { return messages::is_terminal(one.second.state); });
}

bool request_board::all_completed() const {
  return std::all_of(requests_.begin(), requests_.end(),
                     [](const auto& one) { return one.second.state == request_state::completed; });
}

std::string request_board::counts() const {
  std::array<std::size_t, 6> found{};
  for (const auto& [id, request] : requests_) ++found.at(static_cast<std::size_t>(request.state));
  std::string text;
  for (std::size_t i = 0; i < found.size(); ++i)
    if (found[i] != 0)
      text += (text.empty() ? "" : ", ") + std::to_string(found[i]) + " " +
              std::string{name_of(static_cast<request_state>(i))};
  return text.empty() ? "no requests" : text;
}

std::string request_board::summary(std::chrono::seconds watched) const {
  std::uint64_t expected = 0, received = 0;
  std::size_t open = 0, ended = 0;
  const watched_request* last = nullptr;
  for (const auto& [id, request] : requests_) {
    const bool is_open = !messages::is_terminal(request.state);
    expected += request.expected;
    received += std::min(request.received, request.expected);
    open += is_open ? 1 : 0;
    ended += is_open || request.ended_before ? 0 : 1;
    if (is_open && !request.estimate.empty() && (last == nullptr || last->position < request.position)) last = &request;
  }
  auto text = counts();
  if (expected != 0) text += "; " + std::to_string(received) + " of " + std::to_string(expected) + " images";
  if (const auto left = time_left(ended, open, watched))
    text += "; about " + human_seconds(static_cast<std::uint64_t>(left->count())) + " left at this pace";
  if (last != nullptr) text += "; the last starts " + printable(last->estimate);
  return text;
}

std::optional<std::chrono::seconds> time_left(std::size_t ended, std::size_t open, std::chrono::seconds watched) {
  if (ended < 2 || open == 0) return std::nullopt;
  return watched * static_cast<std::int64_t>(open) / static_cast<std::int64_t>(ended);
}

table request_board::drawn(std::size_t rows) const {
  std::vector<const std::pair<const std::string, watched_request>*> order;
  for (const auto& one : requests_) order.push_back(&one);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return rank_of(a->second.state) < rank_of(b->second.state); });
  table drawn{{{"Request"},
               {"State"},
               {"Study"},
               {"PACS"},
               {"Modality"},
               {"Images", alignment::right},
               {"Size", alignment::right},
               {"Progress"},
               {"Why"}}};
  for (std::size_t i = 0; i < std::min(rows, order.size()); ++i) {
    const auto& [id, request] = *order[i];
    drawn.add({id, cell{std::string{name_of(request.state)}, shade_of(request.state)}, request.label, request.pacs,
               request.modality, images_of(request), request.bytes == 0 ? "" : human_bytes(request.bytes),
               bar_of(request), request.reason});
  }
  return drawn;
}

std::string line_of(const std::string& id, const watched_request& request) {
  std::string line = id + "  " + std::string{name_of(request.state)};
  for (const auto& part : {request.label, request.pacs, images_of(request), request.reason})
    if (!part.empty()) line += "  " + printable(part);
  return line;
}

tint shade_of(request_state state) {
  switch (state) {
    case request_state::completed:
      return tint::good;
    case request_state::processing:
      return tint::busy;
    case request_state::scheduled:
      return tint::none;
    case request_state::cancelled:
      return tint::faint;
    default:
      return tint::bad;
  }
}

}  // namespace penstock::commands
