// [institution.*] and [pacs.*] with their windows.

#include <algorithm>

#include "conf/calendar.hpp"
#include "conf/rules_reader.hpp"
#include "conf/units.hpp"
#include "messages/ids.hpp"

namespace penstock::conf {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t longest_ae_title = 16;
constexpr std::size_t longest_pattern = 200;
constexpr std::uint32_t longest_mrn = 64;
constexpr std::uint32_t most_concurrent = 1'000;
constexpr std::uint32_t most_queries_per_minute = 10'000;
constexpr std::uint32_t most_studies_per_patient = 10'000;
constexpr std::uint32_t most_failures_in_a_row = 1'000;
constexpr std::size_t most_day_ranges = 7;
constexpr std::uint16_t minutes_of_day = 24 * 60;

void read_ae_title(section& from, std::string_view key, presence needed, std::string& into) {
  auto title = from.text(key, needed, longest_ae_title);
  if (!title) return;
  if (title->find('\\') != std::string::npos || title->front() == ' ' || title->back() == ' ')
    from.fault_at(key, "expected 1 to 16 characters without backslash or outer space");
  else
    into = std::move(*title);
}

void read_mrn_rule(section& from, std::vector<mrn_rule>& into) {
  mrn_rule rule;
  if (const auto text = from.text("pattern", presence::required, longest_pattern)) {
    if (auto pattern = mrn_pattern::compile(*text))
      rule.pattern = std::move(*pattern);
    else
      from.fault_at("pattern", "expected a regular expression (ECMAScript, without back-references)");
  }
  if (auto issuer = from.any_text("issuer", presence::required, longest_mrn)) {
    if (issuer->empty() || messages::is_exact_key(*issuer))
      rule.issuer = std::move(*issuer);
    else
      from.fault_at("issuer", "expected text without wildcard, backslash or outer space");
  }
  assign(rule.input_pad, from.number("input_pad", presence::optional, 0, longest_mrn));
  from.refuse_unknown_keys();
  into.push_back(std::move(rule));
}

void read_days(section& from, window& into) {
  const auto ranges = from.texts("days", presence::optional, most_day_ranges);
  if (!from.has("days")) return;
  if (ranges.empty()) from.fault_at("days", "expected at least one day; without the key, every day is meant");
  into.days = 0;
  for (const auto& range : ranges) {
    if (const auto days = parse_days(range.value))
      into.days = static_cast<std::uint8_t>(into.days | *days);
    else
      from.fault_at(range.at, "days: expected mon, tue, wed, thu, fri, sat, sun or a range such as mon-fri");
  }
}

void read_hours(section& from, window& into) {
  const auto hours = from.text("hours", presence::optional);
  if (!hours) return;
  const auto dash = hours->find('-');
  const auto begin = parse_time_of_day(std::string_view{*hours}.substr(0, dash));
  const auto end =
      dash == std::string::npos ? std::nullopt : parse_time_of_day(std::string_view{*hours}.substr(dash + 1));
  if (!begin || !end || *begin == minutes_of_day || *begin == *end) {
    from.fault_at("hours", "expected two different times such as 07:00-19:00 (19:00-07:00 runs over midnight)");
    return;
  }
  into.from_minute = *begin;
  into.to_minute = *end == 0 ? minutes_of_day : *end;
}

void read_window_limits(section& from, window_limits& into) {
  assign(into.concurrent, from.number("concurrent", presence::required, 0, most_concurrent));
  const auto rate = [&](std::string_view key) { return from.number(key, presence::optional, 0, max_starts_per_day); };
  into.per_minute = rate("per_minute");
  into.per_hour = rate("per_hour");
  into.per_day = rate("per_day");
  assign(into.abort, from.yes_or_no("abort"));
  if (into.abort && into.concurrent > 0) from.fault_at("abort", "only together with concurrent = 0");
}

void read_windows(section& from, pacs& into) {
  for (auto& entry : from.tables("window", presence::optional, max_windows_per_pacs)) {
    window made;
    assign(made.name, entry.text("name", presence::required));
    read_days(entry, made);
    read_hours(entry, made);
    read_window_limits(entry, made.limits);
    entry.refuse_unknown_keys();
    for (const auto& earlier : into.windows)
      if (earlier.name == made.name) entry.fault_at("name", "another window of this PACS has that name");
    into.windows.push_back(std::move(made));
  }
}

void read_address(section& from, rules_reading& reading, pacs& into) {
  assign(into.institution, from.text("institution", presence::required));
  if (!into.institution.empty())
    reading.references.push_back(
        {reference::target::institution, into.institution, "institution", from.at("institution")});
  assign(into.department, from.text("department", presence::required));
  read_ae_title(from, "ae_title", presence::required, into.ae_title);
  assign(into.host, from.text("host", presence::required));
  if (const auto port = from.number("port", presence::required, 1, 65535))
    into.port = static_cast<std::uint16_t>(*port);
  read_ae_title(from, "calling_ae", presence::optional, into.calling_ae);
  if (const auto method = from.text("retrieve", presence::optional)) {
    if (*method == "get") into.retrieve = retrieve_method::get;
    if (*method != "get" && *method != "move") from.fault_at("retrieve", "expected \"move\" or \"get\"");
  }
  read_tls(from, reading.into.file, true, into.tls);
}

/// Two contracts for one peer would allow twice as much as either says.
void refuse_same_peer(const section& from, const rules& known, const pacs& made) {
  const auto same = [&](const auto& entry) {
    const auto& other = entry.second;
    return other.host == made.host && other.port == made.port && other.ae_title == made.ae_title;
  };
  const auto found = std::find_if(known.pacs.begin(), known.pacs.end(), same);
  if (found != known.pacs.end()) from.fault_at("ae_title", "same ae_title, host and port as pacs." + found->first);
}

void read_breaker(section& from, breaker_limits& into) {
  auto breaker = from.table("breaker");
  if (!breaker) return;
  assign(into.failures_in_a_row, breaker->number("failures_in_a_row", presence::optional, 1, most_failures_in_a_row));
  const auto time = [&](std::string_view key, std::chrono::milliseconds least, std::chrono::milliseconds& target) {
    assign(target, breaker->duration(key, presence::optional, least, 1h));
  };
  time("slowest_echo", 100ms, into.slowest_echo);
  time("first_probe", 1s, into.first_probe);
  time("longest_probe", 1s, into.longest_probe);
  time("watch", 5s, into.watch);
  if (into.longest_probe < into.first_probe) breaker->fault_at("longest_probe", "expected no less than first_probe");
  breaker->refuse_unknown_keys();
}

void read_behaviour(section& from, pacs& into) {
  const auto count = [&](std::string_view key, std::uint32_t& target, std::uint32_t most) {
    assign(target, from.number(key, presence::optional, 1, most));
  };
  count("max_studies_per_patient", into.max_studies_per_patient, most_studies_per_patient);
  count("find_per_minute", into.find_per_minute, most_queries_per_minute);
  count("enumerate_per_minute", into.enumerate_per_minute, most_queries_per_minute);
  assign(into.default_charset, from.text("default_charset", presence::optional, 64));
  assign(into.idle_timeout, from.duration("idle_timeout", presence::optional, 1s, 1h));
  assign(into.lease_quiet, from.duration("lease_quiet", presence::optional, 1s, 1h));
  assign(into.total_timeout, from.duration("total_timeout", presence::optional, 1s, 7 * 24h));
  read_breaker(from, into.breaker);
  if (auto zone = from.text("timezone", presence::optional)) {
    if (!is_time_zone(*zone)) from.fault_at("timezone", "expected an IANA name such as Europe/Berlin");
    into.timezone = std::move(*zone);
  }
  for (auto& rule : from.tables("mrn", presence::required, max_issuers_per_pacs)) read_mrn_rule(rule, into.mrn);
}

}  // namespace

void read_institutions(section& top, rules_reading& reading) {
  for (auto& [entry, at] : top.named("institution", max_institutions)) {
    auto& [id, from] = entry;
    institution made{id, id};
    assign(made.name, from.text("name", presence::required));
    from.refuse_unknown_keys();
    reading.into.institutions.emplace(id, std::move(made));
  }
}

void read_all_pacs(section& top, rules_reading& reading) {
  for (auto& [entry, at] : top.named("pacs", max_pacs)) {
    auto& [id, from] = entry;
    pacs made;
    made.id = id;
    made.timezone = reading.into.timezone;
    read_address(from, reading, made);
    read_behaviour(from, made);
    read_windows(from, made);
    refuse_same_peer(from, reading.into, made);
    from.refuse_unknown_keys();
    reading.into.pacs.emplace(id, std::move(made));
  }
}

}  // namespace penstock::conf
