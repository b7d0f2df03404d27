#pragma once
// Studies of chosen patients, or of accession numbers: what they are, whether the project has them, and asking for
// them.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tools/console/found_studies.hpp"
#include "tools/console/patients_tab.hpp"
#include "tools/console/search_tab.hpp"

namespace penstock::console {

class studies_tab : public search_tab {
 public:
  studies_tab(desk& at, const live_project& project, std::unique_ptr<found_studies> found,
              std::shared_ptr<patients_on_their_way> chosen);
  [[nodiscard]] std::string_view name() const override { return "Studies"; }
  [[nodiscard]] action shown_by() const override { return action::show_studies; }
  void opened() override;
  void refresh() override;

 protected:
  void forget() override { found_->clear(); }
  void learn(const search_news& news) override { found_->learn(news); }
  void ask_for_numbers(const std::string& pasted) override;
  bool act_on_found(action what) override;
  void open_row(const std::string& id) override;
  [[nodiscard]] std::string empty_text() const override;
  [[nodiscard]] std::string more_summary() const override;
  [[nodiscard]] std::vector<std::pair<action, std::string>> buttons() const override;
  [[nodiscard]] std::string words_below() const override;

 private:
  void ask_for_limits(chosen_patients of);
  [[nodiscard]] std::string begin_patients(const chosen_patients& of, const std::vector<form_field>& form);
  [[nodiscard]] std::string begin_accessions(const std::vector<form_field>& form);
  void ask_to_request();
  void request(const std::vector<std::string>& ids, const std::string& priority);
  void send_next_part();
  void learn_part(const std::vector<std::string>& part, const messages::result<nlohmann::json>& answer);

  const live_project& project_;
  std::unique_ptr<found_studies> found_;
  std::shared_ptr<patients_on_their_way> chosen_;
  /// What is still to be sent of a large wish: one question after the other.
  std::deque<std::vector<std::string>> parts_;
  std::string priority_ = "normal";
  std::size_t asked_ = 0;
  std::size_t taken_ = 0;
};

[[nodiscard]] std::vector<column_spec> study_columns();
[[nodiscard]] role study_look(std::size_t column, std::string_view value);
/// What is asked before studies are requested: how many, how large, what is left, what is there already.
[[nodiscard]] std::vector<std::string> request_lines(const request_plan& plan, std::size_t hidden);

}  // namespace penstock::console
