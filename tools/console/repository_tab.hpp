#pragma once
// What the project has: the studies in the cache, and the quota with what is chosen and what is queued.

#include <string>
#include <vector>

#include "tools/console/bars.hpp"
#include "tools/console/list_tab.hpp"
#include "tools/console/live.hpp"
#include "tools/console/local_side.hpp"

namespace penstock::console {

class repository_tab : public list_tab {
 public:
  repository_tab(desk& at, live_project& project, local_side& local);
  [[nodiscard]] std::string_view name() const override { return "Repository"; }
  [[nodiscard]] action shown_by() const override { return action::show_repository; }
  void draw(canvas& on, const rect& where) override;

 protected:
  bool act_on_rows(action what) override;
  void open_row(const std::string& id) override;
  [[nodiscard]] std::string empty_text() const override;
  [[nodiscard]] bool reading() const override { return project_.reading(listing::holdings); }
  [[nodiscard]] std::string more_summary() const override { return summary_of(local_.transfers); }

 private:
  void ask_to_delete();
  void ask_to_take_home();
  void ask_for_numbers();
  void filter_numbers(const std::string& pasted);

  live_project& project_;
  local_side& local_;
};

[[nodiscard]] std::vector<column_spec> repository_columns();
[[nodiscard]] role repository_look(std::size_t column, std::string_view value);
/// Bytes of these studies.
[[nodiscard]] std::uint64_t bytes_of(const row_store& holdings, const std::vector<std::string>& studies);
/// What is asked before these studies are given up: how many, how large, of how many patients, and which.
[[nodiscard]] std::vector<std::string> deletion_lines(const row_store& holdings,
                                                      const std::vector<std::string>& studies, std::size_t hidden);
/// All that is known of one study.
[[nodiscard]] std::vector<std::string> holding_details(const row_store& holdings, const std::string& study);

}  // namespace penstock::console
