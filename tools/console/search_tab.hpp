#pragma once
// A table that a search of the server fills: how it fares stands above it.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tools/console/list_tab.hpp"
#include "tools/console/search_form.hpp"
#include "tools/console/search_run.hpp"

namespace penstock::console {

class search_tab : public list_tab {
 public:
  static constexpr std::size_t most_outcome_lines = 2'000;

  search_tab(desk& at, place kind, const row_store& rows, std::vector<column_spec> columns,
             data_table::cell_look look_of, std::string project);
  void draw(canvas& on, const rect& where) override;
  void refresh() override;
  void paste(const std::string& text) override;

 protected:
  /// Nothing is known any more.
  virtual void forget() = 0;
  virtual void learn(const search_news& news) = 0;
  /// The form with numbers that were pasted, if any.
  virtual void ask_for_numbers(const std::string& pasted) = 0;
  /// What is done with rows that were found; false when the action is none of its.
  virtual bool act_on_found(action what) = 0;
  /// What has a button, and its words.
  [[nodiscard]] virtual std::vector<std::pair<action, std::string>> buttons() const = 0;
  /// Beside the buttons.
  [[nodiscard]] virtual std::string words_below() const = 0;
  bool act_on_rows(action what) final;
  [[nodiscard]] bool reading() const override { return false; }

  [[nodiscard]] const std::string& project() const { return project_; }
  [[nodiscard]] const search_run& run() const { return run_; }
  /// In the place of the search before.
  void begin(search_wish wish);
  /// `then` gets the PACS that the project may ask, as they are now; the person is told when they cannot be read.
  void with_pacs(std::function<void(std::vector<form_option>)> then);
  /// The PACS chosen in a form, which are remembered; empty when none is.
  [[nodiscard]] std::vector<std::string> take_pacs(const form_field& field);

 private:
  void go_on();
  void send(const search_run::step& step);
  void abandon(const messages::result<nlohmann::json>& begun);
  void cancel();
  void search_again();
  int draw_buttons(canvas& on, int right, int y);

  std::string project_;
  search_run run_;
  std::size_t generation_ = 0;  ///< answers to an earlier search are not for this one
  std::set<std::string> left_out_;
};

}  // namespace penstock::console
