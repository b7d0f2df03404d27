#include "actors/list_reader.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_set>
#include <utility>
#include <vector>

#include "actors/facet_counts.hpp"
#include "actors/journal_listing.hpp"
#include "actors/list_items.hpp"
#include "conf/rules_queries.hpp"
#include "messages/actor_errors.hpp"
#include "messages/type_ids.hpp"
#include "storage/keys.hpp"
#include "storage/rows.hpp"

namespace penstock::actors {
namespace {

using namespace messages;
namespace keys = storage::keys;
using nlohmann::json;
using storage::column;
using storage::row_reader;

/// Studies of one UID that a project may hold from as many PACS.
constexpr std::size_t most_holdings_of_a_study = 64;
constexpr std::size_t sortable_digits = 16;

/// Where waiting requests stand in their project's line for their PACS, from 1: by number of the request.
using positions = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

std::uint64_t number_at_end(std::string_view key) {
  std::uint64_t number = 0;
  if (key.size() < sortable_digits) return number;
  const auto digits = key.substr(key.size() - sortable_digits);
  std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return number;
}

/// `prefix` is keys::waiting_of(project): the PACS is what follows, up to the next slash.
std::string_view pacs_in(std::string_view waiting_key, std::string_view prefix) {
  const auto rest = waiting_key.substr(prefix.size());
  return rest.substr(0, rest.find('/'));
}

/// Of all that wait, or of those that `wanted` names; that may take as long as one listing may.
result<positions> read_positions(const row_reader& core, const std::string& project,
                                 const std::unordered_set<std::uint64_t>* wanted, listing& page) {
  positions found;
  std::string line;
  std::uint64_t position = 0;
  const auto prefix = keys::waiting_of(project);
  auto end = core.scan(column::rows, {.prefix = prefix}, [&](std::string_view key, std::string_view) {
    if (const auto pacs = pacs_in(key, prefix); pacs != line) {
      line = pacs;
      position = 0;
    }
    ++position;
    const auto number = number_at_end(key);
    if (wanted == nullptr || wanted->contains(number)) found.emplace_back(number, position);
    if (wanted != nullptr && found.size() == wanted->size()) return false;
    return page.look();
  });
  if (!end) return end.error();
  std::sort(found.begin(), found.end());
  return found;
}

/// 0: it does not wait.
std::uint64_t position_in(const positions& all, std::uint64_t number) {
  const auto found = std::lower_bound(all.begin(), all.end(), std::pair{number, std::uint64_t{0}});
  return found == all.end() || found->first != number ? 0 : found->second;
}

/// The newest requests of the page, and how many there are in all, without reading any other.
result<std::vector<request_row>> read_newest(const row_reader& core, const std::string& project, listing& page) {
  std::uint64_t total = 0;
  const auto prefix = keys::requests_of(project);
  auto counted = core.scan(column::rows, {.prefix = prefix}, [&](std::string_view, std::string_view) {
    ++total;
    return page.look();
  });
  if (!counted) return counted.error();
  page.set_total(total);
  std::vector<request_row> rows;
  storage::row_range range{.prefix = prefix, .limit = page.wanted(), .backwards = true};
  range.from = prefix + std::string(sortable_digits, 'g');
  if (page.after()) {
    const auto* number = std::get_if<std::int64_t>(&page.after()->front());
    if (number == nullptr || *number < 1) return rows;
    range.from = keys::request(project, static_cast<std::uint64_t>(*number) - 1);
  }
  auto end = storage::read_rows<request_row>(core, range, "request", [&](std::string_view, request_row&& row) {
    rows.push_back(std::move(row));
    return page.visit();
  });
  if (!end) return end.error();
  return rows;
}

result<std::uint64_t> read_position(const row_reader& core, const request_row& row) {
  std::uint64_t position = 0;
  bool met = false;
  auto end = core.scan(column::rows, {.prefix = keys::waiting_at(row.project, row.pacs)},
                       [&](std::string_view key, std::string_view) {
                         ++position;
                         met = number_at_end(key) == row.number;
                         return !met;
                       });
  if (!end) return end.error();
  return met ? position : 0;
}

/// A page of the missing instances, in the order of their UIDs, so that it can go on when some have arrived meanwhile.
result<void> put_missing(const row_reader& core, const read_request& asked, json& into) {
  auto limit = page_limit(asked.which.limit);
  if (!limit) return limit.error();
  const auto guard = "missing\n" + std::to_string(asked.which.request);
  dicom_uid after;
  if (!asked.which.cursor.empty()) {
    auto position = read_cursor(guard, asked.which.cursor);
    if (!position) return position.error();
    if (!position->is_string()) return fail(errc::bad_request, "cursor: not one that this listing gave");
    after = dicom_uid{position->get<std::string>()};
  }
  auto list =
      storage::read_row<instance_list>(core, keys::missing(asked.project, asked.which.request), "missing instances");
  if (!list) return list.error();
  auto missing = list->has_value() ? std::move((*list)->instances) : std::vector<dicom_uid>{};
  std::sort(missing.begin(), missing.end());
  auto uids = json::array();
  auto at = std::upper_bound(missing.begin(), missing.end(), after);
  for (; at != missing.end() && uids.size() < *limit; ++at) uids.push_back(at->reveal());
  if (at != missing.end()) into["next"] = spell_cursor(guard, uids.back());
  into["missing"] = std::move(uids);
  return {};
}

/// A listing at series or instance level while the shards are asked.
struct gathering {
  listing page;
  caf::typed_response_promise<answered> promise;
  std::size_t waits_for = 0;
};

class list_reader {
 public:
  using handle = list_reader_actor;
  static constexpr const char* name = "list_reader";

  list_reader(handle::pointer self, list_reader_options options) : self_(self), options_(std::move(options)) {}

  handle::behavior_type make_behavior() {
    return {
        [this](const read_requests& asked) { return reply(list_requests_of(asked)); },
        [this](const read_request& asked) { return reply(show_request_of(asked)); },
        [this](const read_holdings& asked) { return on_read_holdings(asked); },
        [this](const read_facets& asked) { return reply(facets_of(asked)); },
        [this](const read_journal& asked) {
          return reply(list_journal(*options_.core->snapshot(), asked, journal_budget, options_.clock));
        },
        [this](const prove_entry& asked) { return reply(prove(*options_.core->snapshot(), asked)); },
        [this](const sign_checkpoint&) { return reply(signed_head()); },
    };
  }

 private:
  static caf::result<answered> reply(result<std::string> json_text) {
    if (!json_text) return to_caf(json_text.error());
    return answered{std::move(*json_text)};
  }

  result<std::string> signed_head() const {
    if (!options_.signer) return fail(errc::internal, "checkpoint: the server's key cannot be read; its log says why");
    return checkpoint_of(*options_.core->snapshot(), *options_.signer);
  }

  std::shared_ptr<const conf::rules> rules() const { return options_.rules ? options_.rules() : nullptr; }

  result<std::string> list_requests_of(const read_requests& asked) {
    auto page = listing::open(asked.page, request_table(), options_.budget, options_.clock);
    if (!page) return page.error();
    const auto core = options_.core->snapshot();
    const auto in_force = rules();
    const auto context = context_of(asked.outlook, in_force.get(), options_.utc_us());
    if (page->is_plain()) return newest_requests_of(asked, *core, *page, context);
    auto waiting = read_positions(*core, asked.project, nullptr, *page);
    if (!waiting) return waiting.error();
    auto end = storage::read_rows<request_row>(
        *core, {.prefix = keys::requests_of(asked.project)}, "request", [&](std::string_view, request_row&& row) {
          if (!page->visit()) return false;
          page->add(request_item(row, position_in(*waiting, row.number), context));
          return true;
        });
    if (!end) return end.error();
    return page->finish();
  }

  static result<std::string> newest_requests_of(const read_requests& asked, const row_reader& core, listing& page,
                                                const item_context& context) {
    auto rows = read_newest(core, asked.project, page);
    if (!rows) return rows.error();
    std::unordered_set<std::uint64_t> wanted;
    for (const auto& row : *rows)
      if (row.state == request_state::scheduled) wanted.insert(row.number);
    result<positions> waiting = positions{};
    if (!wanted.empty()) waiting = read_positions(core, asked.project, &wanted, page);
    if (!waiting) return waiting.error();
    for (const auto& row : *rows) page.add(request_item(row, position_in(*waiting, row.number), context));
    return page.finish();
  }

  result<std::string> show_request_of(const read_request& asked) {
    const auto core = options_.core->snapshot();
    auto row = storage::read_row<request_row>(*core, keys::request(asked.project, asked.which.request), "request");
    if (!row) return row.error();
    if (!row->has_value()) return fail(errc::not_found, "no such request in this project");
    auto position = read_position(*core, **row);
    if (!position) return position.error();
    const auto in_force = rules();
    const auto context = context_of(asked.outlook, in_force.get(), options_.utc_us());
    auto item = request_item(**row, *position, context);
    item["history"] = history_items(**row);
    if (!may_name(**row, context)) {
      item["missing"] = json::array();
    } else if (auto put = put_missing(*core, asked, item); !put) {
      return put.error();
    }
    return item.dump(-1, ' ', false, json::error_handler_t::replace);
  }

  caf::result<answered> on_read_holdings(const read_holdings& asked) {
    if (asked.which.level == holding_level::study) return reply(list_studies_of(asked));
    if (asked.which.study.empty()) return to_caf({errc::bad_request, "StudyInstanceUID: missing"});
    auto page = listing::open(asked.which.page, holding_table(asked.which.level), options_.budget, options_.clock);
    if (!page) return to_caf(page.error());
    auto questions = questions_about(asked);
    if (!questions) return to_caf(questions.error());
    auto gathered = std::make_shared<gathering>(
        gathering{std::move(*page), self_->make_response_promise<answered>(), questions->size()});
    for (auto& [shard, question] : *questions) ask_shard(shard, std::move(question), gathered);
    return gathered->promise;
  }

  result<std::string> list_studies_of(const read_holdings& asked) {
    auto page = listing::open(asked.which.page, holding_table(holding_level::study), options_.budget, options_.clock);
    if (!page) return page.error();
    auto seen = each_study(asked.project, *page, [&](const holding_row& row, const item_context& context) {
      if (asked.which.study.empty() || row.study == asked.which.study) page->add(holding_item(row, context));
    });
    if (!seen) return seen.error();
    return page->finish();
  }

  result<std::string> facets_of(const read_facets& asked) {
    const auto& table = holding_table(holding_level::study);
    auto counts = facet_counts::open(asked.which.filter, asked.which.columns, table);
    if (!counts) return counts.error();
    budget_meter meter{options_.budget, options_.clock};
    auto seen = each_study(asked.project, meter, [&](const holding_row& row, const item_context& context) {
      counts->add(holding_item(row, context));
    });
    if (!seen) return seen.error();
    if (meter.spent()) return meter.complaint("facets");
    return counts->finish();
  }

  /// Those of the project that may be shown, until `meter` is spent.
  template <class Meter, class Use>
  result<void> each_study(const std::string& project, Meter& meter, const Use& use) {
    const auto core = options_.core->snapshot();
    const auto in_force = rules();
    const auto context = context_of({}, in_force.get(), options_.utc_us());
    auto end = storage::read_rows<holding_row>(*core, {.prefix = keys::holdings_of(project)}, "holding",
                                               [&](std::string_view, holding_row&& row) {
                                                 if (!meter.visit()) return false;
                                                 if (is_visible(row, in_force.get())) use(row, context);
                                                 return true;
                                               });
    if (!end) return end.error();
    return {};
  }

  /// What the rules have suspended is shown to nobody. Without rules there is nothing to judge by.
  static bool is_visible(const holding_row& row, const conf::rules* in_force) {
    if (in_force == nullptr) return true;
    const auto* project = conf::find_project(*in_force, row.project);
    return project != nullptr && !conf::is_suspended(*in_force, *project, row.pacs, row.patient);
  }

  using shard_question = std::pair<std::uint32_t, list_instances>;

  /// What to ask which shard: one question for each holding of the study, from whichever PACS.
  result<std::vector<shard_question>> questions_about(const read_holdings& asked) const {
    const auto core = options_.core->snapshot();
    std::vector<std::string> held;
    const auto ending = "/" + asked.which.study.reveal();
    auto end = core->scan(column::rows, {.prefix = keys::holdings_of(asked.project)},
                          [&](std::string_view key, std::string_view) {
                            if (key.ends_with(ending)) held.emplace_back(key);
                            return held.size() < most_holdings_of_a_study;
                          });
    if (!end) return end.error();
    std::vector<shard_question> questions;
    for (const auto& key : held) {
      auto holding = storage::read_row<holding_row>(*core, key, "holding");
      if (!holding) return holding.error();
      if (!*holding || !is_visible(**holding, rules().get())) continue;
      auto question = question_about(*core, key, asked);
      if (!question) return question.error();
      questions.push_back(std::move(*question));
    }
    if (questions.empty()) return fail(errc::not_found, "StudyInstanceUID");
    return questions;
  }

  result<shard_question> question_about(const row_reader& core, const std::string& key,
                                        const read_holdings& asked) const {
    auto holding = storage::read_row<holding_row>(core, key, "holding");
    if (!holding) return holding.error();
    if (!holding->has_value()) return fail(errc::not_found, "StudyInstanceUID");
    const auto& row = **holding;
    auto manifest = storage::read_row<instance_list>(
        core, keys::manifest(asked.project, row.pacs, row.study, row.version), "manifest");
    if (!manifest) return manifest.error();
    if (!manifest->has_value()) return fail(errc::corrupt, "list a holding: its manifest is missing");
    if (row.shard >= options_.shards.size()) return fail(errc::internal, "list a holding: its shard is not here");
    list_instances question;
    question.pacs = row.pacs;
    question.study = row.study;
    question.series = asked.which.series;
    question.by_series = asked.which.level == holding_level::series;
    question.instances = std::move((*manifest)->instances);
    return shard_question{row.shard, std::move(question)};
  }

  void ask_shard(std::uint32_t shard, list_instances question, const std::shared_ptr<gathering>& gathered) {
    const auto pacs = question.pacs;
    const auto study = question.study;
    self_->request(options_.shards[shard], options_.shard_patience, std::move(question))
        .then([this, gathered, pacs, study](const answered& answer) { take(answer, pacs, study, *gathered); },
              [gathered](const caf::error& problem) {
                if (gathered->promise.pending()) gathered->promise.deliver(to_caf(from_caf(problem, "list a holding")));
              });
  }

  static void take(const answered& answer, const std::string& pacs, const dicom_uid& study, gathering& gathered) {
    if (!gathered.promise.pending()) return;
    auto listed = json::parse(answer.json, nullptr, /*allow_exceptions=*/false);
    if (!listed.is_object() || !listed.contains("items") || !listed["items"].is_array()) {
      gathered.promise.deliver(to_caf({errc::internal, "list a holding: the shard's answer"}));
      return;
    }
    for (auto& item : listed["items"]) {
      if (!gathered.page.visit()) break;
      item["pacs"] = pacs;
      item["StudyInstanceUID"] = study.reveal();
      gathered.page.add(std::move(item));
    }
    if (--gathered.waits_for > 0) return;
    auto page = gathered.page.finish();
    if (page)
      gathered.promise.deliver(answered{std::move(*page)});
    else
      gathered.promise.deliver(to_caf(page.error()));
  }

  handle::pointer self_;
  list_reader_options options_;
};

}  // namespace

list_reader_actor start_list_reader(caf::actor_system& system, list_reader_options options,
                                    custodian::observer on_restart, hosting where) {
  if (where == hosting::detached)
    return supervise<list_reader, hosting::detached>(system, std::move(on_restart), std::move(options));
  return supervise<list_reader>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
