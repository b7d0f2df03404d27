#include "tools/console/journal_tab.hpp"

#include <algorithm>
#include <sstream>

#include "tools/client/journal_proof.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/journal_words.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

using commands::array_in;
using commands::number_in;
using commands::text_in;
using nlohmann::json;

constexpr const char* news_timer = "journal news";
constexpr const char* older_timer = "journal older";

constexpr auto column(entry_value value) { return static_cast<std::size_t>(value); }

std::string time_shown(std::string_view time) { return commands::local_time(time); }

std::vector<std::string> values_of(const json& entry) {
  std::vector<std::string> values(column(entry_value::count));
  const auto set = [&](entry_value which, std::string text) { values[column(which)] = std::move(text); };
  set(entry_value::seq, text_in(entry, "seq"));
  set(entry_value::when, text_in(entry, "at"));
  set(entry_value::kind, text_in(entry, "kind"));
  set(entry_value::by, text_in(entry, "user"));
  set(entry_value::details, commands::details_in(entry));
  set(entry_value::names, commands::identifiers_in(entry));
  set(entry_value::project, text_in(entry, "project"));
  set(entry_value::pacs, text_in(entry, "pacs"));
  set(entry_value::request, text_in(entry, "request"));
  set(entry_value::whole, entry.dump(-1, ' ', false, json::error_handler_t::replace));
  return values;
}

role entry_look(std::size_t which, std::string_view value) {
  if (which != column(entry_value::kind)) return role::plain;
  return value.find("refused") == value.npos && value.find("failed") == value.npos ? role::plain : role::warning;
}

client::question site_question(const std::string& command, json args) { return {command, "", std::move(args), "", {}}; }

}  // namespace

std::vector<column_spec> entry_columns() {
  using enum value_kind;
  return {{"Entry", number, 7},
          {"When", time, 16, time_shown, true},
          {"Kind", text, 18, {}, true},
          {"By", text, 6, {}, true},
          {"Details", text, 24},
          {"Names", text, 24},
          {"Project", text, 12, {}, true},
          {"PACS", text, 10, {}, true},
          {"Request", text, 14}};
}

std::vector<std::string> conditions_in(const std::string& text) {
  std::istringstream words{text};
  std::vector<std::string> conditions;
  for (std::string word; words >> word;) conditions.push_back(word);
  return conditions;
}

std::vector<std::string> proof_words(const json& entry, const json& proof, const storage::tree_head& head,
                                     const std::optional<storage::tree_head>& before) {
  const auto refuted = [](const messages::failure& why) {
    return std::vector<std::string>{"NOT verified: " + why.context};
  };
  if (auto good = client::check_inclusion(proof, number_in(entry, "seq"), head); !good) return refuted(good.error());
  if (auto good = client::check_listed(entry, proof); !good) return refuted(good.error());
  std::vector<std::string> words{"verified: one of the " + std::to_string(head.size) +
                                 " entries that the checkpoint has signed"};
  if (!before) return words;
  if (auto good = client::check_consistency(proof, *before, head); !good) return refuted(good.error());
  words.push_back("they go on from the " + std::to_string(before->size) + " entries checked before");
  return words;
}

journal_tab::journal_tab(desk& at) : list_tab(at, place::journal, journal_rows::entries, entry_columns(), entry_look) {
  table().view().sort_by(column(entry_value::seq), true);
  at.follow("audit", [this](const client::topic_event& event) {
    if (event.kind == client::event_kind::revoked) problem_ = "you may no longer see the journal";
    size_ = std::max(size_, event.sequence);
    if (seen_) this->at().later(news_timer, news_pause, [this] { read_news("", 0); });
  });
}

// ---- reading ----

void journal_tab::opened() {
  if (!begun_) return begin_anew();
  if (size_ > newest_) read_news("", 0);
}

void journal_tab::refresh() {
  if (!begun_ && !asked_) begin_anew();
  list_tab::refresh();
}

void journal_tab::begin_anew() {
  ++beginnings_;
  begun_ = asked_ = asked_news_ = full_ = false;
  pages_for_a_key_ = 0;
  next_.clear();
  read_older();
}

void journal_tab::ask_journal(json args, const std::string& cursor, desk::answer_handler then) {
  args["filter"] = filter_;
  args["limit"] = page_entries;
  if (!cursor.empty()) args["cursor"] = cursor;
  at().ask(site_question("audit.list", std::move(args)),
           [this, then = std::move(then), of = beginnings_](const messages::result<json>& page) {
             if (of == beginnings_) then(page);
           });
}

/// Somebody is near the end of what was read, and sees all of it.
bool journal_tab::wants_older() const {
  if (!begun_ || asked_ || full_ || next_.empty() || !problem_.empty()) return false;
  if (pages_for_a_key_ >= most_pages_for_a_key || !table().view().filter().empty()) return false;
  const auto position = table().view().position_of(table().cursor_id()).value_or(0);
  return position + near_the_end >= table().view().order().size();
}

void journal_tab::read_older() {
  if (asked_ || (begun_ && next_.empty())) return;
  asked_ = true;
  ++pages_for_a_key_;
  ask_journal(json::object(), next_, [this](const messages::result<json>& page) { learn_older(page); });
}

void journal_tab::learn_older(const messages::result<json>& page) {
  asked_ = false;
  problem_ = page ? "" : page.error().context;
  if (!page) return;
  if (!begun_) {
    journal_rows::entries.clear();
    newest_ = number_in(*page, "size");
  }
  begun_ = true;
  next_ = text_in(*page, "next");
  put_entries(*page);
  look_again_later();
}

void journal_tab::put_entries(const json& page) {
  seen_ = false;
  size_ = std::max(size_, number_in(page, "size"));
  for (const auto& entry : array_in(page, "entries"))
    if (entry.is_object() && !journal_rows::entries.put(text_in(entry, "seq"), values_of(entry))) full_ = true;
}

void journal_tab::look_again_later() {
  at().later(news_timer, news_interval, [this] {
    if (seen_) read_news("", 0);
  });
}

void journal_tab::read_news(const std::string& cursor, std::uint64_t reached) {
  if (!begun_ || asked_news_) return;
  asked_news_ = true;
  ask_journal(json{{"after", newest_}}, cursor,
              [this, reached](const messages::result<json>& page) { learn_news(page, reached); });
}

void journal_tab::learn_news(const messages::result<json>& page, std::uint64_t reached) {
  asked_news_ = false;
  look_again_later();
  if (!page) return;
  put_entries(*page);
  if (reached == 0) reached = number_in(*page, "size");
  const auto next = text_in(*page, "next");
  if (!next.empty()) return read_news(next, reached);
  newest_ = reached;
}

// ---- what is shown ----

void journal_tab::draw(canvas& on, const rect& where) {
  seen_ = true;
  list_tab::draw(on, where);
  if (wants_older())
    at().later(older_timer, std::chrono::milliseconds{0}, [this] {
      if (wants_older()) read_older();
    });
}

std::string journal_tab::empty_text() const {
  if (!problem_.empty()) return "The journal could not be read: " + problem_;
  if (!next_.empty()) return "Nothing was found yet; m looks further back.";
  return filter_.empty() ? "The journal is empty." : "The journal has no such entries; F looks for others.";
}

std::string journal_tab::more_summary() const {
  auto text = "of " + std::to_string(size_) + " in the journal";
  if (!conditions_.empty()) text += ", looking for " + conditions_;
  if (full_) return text + "; no room for more: look for less with F";
  if (!problem_.empty()) return text + "; not read: " + problem_;
  if (!next_.empty()) text += "; m reads older";
  return text;
}

bool journal_tab::act(action what) {
  pages_for_a_key_ = 0;
  problem_.clear();
  return list_tab::act(what);
}

bool journal_tab::act_on_rows(action what) {
  switch (what) {
    case action::look_for_entries:
      ask_what_to_look_for();
      return true;
    case action::read_older:
      if (next_.empty()) at().say("all entries were read");
      read_older();
      return true;
    case action::refresh:
      begin_anew();
      return true;
    default:
      return false;
  }
}

void journal_tab::ask_what_to_look_for() {
  text_field field;
  field.set_text(conditions_);
  at().lay_over(std::make_unique<text_box>(
      "Look for entries", "such as kind~request.* by=amy project=alz-brain when=2026-11-01..", std::move(field),
      [this](const std::string& conditions) { look_for(conditions); }, false));
}

void journal_tab::look_for(const std::string& conditions) {
  auto filter = commands::parse_where(conditions_in(conditions), commands::journal_columns());
  if (!filter) return at().say(filter.error().context, role::bad);
  filter_ = std::move(*filter);
  conditions_ = conditions;
  begin_anew();
}

// ---- proofs ----

void journal_tab::open_row(const std::string& id) {
  const auto row = journal_rows::entries.find(id);
  if (!row) return;
  const auto whole = journal_rows::entries.value(*row, column(entry_value::whole));
  check_entry(json::parse(whole, nullptr, /*allow_exceptions=*/false));
}

void journal_tab::check_entry(const json& entry) {
  at().say("asking for the proof…", role::busy);
  at().ask(site_question("audit.checkpoint", json::object()), [this, entry](const messages::result<json>& checkpoint) {
    const auto head = checkpoint ? client::head_in(*checkpoint) : checkpoint.error();
    if (!head) return show_entry(entry, {"not verified: " + head.error().context});
    ask_for_proof(entry, *head);
  });
}

void journal_tab::ask_for_proof(const json& entry, const storage::tree_head& head) {
  json args{{"seq", number_in(entry, "seq")}, {"size", head.size}};
  const bool goes_on = proven_ && proven_->size > 0 && proven_->size <= head.size;
  if (goes_on) args["old_size"] = proven_->size;
  at().ask(site_question("audit.proof", std::move(args)), [this, entry, head](const messages::result<json>& proof) {
    if (!proof) return show_entry(entry, {"not verified: " + proof.error().context});
    const auto words = proof_words(entry, *proof, head, proven_);
    if (words.front().starts_with("verified")) proven_ = head;
    show_entry(entry, words);
  });
}

void journal_tab::show_entry(const json& entry, const std::vector<std::string>& verdict) {
  at().say("");
  if (at().covered()) return;
  auto lines = commands::entry_lines(entry);
  lines.emplace_back();
  lines.insert(lines.end(), verdict.begin(), verdict.end());
  at().lay_over(std::make_unique<fact_box>("Entry " + text_in(entry, "seq"), lines));
}

}  // namespace penstock::console
