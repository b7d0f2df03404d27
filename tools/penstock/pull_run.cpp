#include "tools/penstock/pull_run.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "tools/penstock/download_job.hpp"
#include "tools/penstock/interruption.hpp"
#include "tools/penstock/submit.hpp"
#include "tools/penstock/transfer_report.hpp"
#include "tools/penstock/units.hpp"
#include "tools/penstock/watch.hpp"

namespace penstock::commands {
namespace {

namespace fs = std::filesystem;
using messages::errc;
using messages::fail;
using messages::request_state;
using nlohmann::json;

constexpr std::size_t most_requests = 100'000;
/// What did not become complete is shown to this many lines; `requests list` has the rest.
constexpr std::size_t most_shown = 50;

/// Rows of `list` whose `field` is one of `values`, asked in parts that fit into a message.
result<json> listed_in(context& at, const char* list, const char* items, const char* field, const json& values) {
  constexpr std::size_t part = 5000;
  json found = json::array();
  for (std::size_t begin = 0; begin < values.size(); begin += part) {
    const json some(values.begin() + static_cast<std::ptrdiff_t>(begin),
                    values.begin() + static_cast<std::ptrdiff_t>(std::min(begin + part, values.size())));
    json args{{"filter", {{field, {{"in", some}}}}}};
    if (std::string_view{list} == "cache.list") args["level"] = "study";
    auto listed = ask_all_pages(at, list, std::move(args), items, most_requests);
    if (!listed) return listed;
    for (auto& row : (*listed)[items]) found.push_back(std::move(row));
  }
  return found;
}

/// Of these requests and studies, the Study Instance UIDs that the project's cache holds now.
result<json> held_studies(context& at, const std::vector<std::string>& requests, const json& more) {
  json uids = more;
  auto rows = listed_in(at, "requests.list", "requests", "id", requests);
  if (!rows) return rows;
  for (const auto& row : *rows)
    if (const auto uid = text_in(row, "StudyInstanceUID"); !uid.empty()) uids.push_back(uid);
  auto holdings = listed_in(at, "cache.list", "items", "StudyInstanceUID", uids);
  if (!holdings) return holdings;
  std::set<std::string> held;  // a study may be held from several PACS
  for (const auto& one : *holdings) held.insert(text_in(one, "StudyInstanceUID"));
  return json(held);
}

bool may_have_images(request_state state) {
  return state == request_state::completed || state == request_state::incomplete;
}

std::vector<std::string> fetched_in(const request_board& board) {
  std::vector<std::string> ids;
  for (const auto& [id, request] : board.requests())
    if (may_have_images(request.state)) ids.push_back(id);
  return ids;
}

class pull_run {
 public:
  pull_run(context& at, pull_home& home) : at_(at), home_(home), record_(home.record) {}

  result<void> settle_submissions();
  result<void> finish_open_batches();
  result<void> fetch_rest(const json& cached_before);
  exit_code conclude();
  exit_code stopped(const messages::failure& why);

 private:
  result<void> save() { return save_pull(home_.folder, record_); }
  result<void> download(pulled_batch& batch, const json& cached_before);
  result<void> start_batch(std::vector<std::string> requests, const json& cached_before);
  [[nodiscard]] watch_options until_a_batch_is_ready() const;
  [[nodiscard]] bool is_whole(const std::map<std::string, std::uint64_t>& states) const;

  context& at_;
  pull_home& home_;
  pull_record& record_;
};

/// A batch of which no answer was noted: the server remembers what it answered. Was it never asked, nothing is now.
result<void> pull_run::settle_submissions() {
  for (auto& batch : record_.submitted) {
    if (batch.answered) continue;
    const auto nothing = json::array({json{{"pacs", "nothing"}, {"StudyInstanceUID", ""}}});
    auto rows = submit_batch(at_, nothing, json::object(), batch.op);
    if (!rows) return rows.error();
    for (const auto& row : *rows) {
      ++record_.asked[text_in(row, "outcome")];
      if (const auto id = text_in(row, "request"); !id.empty()) record_.requests.push_back(id);
    }
    batch.answered = true;
    if (rows->size() < batch.items)
      at_.say(
          "It was stopped before all studies were asked for; say the whole command again, with another folder, for "
          "the rest.");
    if (auto saved = save(); !saved) return saved;
  }
  return {};
}

result<void> pull_run::download(pulled_batch& batch, const json& cached_before) {
  const auto folder = home_.folder / batch.folder;
  const download_options options{batch.folder + ": ", true, false};
  std::error_code error;
  const bool begun = fs::exists(folder / client::download_record_name, error);
  if (!begun && home_.record.plain && !batch.done) fs::remove_all(folder, error);
  auto end = result<download_end>{download_end{}};
  if (begun) {
    const auto open = [this](const client::download_record& record) { return home_.key->open(record); };
    end = resume_download_in(at_, folder, open, options);
  } else {
    auto studies = held_studies(at_, batch.requests, cached_before);
    if (!studies) return studies.error();
    if (!studies->empty())
      end = home_.plain ? begin_plain_download(at_, folder, *studies, *home_.plain, options)
                        : begin_sealed_download(at_, folder, *studies, *home_.key, options);
  }
  if (!end) return end.error();
  batch.done = true;
  batch.images = end->images;
  batch.missing = end->missing.size();
  if (!end->folder.empty())
    at_.say(images(end->images) + ", " + human_bytes(end->bytes) + ", are in " + folder.string() +
            (end->verified ? ", read back and verified." : "."));
  return save();
}

result<void> pull_run::start_batch(std::vector<std::string> requests, const json& cached_before) {
  record_.batches.push_back({next_folder(record_), std::move(requests), false, 0, 0});
  if (auto saved = save(); !saved) return saved;
  return download(record_.batches.back(), cached_before);
}

result<void> pull_run::finish_open_batches() {
  for (auto& batch : record_.batches)
    if (!batch.done)
      if (auto done = download(batch, json::array()); !done) return done;
  return {};
}

watch_options pull_run::until_a_batch_is_ready() const {
  watch_options options;
  options.requests = not_in_a_batch(record_);
  options.detachable = true;
  options.quiet = at_.format == output_format::json;
  const auto deadline = std::chrono::steady_clock::now() + longest_wait_for_a_batch;
  options.enough = [deadline](const request_board& board) {
    const auto ready = fetched_in(board).size();
    return ready >= studies_in_a_batch || (ready != 0 && std::chrono::steady_clock::now() >= deadline);
  };
  return options;
}

/// Watches and downloads by turns, until all have ended.
result<void> pull_run::fetch_rest(const json& cached_before) {
  auto not_told = cached_before;
  for (;;) {
    auto options = until_a_batch_is_ready();
    if (options.requests.empty() && not_told.empty()) return {};
    std::vector<std::string> ready;
    bool all_ended = true;
    if (!options.requests.empty()) {
      auto board = follow_requests(at_, options);
      if (!board) return board.error();
      ready = fetched_in(*board);
      all_ended = board->all_ended();
    }
    if (!ready.empty() || !not_told.empty())
      if (auto done = start_batch(std::move(ready), std::exchange(not_told, json::array())); !done) return done;
    if (all_ended) return {};
  }
}

bool pull_run::is_whole(const std::map<std::string, std::uint64_t>& states) const {
  const auto only = [](const auto& counts, auto is_good) {
    return std::all_of(counts.begin(), counts.end(), [&](const auto& one) { return is_good(one.first); });
  };
  return only(states, [](const std::string& state) { return state == "completed"; }) &&
         only(record_.lines, [](const std::string& line) { return line == "found" || line == "duplicate"; }) &&
         only(record_.asked, was_taken_on) &&
         std::all_of(record_.batches.begin(), record_.batches.end(),
                     [](const auto& batch) { return batch.done && batch.missing == 0; });
}

std::string in_words(const std::map<std::string, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [what, count] : counts) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  return text.empty() ? "none" : text;
}

exit_code pull_run::conclude() {
  auto rows = listed_in(at_, "requests.list", "requests", "id", record_.requests);
  if (!rows) return at_.report(rows.error());
  std::map<std::string, std::uint64_t> states;
  table unfinished{{{"Request"}, {"Accession"}, {"State"}, {"Images", alignment::right}, {"Why"}}};
  std::size_t shown = 0;
  for (const auto& row : *rows) {
    const auto state = text_in(row, "state");
    ++states[state];
    if (state == "completed" || ++shown > most_shown) continue;
    const auto counts = row.value("counts", json::object());
    const auto why = text_in(row, "reason").empty() ? text_in(row, "error") : text_in(row, "reason");
    unfinished.add({text_in(row, "id"), text_in(row, "AccessionNumber"), cell{state, tint::bad},
                    text_in(counts, "received") + "/" + text_in(counts, "expected"), why});
  }
  if (rows->size() < record_.requests.size()) states["cleared from the list"] += record_.requests.size() - rows->size();
  record_.done = true;
  if (auto saved = save(); !saved) return at_.report(saved.error());
  std::uint64_t home = 0, missing = 0;
  for (const auto& batch : record_.batches) home += batch.images, missing += batch.missing;
  const bool whole = is_whole(states);
  if (at_.json)
    at_.show(json{{"done", true},
                  {"folder", home_.folder.string()},
                  {"complete", whole},
                  {"lines", record_.lines},
                  {"asked", record_.asked},
                  {"states", states},
                  {"images", home},
                  {"missing", missing},
                  {"batches", record_.batches.size()}});
  if (!unfinished.empty()) {
    at_.say("\nNot complete ('penstock requests show REQUEST' names what is missing, 'requests retry' tries again):");
    if (!at_.json) at_.show(unfinished);
  }
  at_.say("\nLines:    " + in_words(record_.lines) + "\nStudies:  " + in_words(record_.asked) +
          "\nRequests: " + in_words(states) + "\nHome:     " + images(home) + " in " + home_.folder.string() +
          (missing == 0 ? "" : "; " + images(missing) + " could not be sent"));
  return whole ? exit_code::ok : exit_code::not_everything_ok;
}

exit_code pull_run::stopped(const messages::failure& why) {
  const auto go_on = "penstock pull --resume " + home_.folder.string();
  if (!was_interrupted()) {
    const auto code = at_.report(why);
    at_.say("Nothing is lost; go on with: " + go_on);
    return code;
  }
  if (at_.json) at_.show(json{{"done", false}, {"detached", true}, {"folder", home_.folder.string()}});
  at_.say("\nDetached. The server goes on with what was asked for; come back with: " + go_on);
  return exit_code::interrupted;
}

}  // namespace

exit_code pull_to_end(context& at, pull_home& home, const json& cached_before) {
  pull_run run{at, home};
  auto done = run.settle_submissions();
  if (done) done = run.finish_open_batches();
  if (done) done = run.fetch_rest(cached_before);
  return done ? run.conclude() : run.stopped(done.error());
}

}  // namespace penstock::commands
