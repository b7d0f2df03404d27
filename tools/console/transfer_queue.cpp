#include "tools/console/transfer_queue.hpp"

#include <algorithm>

#include "tools/penstock/context.hpp"
#include "tools/penstock/exit_code.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

using commands::exit_code;
using commands::human_bytes;
using commands::human_seconds;
using commands::images;
using commands::number_in;
using commands::text_in;
using messages::errc;
using messages::fail;
using nlohmann::json;

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return std::to_string(whole == 0 ? 0 : std::min(part, whole) * 100 / whole) + " %";
}

std::string what_came(const transfer& one, const json& output) {
  if (one.order.kind == transfer_kind::send) return images(number_in(output, "sent")) + " sent";
  auto text = images(number_in(output, "images")) + ", " + human_bytes(number_in(output, "bytes"));
  if (const auto& missing = commands::array_in(output, "missing"); !missing.empty())
    text += "; " + std::to_string(missing.size()) + " could not be sent";
  return text;
}

std::string what_a_stop_means(const transfer_order& order) {
  if (order.kind == transfer_kind::send) return "cancelled";
  return order.resumable ? "interrupted; it can be resumed" : "interrupted; delete it, and begin again";
}

std::string why_it_failed(const json& output, const std::string& last_words) {
  const auto error = output.find("error");
  if (error != output.end() && error->is_object()) return text_in(*error, "message");
  const auto& refused = commands::array_in(output, "refused");
  if (!refused.empty())
    return images(number_in(output, "sent")) + " sent, " + std::to_string(refused.size()) +
           " refused: " + text_in(refused.front(), "message");
  return last_words.empty() ? "it ended without a word" : last_words;
}

}  // namespace

result<void> transfer_queue::add(transfer_order order) {
  if (const auto* same = of(order.folder); same != nullptr && !same->ended())
    return fail(errc::conflict, "something is under way in this folder already");
  if (under_way() >= most_running + most_waiting)
    return fail(errc::rate_limited, std::to_string(most_waiting) + " transfers wait already; let some end first");
  transfer one;
  one.number = ++last_number_;
  one.order = std::move(order);
  all_.push_back(std::move(one));
  drop_oldest_ended();
  start_next();
  changed_();
  return {};
}

void transfer_queue::drop_oldest_ended() {
  auto ended =
      static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [](const auto& one) { return one.ended(); }));
  for (auto one = all_.begin(); one != all_.end() && ended > most_ended;)
    if (one->ended())
      one = all_.erase(one), --ended;
    else
      ++one;
}

void transfer_queue::begin(transfer& one) {
  const auto number = one.number;
  auto started = runner_.start(
      one.order.arguments, one.order.input,
      [this, number](const std::string& line) { learn_line(number, line, clock::now()); },
      [this, number](const program_runner::outcome& end) { learn_end(number, end); });
  one.order.input = {};
  if (started) {
    one.state = transfer_state::running;
    one.program = *started;
    return;
  }
  one.state = transfer_state::failed;
  one.said = started.error().context;
}

void transfer_queue::start_next() {
  for (auto& one : all_) {
    const auto running = std::count_if(all_.begin(), all_.end(), [](const auto& other) {
      return other.state == transfer_state::running || other.state == transfer_state::stopping;
    });
    if (static_cast<std::size_t>(running) >= most_running) return;
    if (one.state == transfer_state::waiting) begin(one);
  }
}

bool transfer_queue::stop(const std::string& folder) {
  for (auto& one : all_) {
    if (one.order.folder != folder || one.ended()) continue;
    if (one.state == transfer_state::waiting) {
      one.state = transfer_state::stopped;
      one.said = "cancelled before it began";
      one.order.input = {};
    } else {
      one.state = transfer_state::stopping;
      runner_.interrupt(one.program);
    }
    changed_();
    return true;
  }
  return false;
}

void transfer_queue::stop_all() {
  std::vector<std::string> folders;
  for (const auto& one : all_)
    if (!one.ended()) folders.push_back(one.order.folder);
  for (const auto& folder : folders) stop(folder);
}

transfer* transfer_queue::find(int number) {
  const auto found = std::find_if(all_.begin(), all_.end(), [number](const auto& one) { return one.number == number; });
  return found == all_.end() ? nullptr : &*found;
}

const transfer* transfer_queue::of(const std::string& folder) const {
  const auto found =
      std::find_if(all_.rbegin(), all_.rend(), [&](const auto& one) { return one.order.folder == folder; });
  return found == all_.rend() ? nullptr : &*found;
}

std::size_t transfer_queue::under_way() const {
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), [](const auto& one) { return !one.ended(); }));
}

void transfer_queue::learn_line(int number, const std::string& line, clock::time_point at) {
  auto* one = find(number);
  if (one == nullptr) return;
  const auto parsed = json::parse(line, nullptr, false);
  if (!parsed.is_object()) {
    if (!line.empty()) one->said = line;
    return;
  }
  one->said = text_in(parsed, "waits");
  if (parsed.contains("waits")) one->rate.forget();
  if (parsed.contains("verified"))
    one->said = "verifying " + std::to_string(number_in(parsed, "verified")) + " of " +
                images(number_in(parsed, "images_total"));
  if (parsed.contains("images")) {
    one->images = number_in(parsed, "images");
    one->images_total = number_in(parsed, "images_total");
    one->bytes = number_in(parsed, "bytes");
    one->bytes_total = number_in(parsed, "bytes_total");
    one->rate.observe(at, one->bytes);
  }
  changed_();
}

void transfer_queue::learn_end(int number, const program_runner::outcome& end) {
  auto* one = find(number);
  if (one == nullptr) return;
  const auto parsed = json::parse(end.output, nullptr, false);
  const auto output = parsed.is_object() ? parsed : json::object();
  const bool came = end.exit_code == static_cast<int>(exit_code::ok) ||
                    (end.exit_code == static_cast<int>(exit_code::not_everything_ok) && !output.contains("error"));
  const bool refused = !commands::array_in(output, "refused").empty();
  if (end.exit_code == static_cast<int>(exit_code::interrupted)) {
    one->state = transfer_state::stopped;
    one->said = what_a_stop_means(one->order);
  } else if (came && !refused) {
    one->state = transfer_state::done;
    one->said = what_came(*one, output);
  } else {
    const bool wanted = one->state == transfer_state::stopping;
    one->state = wanted ? transfer_state::stopped : transfer_state::failed;
    one->said = wanted ? what_a_stop_means(one->order) : why_it_failed(output, one->said);
  }
  const auto copy = *one;
  start_next();
  changed_();
  ended_(copy);
}

std::string state_text(const transfer& one) {
  switch (one.state) {
    case transfer_state::waiting:
      return "waiting";
    case transfer_state::stopping:
      return "ending in order…";
    case transfer_state::done:
      return "✓ " + one.said;
    case transfer_state::failed:
      return "✗ " + one.said;
    case transfer_state::stopped:
      return "■ " + one.said;
    case transfer_state::running:
      break;
  }
  if (!one.said.empty()) return one.said;
  if (one.bytes_total == 0)
    return one.images_total == 0 ? "beginning…" : std::to_string(one.images) + " of " + images(one.images_total);
  auto text = percent(one.bytes, one.bytes_total);
  if (const auto rate = one.rate.bytes_per_second(); rate >= 1) {
    const auto left = static_cast<double>(one.bytes_total - std::min(one.bytes, one.bytes_total)) / rate;
    text += ", " + human_bytes(static_cast<std::uint64_t>(rate)) + "/s, " +
            human_seconds(static_cast<std::uint64_t>(left + 0.5)) + " left";
  }
  return text;
}

std::string summary_of(const transfer_queue& queue) {
  const auto count = queue.under_way();
  if (count == 0) return {};
  std::uint64_t bytes = 0;
  std::uint64_t total = 0;
  for (const auto& one : queue.all())
    if (!one.ended()) bytes += one.bytes, total += one.bytes_total;
  return commands::counted(count, "transfer", "transfers") + " under way" +
         (total == 0 ? "" : ", " + percent(bytes, total));
}

}  // namespace penstock::console
