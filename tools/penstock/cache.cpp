// cache list, usage, delete: the project's own repository of images.

#include "tools/penstock/holding_flags.hpp"
#include "tools/penstock/input_lists.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

struct list_flags {
  holding_flags which;
  std::string sort = "cached";
  bool ascending = false;
  bool show_uids = false;
  std::size_t limit = 1000;
};

void show_usage(const context& at, const json& usage) {
  at.say(quota_bar(number_in(usage, "used"), number_in(usage, "quota")) + ", " + human_bytes(number_in(usage, "used")) +
         " in " + text_in(usage, "studies") + " studies, " + human_bytes(number_in(usage, "reserved")) +
         " reserved for what is under way");
}

table drawn(const json& items, bool show_uids) {
  std::vector<column> columns{{"Accession"},        {"Institution"},     {"Department"}, {"MRN"},
                              {"Cached"},           {"Study date/time"}, {"Modality"},   {"Size", alignment::right},
                              {"Last download by"}, {"Last download"}};
  if (show_uids) columns.push_back({"Study Instance UID"});
  table rows{std::move(columns)};
  for (const auto& one : items) {
    std::vector<cell> row{
        text_in(one, "AccessionNumber"),    text_in(one, "institution"),
        text_in(one, "department"),         text_in(one, "PatientID"),
        local_time(text_in(one, "cached")), study_time(text_in(one, "StudyDate"), text_in(one, "StudyTime")),
        list_in(one, "Modality"),           human_bytes(number_in(one, "bytes")),
        text_in(one, "last_download_user"), local_time(text_in(one, "last_download"))};
    if (show_uids) row.emplace_back(text_in(one, "StudyInstanceUID"));
    rows.add(std::move(row));
  }
  return rows;
}

exit_code run_list(context& at, const list_flags& flags) {
  auto filter = filter_of(flags.which);
  if (!filter) return at.report(filter.error());
  const auto direction = flags.ascending ? "asc" : "desc";
  const json args{
      {"level", "study"}, {"filter", *filter}, {"sort", json::array({json::array({flags.sort, direction})})}};
  auto listed = ask_all_pages(at, "cache.list", args, "items", flags.limit);
  if (!listed) return at.report(listed.error());
  auto usage = at.ask("cache.usage", json::object());
  if (!usage) return at.report(usage.error());
  if (at.json) {
    (*listed)["usage"] = *usage;
    at.show(*listed);
    return exit_code::ok;
  }
  const auto& items = array_in(*listed, "items");
  if (items.empty())
    at.say("Nothing is cached that fits; 'penstock request' asks for studies.");
  else
    at.show(drawn(items, flags.show_uids));
  if (const auto total = number_in(*listed, "total"); total > items.size())
    at.say(std::to_string(items.size()) + " of " + std::to_string(total) + " shown; --limit shows more.");
  show_usage(at, *usage);
  return exit_code::ok;
}

exit_code run_usage(context& at) {
  auto usage = at.ask("cache.usage", json::object());
  if (!usage) return at.report(usage.error());
  if (at.json)
    at.show(*usage);
  else
    show_usage(at, *usage);
  return exit_code::ok;
}

exit_code run_delete(context& at, const holding_flags& which) {
  auto studies = studies_of(at, which);
  if (!studies) return at.report(studies.error());
  auto answer = at.ask("cache.delete", json{{"studies", *studies}}, client::new_op());
  if (!answer) return at.report(answer.error());
  auto code = exit_code::ok;
  std::size_t deleted = 0;
  table refused{{{"Study"}, {"Outcome"}, {"Why"}}};
  for (const auto& row : array_in(*answer, "rows")) {
    const auto outcome = text_in(row, "outcome");
    if (outcome == "deleted") {
      ++deleted;
      continue;
    }
    code = exit_code::not_everything_ok;
    const auto study = text_in(row, "study");
    refused.add({study.empty() ? text_in(row, "StudyInstanceUID") : study, outcome, text_in(row, "message")});
  }
  if (at.json) {
    at.show(*answer);
    return code;
  }
  at.say(std::to_string(deleted) + (deleted == 1 ? " study" : " studies") + " deleted from the project's cache.");
  if (!refused.empty()) at.show(refused);
  return code;
}

}  // namespace

void add_cache_commands(CLI::App& program, context& at) {
  auto* cache = program.add_subcommand("cache", "The images that the project has")->require_subcommand(1);
  const auto flags = std::make_shared<list_flags>();
  auto* list = cache->add_subcommand("list", "List them, with the quota");
  add_holding_flags(*list, flags->which);
  list->add_option("--sort", flags->sort,
                   "Column of the protocol to sort by, such as cached, StudyDate, bytes, PatientID")
      ->capture_default_str();
  list->add_flag("--ascending", flags->ascending, "The smallest first");
  list->add_flag("--uids", flags->show_uids, "Show Study Instance UIDs, too");
  list->add_option("--limit", flags->limit, "At most so many")->capture_default_str()->check(CLI::Range(1, 100'000));
  list->callback([&at, flags] { at.action = [&at, flags] { return run_list(at, *flags); }; });
  cache->add_subcommand("usage", "Show how full the quota is")->callback([&at] {
    at.action = [&at] { return run_usage(at); };
  });
  const auto which = std::make_shared<holding_flags>();
  auto* remove = cache->add_subcommand("delete", "Give studies up, to make room");
  add_holding_flags(*remove, *which);
  add_study_choice(*remove, *which);
  remove->callback([&at, which] { at.action = [&at, which] { return run_delete(at, *which); }; });
}

}  // namespace penstock::commands
