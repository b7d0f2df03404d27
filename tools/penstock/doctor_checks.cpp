#include "tools/penstock/doctor_checks.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "tools/penstock/context.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using nlohmann::json;

constexpr int spoken_protocol = 1;
constexpr std::chrono::seconds harmless_difference{30};
constexpr int days_of_notice = 30;
constexpr std::uint64_t little_room = 10ULL * 1024 * 1024 * 1024;
constexpr std::uint64_t no_room = 256ULL * 1024 * 1024;

/// Seconds since 1970 of "2026-11-22" or "2026-11-22T13:00:00.123Z"; -1 for anything else.
std::time_t seconds_of(const std::string& text) {
  std::tm utc{};
  if (::strptime(text.c_str(), text.size() > 10 ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d", &utc) == nullptr) return -1;
  return ::timegm(&utc);
}

}  // namespace

std::string_view name_of(verdict how) {
  if (how == verdict::ok) return "ok";
  return how == verdict::warn ? "warn" : "bad";
}

finding no_connection(const messages::failure& why) {
  finding found{"server", verdict::bad, why.context, ""};
  if (why.code == errc::not_permitted)
    found.advice = "Send your public key ('penstock keygen --show') to the administrator, for your entry in the rules.";
  else if (why.context.find("handshake") != std::string::npos)
    found.advice = "Compare \"server_key\" of your settings with the key that the administrator published.";
  else
    found.advice = "Is the address right, does the server run, does a firewall or VPN stand between?";
  return found;
}

finding judge_clock(const std::string& server_time, std::chrono::system_clock::time_point here,
                    std::chrono::milliseconds round_trip) {
  const auto there = seconds_of(server_time);
  if (there < 0) return {"clock", verdict::ok, "the server does not tell its time", ""};
  const auto then = std::chrono::system_clock::to_time_t(here - round_trip / 2);
  const auto apart = std::chrono::seconds{std::abs(then - there)};
  if (apart <= std::chrono::seconds{2}) return {"clock", verdict::ok, "agrees with the server's", ""};
  const auto text = human_seconds(static_cast<std::uint64_t>(apart.count())) +
                    (then > there ? " ahead of the server's" : " behind the server's");
  if (apart <= harmless_difference) return {"clock", verdict::ok, text, ""};
  return {"clock", verdict::warn, text, "Times that you see are wrong by that; let the system set its clock (NTP)."};
}

finding judge_protocol(const json& greeting) {
  const auto spoken = number_in(greeting, "protocol");
  const auto text = "version " + std::to_string(spoken) + " (server " + text_in(greeting, "version") + ")";
  if (spoken == spoken_protocol) return {"protocol", verdict::ok, text, ""};
  return {"protocol", verdict::bad, text + ", and this program speaks version " + std::to_string(spoken_protocol),
          "Install the program that belongs to the server."};
}

std::vector<finding> judge_projects(const json& greeting, const std::string& chosen, const std::string& today) {
  std::vector<finding> found;
  bool knows_chosen = chosen.empty();
  for (const auto& one : array_in(greeting, "projects")) {
    const auto id = text_in(one, "id");
    const auto expires = text_in(one, "expires");
    knows_chosen = knows_chosen || id == chosen;
    const auto days = (seconds_of(expires) - seconds_of(today)) / 86'400;
    if (expires < today)
      found.push_back({"project " + id, verdict::warn, "its approval ended on " + expires,
                       "What it has can still be listed; its investigator can have the approval extended."});
    else if (days <= days_of_notice)
      found.push_back({"project " + id, verdict::warn, "its approval ends on " + expires,
                       "Have it extended in time, or take home what you need."});
    else
      found.push_back({"project " + id, verdict::ok, "approved until " + expires, ""});
  }
  if (found.empty() && array_in(greeting, "roles") == json{"researcher"})
    found.push_back({"projects", verdict::warn, "you are not a member of any project",
                     "Ask the administrator to enter you as a member."});
  if (!knows_chosen)
    found.push_back({"project " + chosen, verdict::bad, "your settings name it, and you are no member of it",
                     "Choose another with --project, PENSTOCK_PROJECT or \"project\" of the settings."});
  return found;
}

finding judge_room(const std::string& directory, std::uint64_t free_bytes) {
  const auto text = human_bytes(free_bytes) + " free in " + directory;
  if (free_bytes >= little_room) return {"disk", verdict::ok, text, ""};
  return {"disk", free_bytes < no_room ? verdict::bad : verdict::warn, text,
          "Downloads want room: make some, or name another directory with --to."};
}

verdict worst_of(const std::vector<finding>& findings) {
  auto worst = verdict::ok;
  for (const auto& one : findings) worst = std::max(worst, one.how);
  return worst;
}

}  // namespace penstock::commands
