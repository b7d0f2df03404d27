#include "gateways/command_parser.hpp"

#include <algorithm>
#include <limits>

#include "gateways/argument_reader.hpp"

namespace penstock::gateways {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

constexpr std::size_t max_search_id_bytes = 64;
constexpr std::size_t max_download_id_bytes = 64;
constexpr std::size_t max_facet_fields = 32;
constexpr std::size_t max_facet_field_bytes = 64;
constexpr std::size_t max_command_bytes = 64;
constexpr std::size_t max_topic_bytes = 256;
constexpr std::size_t max_modality_bytes = 16;
constexpr std::size_t max_uid_field_bytes = 128;
constexpr std::uint32_t max_credit_per_message = 1'000'000;
constexpr std::uint64_t any_number = std::numeric_limits<std::uint64_t>::max();

/// The parser of nlohmann needs no stack for depth, but those who read the value may.
bool is_shallow(std::string_view text) {
  std::size_t depth = 0;
  bool in_text = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_text) {
      if (c == '\\') ++at;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_json_depth) return false;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return true;
}

bool is_day(std::string_view text) {
  return text.size() == 8 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Empty, a day, or a range with at least one end (PS3.4 section C.2.2.2.5).
bool is_date_key(std::string_view text) {
  if (text.empty() || is_day(text)) return true;
  const auto dash = text.find('-');
  if (dash == std::string_view::npos || text.size() == 1) return false;
  const auto from = text.substr(0, dash);
  const auto to = text.substr(dash + 1);
  return (from.empty() || is_day(from)) && (to.empty() || is_day(to));
}

std::vector<messages::protected_text> protect(std::vector<std::string> texts) {
  std::vector<messages::protected_text> hidden;
  hidden.reserve(texts.size());
  for (auto& text : texts) hidden.emplace_back(std::move(text));
  return hidden;
}

std::uint32_t read_wait(argument_reader& in) {
  return static_cast<std::uint32_t>(in.number("wait_ms", default_wait_ms, 0, max_wait_ms));
}

/// Either a list of PACS or an institution, perhaps with a department.
template <class Find>
void read_where(argument_reader& in, Find& into) {
  if (in.has("pacs") == in.has("institution")) {
    in.complain("pacs: give either pacs or institution");
    return;
  }
  if (in.has("pacs")) {
    into.pacs = in.texts("pacs", presence::required, max_pacs_per_command, 64);
    if (!std::all_of(into.pacs.begin(), into.pacs.end(), [](const auto& id) { return messages::is_valid_name(id); }))
      in.complain("pacs: not a valid id");
    return;
  }
  into.institution = in.name("institution", presence::required);
  into.department = in.text("department", presence::optional, max_text_bytes);
}

messages::page_options read_page(argument_reader& in) {
  messages::page_options page;
  if (const auto* filter = in.object("filter")) page.filter = filter->dump();
  if (const auto* sort = in.array("sort", presence::optional, 16)) page.sort = sort->dump();
  page.limit = static_cast<std::uint32_t>(in.number("limit", default_page, 1, max_page));
  page.cursor = in.cursor("cursor");
  return page;
}

/// A project's name and a number, as project_queue makes them.
bool is_of_a_download_id(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-' || c == '~';
}

messages::submit_item read_item(argument_reader& in) {
  messages::submit_item item;
  item.pacs = in.text("pacs", presence::required, 64);
  item.study = messages::dicom_uid{in.text("StudyInstanceUID", presence::may_be_empty, max_uid_field_bytes)};
  for (auto& uid : in.texts("series", presence::optional, max_series_per_item, max_uid_field_bytes))
    item.series.emplace_back(std::move(uid));
  return item;
}

}  // namespace

result<json> parse_object(std::string_view text) {
  if (!is_shallow(text)) return fail(errc::bad_request, "JSON: nested too deeply");
  auto parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded() || !parsed.is_object()) return fail(errc::bad_request, "JSON: expected one object");
  return parsed;
}

result<command_envelope> parse_envelope(std::string_view text, std::string& id) {
  auto parsed = parse_object(text);
  if (!parsed) return parsed.error();
  argument_reader in{*parsed};
  auto given = in.text("id", presence::required, max_id_bytes);
  if (!in.ok()) return in.finish(command_envelope{});
  id = std::move(given);
  command_envelope envelope;
  envelope.command = in.text("do", presence::required, max_command_bytes);
  envelope.project = in.text("project", presence::optional, 64);
  envelope.op = in.text("op", presence::optional, max_op_bytes);
  const auto* args = in.object("args");
  envelope.args = args == nullptr ? json::object() : *args;
  return in.finish(std::move(envelope));
}

result<subscription_wish> parse_subscription(std::string_view text) {
  auto parsed = parse_object(text);
  if (!parsed) return parsed.error();
  argument_reader in{*parsed};
  subscription_wish wish;
  wish.topic = in.text("topic", presence::optional, max_topic_bytes);
  wish.from = in.number("from", 0, 0, any_number);
  wish.credit = static_cast<std::uint32_t>(in.number("credit", 0, 0, max_credit_per_message));
  return in.finish(std::move(wish));
}

result<messages::find_patients> parse_find_patients(const caller& who, const json& args) {
  argument_reader in{args};
  messages::find_patients find;
  find.who = who;
  read_where(in, find);
  find.mrns = protect(in.texts("mrns", presence::required, max_inputs_per_search, max_text_bytes));
  find.wait_ms = read_wait(in);
  return in.finish(std::move(find));
}

result<messages::find_studies> parse_find_studies(const caller& who, const json& args) {
  argument_reader in{args};
  messages::find_studies find;
  find.who = who;
  read_where(in, find);
  if (in.has("mrns") == in.has("accessions")) in.complain("mrns: give either mrns or accessions");
  if (in.has("mrns")) find.mrns = protect(in.texts("mrns", presence::required, max_inputs_per_search, max_text_bytes));
  if (in.has("accessions"))
    find.accessions = protect(in.texts("accessions", presence::required, max_inputs_per_search, max_text_bytes));
  find.study_date = in.text("study_date", presence::optional, 17);
  if (in.ok() && !is_date_key(find.study_date)) in.complain("study_date: expected YYYYMMDD or YYYYMMDD-YYYYMMDD");
  find.modalities = in.texts("modalities", presence::optional, max_modalities, max_modality_bytes);
  if (!std::all_of(find.modalities.begin(), find.modalities.end(), messages::is_exact_key))
    in.complain("modalities: not a modality");
  find.wait_ms = read_wait(in);
  return in.finish(std::move(find));
}

result<messages::find_series> parse_find_series(const caller& who, const json& args) {
  argument_reader in{args};
  messages::find_series find;
  find.who = who;
  find.pacs = in.name("pacs", presence::required);
  find.study = in.uid("StudyInstanceUID", presence::required);
  find.wait_ms = read_wait(in);
  return in.finish(std::move(find));
}

result<messages::read_search> parse_read_search(const caller& who, const json& args) {
  argument_reader in{args};
  messages::read_search read;
  read.who = who;
  read.search = in.text("search", presence::required, max_search_id_bytes);
  read.cursor = in.cursor("cursor");
  read.wait_ms = read_wait(in);
  return in.finish(std::move(read));
}

result<messages::cancel_search> parse_cancel_search(const caller& who, const json& args) {
  argument_reader in{args};
  messages::cancel_search cancel;
  cancel.who = who;
  cancel.search = in.text("search", presence::required, max_search_id_bytes);
  return in.finish(std::move(cancel));
}

result<messages::submit_requests> parse_submit_requests(const caller& who, const json& args) {
  argument_reader in{args};
  messages::submit_requests submit;
  submit.who = who;
  const auto* items = in.array("items", presence::required, max_items_per_submit);
  for (std::size_t at = 0; items != nullptr && at < items->size() && in.ok(); ++at) {
    const auto where = "items[" + std::to_string(at) + "]";
    if (!(*items)[at].is_object()) {
      in.complain(where + ": expected an object");
      break;
    }
    argument_reader inner{(*items)[at]};
    submit.items.push_back(read_item(inner));
    in.adopt(inner, where);
  }
  const auto priority = in.text("priority", presence::optional, 16);
  if (in.ok() && !priority.empty() && !messages::parse(priority, submit.priority))
    in.complain("priority: expected low, normal or high");
  if (const auto* follow = in.object("follow")) {
    argument_reader inner{*follow};
    submit.follow_every_s = static_cast<std::uint32_t>(
        inner.number("every_s", default_follow_every_s, least_follow_every_s, most_follow_every_s));
    submit.follow_quiet_s =
        static_cast<std::uint32_t>(inner.number("quiet_s", std::max(default_follow_quiet_s, submit.follow_every_s),
                                                submit.follow_every_s, most_follow_quiet_s));
    in.adopt(inner, "follow");
  }
  return in.finish(std::move(submit));
}

result<messages::cancel_requests> parse_cancel_requests(const caller& who, const json& args) {
  argument_reader in{args};
  messages::cancel_requests cancel;
  cancel.who = who;
  cancel.requests = in.numbers("requests", max_ids_per_command);
  return in.finish(std::move(cancel));
}

result<messages::prioritise_requests> parse_prioritise_requests(const caller& who, const json& args) {
  argument_reader in{args};
  messages::prioritise_requests change;
  change.who = who;
  change.requests = in.numbers("requests", max_ids_per_command);
  const auto priority = in.text("priority", presence::required, 16);
  if (in.ok() && !parse(priority, change.priority)) in.complain("priority: expected low, normal or high");
  return in.finish(std::move(change));
}

result<messages::retry_requests> parse_retry_requests(const caller& who, const json& args) {
  argument_reader in{args};
  messages::retry_requests retry;
  retry.who = who;
  retry.requests = in.numbers("requests", max_ids_per_command);
  return in.finish(std::move(retry));
}

result<messages::delete_requests> parse_delete_requests(const caller& who, const json& args) {
  argument_reader in{args};
  messages::delete_requests clear;
  clear.who = who;
  clear.requests = in.numbers("requests", max_ids_per_command);
  return in.finish(std::move(clear));
}

result<messages::purge_holdings> parse_purge_holdings(const caller& who, const json& args) {
  argument_reader in{args};
  messages::purge_holdings purge;
  purge.who = who;
  purge.suspended = in.flag("suspended");
  purge.studies = in.uids("studies", presence::optional, max_uids_per_command);
  if (purge.suspended == !purge.studies.empty()) in.complain("studies: give either studies or \"suspended\": true");
  return in.finish(std::move(purge));
}

result<messages::check_cache> parse_check_cache(const caller& who, const json& args) {
  argument_reader in{args};
  messages::check_cache check;
  check.who = who;
  check.start = in.flag("start");
  check.repair = in.flag("repair");
  check.run = in.text("run", presence::optional, max_run_bytes);
  if (check.repair && !check.start) in.complain("repair: only of a check that is started");
  if (check.start && !check.run.empty()) in.complain("run: names a check that was started before");
  return in.finish(std::move(check));
}

result<messages::check_rules> parse_check_rules(const caller& who, const json& args) {
  argument_reader in{args};
  messages::check_rules check;
  check.who = who;
  check.toml = in.text("toml", presence::optional, max_rules_text_bytes);
  return in.finish(std::move(check));
}

result<switch_wish> parse_switch(const json& args) {
  argument_reader in{args};
  switch_wish wish;
  wish.pacs = in.name("pacs", presence::required);
  if (wish.pacs == "all") wish.pacs.clear();
  wish.reason = in.text("reason", presence::required, max_reason_bytes);
  return in.finish(std::move(wish));
}

result<simulation_wish> parse_simulation(const json& args) {
  argument_reader in{args};
  simulation_wish wish;
  wish.days = static_cast<std::uint32_t>(in.number("days", wish.days, 1, max_simulated_days));
  wish.toml = in.text("toml", presence::optional, max_rules_text_bytes);
  return in.finish(std::move(wish));
}

result<messages::list_requests> parse_list_requests(const caller& who, const json& args) {
  argument_reader in{args};
  messages::list_requests list;
  list.who = who;
  list.page = read_page(in);
  return in.finish(std::move(list));
}

result<messages::read_journal> parse_read_journal(const json& args) {
  argument_reader in{args};
  messages::read_journal read;
  read.page = read_page(in);
  read.after = in.number("after", 0, 0, any_number);
  if (in.has("sort")) in.complain("sort: the newest entries come first");
  return in.finish(std::move(read));
}

result<messages::prove_entry> parse_prove_entry(const caller& who, const json& args) {
  argument_reader in{args};
  messages::prove_entry wish;
  wish.user = who.user;
  wish.size = in.number("size", 0, 0, any_number);
  wish.old_size = in.number("old_size", 0, 0, any_number);
  if (in.has("seq") || wish.old_size == 0) wish.sequence = in.number("seq", std::nullopt, 1, any_number);
  return in.finish(std::move(wish));
}

result<messages::show_request> parse_show_request(const caller& who, const json& args) {
  argument_reader in{args};
  messages::show_request show;
  show.who = who;
  show.request = in.number("request", std::nullopt, 0, any_number);
  show.limit = static_cast<std::uint32_t>(in.number("limit", default_page, 1, max_page));
  show.cursor = in.cursor("cursor");
  return in.finish(std::move(show));
}

result<messages::list_holdings> parse_list_holdings(const caller& who, const json& args) {
  argument_reader in{args};
  messages::list_holdings list;
  list.who = who;
  const auto level = in.text("level", presence::optional, 16);
  if (level == "series")
    list.level = messages::holding_level::series;
  else if (level == "instance")
    list.level = messages::holding_level::instance;
  else if (!level.empty() && level != "study")
    in.complain("level: expected study, series or instance");
  const bool study = list.level == messages::holding_level::study;
  list.study = in.uid("StudyInstanceUID", study ? presence::optional : presence::required);
  list.series = in.uid("SeriesInstanceUID", presence::optional);
  list.page = read_page(in);
  return in.finish(std::move(list));
}

result<messages::list_facets> parse_list_facets(const caller& who, const json& args) {
  argument_reader in{args};
  messages::list_facets list;
  list.who = who;
  if (const auto* filter = in.object("filter")) list.filter = filter->dump();
  list.columns = in.texts("fields", presence::optional, max_facet_fields, max_facet_field_bytes);
  return in.finish(std::move(list));
}

/// Both go into the journal as they are, so neither may hold what a person could be named with.
result<messages::note_export> parse_note_export(const caller& who, const json& args) {
  argument_reader in{args};
  messages::note_export note;
  note.who = who;
  note.download = in.text("download", presence::required, max_download_id_bytes);
  if (!std::all_of(note.download.begin(), note.download.end(), is_of_a_download_id))
    in.complain("download: expected the id of a download");
  note.layout = in.name("layout", presence::required);
  note.objects = in.number("objects", std::nullopt, 1, any_number);
  return in.finish(std::move(note));
}

result<messages::delete_holdings> parse_delete_holdings(const caller& who, const json& args) {
  argument_reader in{args};
  messages::delete_holdings remove;
  remove.who = who;
  remove.studies = in.uids("studies", presence::required, max_uids_per_command);
  return in.finish(std::move(remove));
}

result<std::string> parse_pacs_id(const json& args) {
  argument_reader in{args};
  auto id = in.name("pacs", presence::required);
  return in.finish(std::move(id));
}

result<download_wish> parse_download(const caller& who, const json& args) {
  argument_reader in{args};
  const int given = int{in.has("studies")} + int{in.has("series")} + int{in.has("instances")} + int{in.has("resume")};
  if (given != 1) in.complain("studies: give exactly one of studies, series, instances and resume");
  download_wish wish;
  wish.command.who = who;
  wish.command.studies = in.uids("studies", presence::optional, max_uids_per_command);
  wish.command.series = in.uids("series", presence::optional, max_uids_per_command);
  wish.command.instances = in.uids("instances", presence::optional, max_uids_per_command);
  wish.command.resume = in.text("resume", presence::optional, max_download_id_bytes);
  const bool names_something = !wish.command.studies.empty() || !wish.command.series.empty() ||
                               !wish.command.instances.empty() || !wish.command.resume.empty();
  if (!names_something) in.complain("studies: empty");
  if (in.has("resume") || in.has("key")) {
    const auto text = in.text("key", presence::required, max_text_bytes);
    if (!in.ok()) return in.finish(download_wish{});
    auto key = storage::from_base64(text, 16, "key");
    if (!key) return key.error();
    wish.key = std::make_shared<const storage::secret_bytes>(std::move(*key));
  }
  return in.finish(std::move(wish));
}

}  // namespace penstock::gateways
