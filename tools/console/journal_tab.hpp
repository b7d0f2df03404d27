#pragma once
// For auditors: the journal, the newest entry first, read as far as somebody looks; each with the proof that it is
// there and was not changed, checked here.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "storage/checkpoint.hpp"
#include "tools/console/list_tab.hpp"

namespace penstock::console {

/// Columns of the store of entries.
enum class entry_value : std::size_t { seq, when, kind, by, details, names, project, pacs, request, whole, count };

/// What was read, newest to oldest; it is there before the table that shows it.
struct journal_rows {
  row_store entries{static_cast<std::size_t>(entry_value::count)};
};

class journal_tab : private journal_rows, public list_tab {
 public:
  static constexpr std::uint64_t page_entries = 500;
  /// So near to the oldest entry that was read, older ones are asked for.
  static constexpr std::size_t near_the_end = 100;
  /// What is new is asked for so soon after it was told; and, while somebody looks, so often: a connection may have
  /// been lost meanwhile.
  static constexpr std::chrono::milliseconds news_pause{700};
  static constexpr std::chrono::milliseconds news_interval{10'000};
  /// Pages that are read for one key, so that looking for what is rare ends.
  static constexpr int most_pages_for_a_key = 20;

  explicit journal_tab(desk& at);
  [[nodiscard]] std::string_view name() const override { return "Journal"; }
  [[nodiscard]] action shown_by() const override { return action::show_journal; }
  void opened() override;
  void refresh() override;
  void draw(canvas& on, const rect& where) override;
  bool act(action what) override;

 protected:
  bool act_on_rows(action what) override;
  void open_row(const std::string& id) override;
  [[nodiscard]] std::string empty_text() const override;
  [[nodiscard]] bool reading() const override { return asked_; }
  [[nodiscard]] std::string more_summary() const override;

 private:
  void begin_anew();
  [[nodiscard]] bool wants_older() const;
  void read_older();
  void learn_older(const messages::result<nlohmann::json>& page);
  /// `reached`: how far the journal had come when the first page of the news was made; 0 for that page.
  void read_news(const std::string& cursor, std::uint64_t reached);
  void learn_news(const messages::result<nlohmann::json>& page, std::uint64_t reached);
  void put_entries(const nlohmann::json& page);
  void look_again_later();
  void ask_journal(nlohmann::json args, const std::string& cursor, desk::answer_handler then);
  void ask_what_to_look_for();
  void look_for(const std::string& conditions);
  void check_entry(const nlohmann::json& entry);
  void ask_for_proof(const nlohmann::json& entry, const storage::tree_head& head);
  void show_entry(const nlohmann::json& entry, const std::vector<std::string>& verdict);

  std::string conditions_;
  nlohmann::json filter_ = nlohmann::json::object();
  std::string next_;          ///< where older entries begin; empty: all were read
  std::uint64_t size_ = 0;    ///< of the journal, as far as known
  std::uint64_t newest_ = 0;  ///< up to this one all were looked at
  bool begun_ = false;
  bool asked_ = false;
  bool asked_news_ = false;
  bool seen_ = false;  ///< drawn since something was read
  bool full_ = false;  ///< there is room for no further entry
  int pages_for_a_key_ = 0;
  std::uint64_t beginnings_ = 0;  ///< answers to questions of an earlier one are passed over
  std::string problem_;
  std::optional<storage::tree_head> proven_;  ///< the newest tree that was checked: the next must go on from it
};

[[nodiscard]] std::vector<column_spec> entry_columns();
/// "kind~request.* by=amy when=2026-11-01.." as conditions.
[[nodiscard]] std::vector<std::string> conditions_in(const std::string& text);
/// In lines, what a proof says of an entry: "verified: ..." or "NOT verified: ...".
[[nodiscard]] std::vector<std::string> proof_words(const nlohmann::json& entry, const nlohmann::json& proof,
                                                   const storage::tree_head& head,
                                                   const std::optional<storage::tree_head>& before);

}  // namespace penstock::console
