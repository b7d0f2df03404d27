#pragma once
// What the project has asked for: states with reason, position, estimate and progress, live.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/console/list_tab.hpp"
#include "tools/console/live.hpp"

namespace penstock::console {

class requests_tab : public list_tab {
 public:
  requests_tab(desk& at, live_project& project);
  [[nodiscard]] std::string_view name() const override { return "Requests"; }
  [[nodiscard]] action shown_by() const override { return action::show_requests; }

 protected:
  bool act_on_rows(action what) override;
  void open_row(const std::string& id) override;
  [[nodiscard]] std::string empty_text() const override;
  [[nodiscard]] bool reading() const override { return project_.reading(listing::requests); }
  [[nodiscard]] std::string more_summary() const override;

 private:
  void ask_to_cancel();
  void ask_to_clear();
  void move_priority(bool higher);
  void change(const std::string& command, const std::string& done, const nlohmann::json& more = {});

  live_project& project_;
};

[[nodiscard]] std::vector<column_spec> request_columns();
[[nodiscard]] role request_look(std::size_t column, std::string_view value);
/// "2 processing, 30 scheduled": all of them, whatever is filtered. The store must count states.
[[nodiscard]] std::string states_of(const row_store& requests);
/// An answer of `requests.show` as lines: facts, history, missing instances.
[[nodiscard]] std::vector<std::string> request_details(const nlohmann::json& answer);
/// The priority after or before; itself at the end.
[[nodiscard]] std::string other_priority(std::string_view priority, bool higher);

}  // namespace penstock::console
