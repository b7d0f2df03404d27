#pragma once
// What a person is asked before a search: which numbers, at which PACS, with which limits.

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "tools/console/form_box.hpp"
#include "tools/console/search_run.hpp"

namespace penstock::console {

/// The PACS that the project may ask, by institution and department, each with its state in words. `greeting` and
/// `listed` are the answers of `hello` and `pacs.list`; all are chosen but those in `left_out`.
[[nodiscard]] std::vector<form_option> pacs_options(const nlohmann::json& greeting, const nlohmann::json& listed,
                                                    const std::string& project, const std::set<std::string>& left_out);

[[nodiscard]] form_field numbers_field(const std::string& title, const std::string& pasted);
[[nodiscard]] form_field file_field();
[[nodiscard]] form_field pacs_field(std::vector<form_option> options);
[[nodiscard]] form_field modality_field();
[[nodiscard]] form_field date_field();

/// The lines that were pasted, or those of the file that was named; errc::bad_request in words for the form.
[[nodiscard]] messages::result<std::vector<std::string>> numbers_of(const form_field& pasted, const form_field& file,
                                                                    const std::vector<std::string>& headings);
/// `modalities` and `study_date` as `studies.find` wants them.
[[nodiscard]] messages::result<nlohmann::json> limits_of(const form_field& modality, const form_field& date);
/// Every line at each of these PACS.
[[nodiscard]] lines_by_pacs at_each(const std::vector<std::string>& pacs, std::size_t lines);

}  // namespace penstock::console
