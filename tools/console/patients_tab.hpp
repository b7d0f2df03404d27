#pragma once
// Patients by MRN: a list is pasted or read from a file, PACS are chosen, and each line gets its outcome at each.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/console/found_patients.hpp"
#include "tools/console/search_tab.hpp"

namespace penstock::console {

/// From the tab where patients are chosen to the one that finds their studies.
using patients_on_their_way = std::optional<chosen_patients>;

class patients_tab : public search_tab {
 public:
  patients_tab(desk& at, std::string project, std::unique_ptr<found_patients> found,
               std::shared_ptr<patients_on_their_way> chosen);
  [[nodiscard]] std::string_view name() const override { return "Patients"; }
  [[nodiscard]] action shown_by() const override { return action::show_patients; }

 protected:
  void forget() override { found_->clear(); }
  void learn(const search_news& news) override { found_->learn(news, run().wish().lines, run().outcomes()); }
  void ask_for_numbers(const std::string& pasted) override;
  bool act_on_found(action what) override;
  void open_row(const std::string& id) override;
  [[nodiscard]] std::string empty_text() const override;
  [[nodiscard]] std::string more_summary() const override;
  [[nodiscard]] std::vector<std::pair<action, std::string>> buttons() const override;
  [[nodiscard]] std::string words_below() const override;

 private:
  [[nodiscard]] std::string begin_from(const std::vector<form_field>& form);
  void find_studies();

  std::unique_ptr<found_patients> found_;
  std::shared_ptr<patients_on_their_way> chosen_;
};

[[nodiscard]] std::vector<column_spec> patient_columns();
[[nodiscard]] role patient_look(std::size_t column, std::string_view value);

}  // namespace penstock::console
