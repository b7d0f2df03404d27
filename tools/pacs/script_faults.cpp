#include "tools/pacs/script_faults.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace penstock::pacs {
namespace {

using namespace std::chrono_literals;
using conf::presence;
using conf::section;
using std::chrono::milliseconds;

constexpr std::size_t most_faults = 1'000;
constexpr std::size_t most_attributes = 100;
constexpr std::uint32_t most_count = 1'000'000;
constexpr milliseconds longest = 7 * 24h;

template <class T>
using word = std::pair<const char*, T>;

/// One of some words; a fault that names them all when it is another.
template <class T, std::size_t N>
std::optional<T> read_word(section& from, std::string_view key, const std::array<word<T>, N>& words) {
  const auto said = from.text(key, presence::optional);
  if (!said) return std::nullopt;
  const auto found = std::ranges::find_if(words, [&](const auto& one) { return *said == one.first; });
  if (found != words.end()) return found->second;
  std::string all;
  for (const auto& one : words) all += (all.empty() ? "" : ", ") + ("\"" + std::string{one.first} + "\"");
  from.fault_at(key, "expected one of " + all);
  return std::nullopt;
}

std::optional<std::uint32_t> read_count(section& from, std::string_view key, std::uint32_t least = 1) {
  return from.number(key, presence::optional, least, most_count);
}

std::optional<milliseconds> read_time(section& from, std::string_view key) {
  return from.duration(key, presence::optional, 0ms, longest);
}

std::optional<std::uint32_t> read_keyword(section& from, const conf::placed<std::string>& keyword,
                                          const std::string& key) {
  if (const auto found = attribute_named(keyword.value)) return found->first;
  from.fault_at(keyword.at, key + ": expected keywords of attributes such as PatientID");
  return std::nullopt;
}

/// ["PatientID=42"]; the value may be empty.
std::optional<dataset> read_set(section& from) {
  const auto lines = from.texts("set", presence::optional, most_attributes);
  if (!from.has("set")) return std::nullopt;
  dataset made;
  for (const auto& line : lines) {
    const auto equals = line.value.find('=');
    const auto found = attribute_named(line.value.substr(0, equals));
    if (equals == std::string::npos || !found)
      from.fault_at(line.at, "set: expected texts such as \"PatientID=42\"");
    else
      made[found->first] = {found->second, line.value.substr(equals + 1)};
  }
  return made;
}

std::optional<std::vector<std::uint32_t>> read_absent(section& from) {
  const auto keywords = from.texts("absent", presence::optional, most_attributes);
  if (!from.has("absent")) return std::nullopt;
  std::vector<std::uint32_t> tags;
  for (const auto& keyword : keywords)
    if (const auto tag = read_keyword(from, keyword, "absent")) tags.push_back(*tag);
  return tags;
}

std::optional<std::string> read_character_set(section& from) {
  auto set = from.any_text("character_set", presence::optional);
  if (set && !from_utf8(*set, "")) from.fault_at("character_set", "expected a set that is known here, see README.md");
  return set;
}

void read_match(section& from, fault_match& into) {
  const auto words = [&](std::string_view key) { return from.text(key, presence::optional).value_or(""); };
  if (const auto command = from.text("command", presence::optional)) {
    into.kind = request_kind_named(*command);
    if (!into.kind)
      from.fault_at("command", "expected A-ASSOCIATE, C-ECHO, C-FIND, C-MOVE, C-GET or C-CANCEL, in quotes");
  }
  constexpr std::array levels{word<const char*>{"PATIENT", "PATIENT"}, word<const char*>{"STUDY", "STUDY"},
                              word<const char*>{"SERIES", "SERIES"}, word<const char*>{"IMAGE", "IMAGE"}};
  into.level = read_word(from, "level", levels).value_or("");
  into.calling_ae = words("calling_ae");
  into.destination = words("destination");
  into.patient_id = words("patient");
  into.study_uid = words("study");
  if (const auto keyword = from.text("without", presence::optional))
    into.without = read_keyword(from, {*keyword, from.at("without")}, "without");
  into.in_flight = read_count(from, "in_flight").value_or(0);
  into.after = read_time(from, "after").value_or(0ms);
  into.until = read_time(from, "until").value_or(0ms);
  into.nth = read_count(from, "nth").value_or(0);
  into.first = read_count(from, "first").value_or(0);
  into.every = read_count(from, "every").value_or(0);
  into.percent = from.number("percent", presence::optional, 1, 100).value_or(100);
  from.refuse_unknown_keys();
}

void read_general_effects(section& from, effects& into) {
  constexpr std::array ways{word<breaking>{"abort", breaking::abort}, word<breaking>{"close", breaking::close},
                            word<breaking>{"hang", breaking::hang}};
  constexpr std::array places{
      word<broken_link>{"request", broken_link::request}, word<broken_link>{"store", broken_link::store},
      word<broken_link>{"both", broken_link::both}, word<broken_link>{"object", broken_link::object}};
  constexpr std::array rejections{word<associate_reject>{"permanent", rejected_permanently},
                                  word<associate_reject>{"calling AE", unknown_calling_ae},
                                  word<associate_reject>{"called AE", unknown_called_ae},
                                  word<associate_reject>{"transient", temporary_congestion},
                                  word<associate_reject>{"too many", local_limit_exceeded}};
  into.delay = read_time(from, "delay");
  into.refuse = read_status(from, "refuse");
  into.status = read_status(from, "status");
  into.break_with = read_word(from, "break_with", ways);
  into.break_after = read_count(from, "break_after", 0);
  into.break_in = read_word(from, "break_in", places);
  into.bytes_per_second = from.size("bytes_per_second", presence::optional, 1);
  into.reject = read_word(from, "reject", rejections);
  into.ignore = from.yes_or_no("ignore");
}

void read_row_and_object_effects(section& from, effects& into) {
  constexpr std::array pendings{word<pending_responses>{"each", pending_responses::each},
                                word<pending_responses>{"none", pending_responses::none},
                                word<pending_responses>{"forever", pending_responses::forever}};
  constexpr std::array reports{word<reported_counts>{"right", reported_counts::right},
                               word<reported_counts>{"none", reported_counts::none},
                               word<reported_counts>{"wrong", reported_counts::wrong}};
  into.pause = read_time(from, "pause");
  into.set = read_set(from);
  into.absent = read_absent(from);
  into.alter_first = read_count(from, "alter_first");
  into.most_rows = read_count(from, "most_rows", 0);
  into.character_set = read_character_set(from);
  into.pad = from.yes_or_no("pad");
  into.lower_case = from.yes_or_no("lower_case");
  into.lose = read_count(from, "lose");
  into.lose_silently = from.yes_or_no("lose_silently");
  into.pending = read_word(from, "pending", pendings);
  into.counts = read_word(from, "counts", reports);
  into.copies = from.number("copies", presence::optional, 1, 100);
  into.truncate = from.yes_or_no("truncate");
  into.objects_after = read_time(from, "objects_after");
  into.store_as = from.text("store_as", presence::optional, 16);
  into.originator = from.yes_or_no("originator");
}

/// A key that means nothing for the command is a mistake, not a fault without effect.
void refuse_meaningless_keys(const section& from, request_kind kind) {
  using enum request_kind;
  struct meaning {
    const char* key;
    std::vector<request_kind> commands;
  };
  const std::vector<meaning> meanings{
      {"refuse", {echo, find, move, get}},
      {"status", {echo, find, move, get}},
      {"break_after", {find, move, get}},
      {"break_in", {move, get}},
      {"bytes_per_second", {associate, move, get}},
      {"reject", {associate}},
      {"ignore", {cancel}},
      {"pause", {find, move, get}},
      {"set", {find, move, get}},
      {"absent", {find, move, get}},
      {"alter_first", {find, move, get}},
      {"most_rows", {find}},
      {"character_set", {find}},
      {"pad", {find}},
      {"lower_case", {find}},
      {"lose", {move, get}},
      {"lose_silently", {move, get}},
      {"pending", {move, get}},
      {"counts", {move, get}},
      {"copies", {move, get}},
      {"truncate", {move, get}},
      {"objects_after", {move}},
      {"store_as", {move}},
      {"originator", {move}},
  };
  for (const auto& [key, commands] : meanings)
    if (from.has(key) && std::ranges::find(commands, kind) == commands.end())
      from.fault_at(key, std::string{"means nothing for "} + name_of(kind));
}

fault read_fault(section& from) {
  fault made;
  made.name = from.text("name", presence::required).value_or("");
  if (auto when = from.table("when")) read_match(*when, made.when);
  if (auto then = from.table("do", presence::required)) {
    read_general_effects(*then, made.then);
    read_row_and_object_effects(*then, made.then);
    then->refuse_unknown_keys();
    if (made.when.kind) refuse_meaningless_keys(*then, *made.when.kind);
  }
  from.refuse_unknown_keys();
  return made;
}

}  // namespace

std::optional<std::uint16_t> read_status(section& from, std::string_view key) {
  const auto status = from.number(key, presence::optional, 0, 0xffff);
  if (!status) return std::nullopt;
  return static_cast<std::uint16_t>(*status);
}

std::vector<fault> read_faults(section& top) {
  std::vector<fault> made;
  for (auto& entry : top.tables("fault", presence::optional, most_faults)) made.push_back(read_fault(entry));
  return made;
}

}  // namespace penstock::pacs
