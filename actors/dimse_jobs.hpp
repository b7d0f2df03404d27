#pragma once
// Jobs for `penstock-dimse` children from the rules and a command, and what their answers mean. Pure.

#include <string>
#include <vector>

#include "actors/retrieval_plan.hpp"
#include "conf/rules.hpp"
#include "messages/associations.hpp"
#include "messages/dimse.hpp"
#include "messages/retrievals.hpp"

namespace penstock::actors {

/// IMAGE rows taken of one series.
inline constexpr std::uint32_t most_instances_of_a_series = 20'000;

[[nodiscard]] messages::dimse_peer peer_of(const conf::pacs& pacs);
[[nodiscard]] messages::find_job find_job_for(const conf::pacs& pacs, std::vector<messages::find_query> queries);
[[nodiscard]] messages::move_job move_job_for(const conf::pacs& pacs, const messages::dicom_uid& study,
                                              const retrieval_plan& plan);

[[nodiscard]] messages::find_query series_query(const messages::dicom_uid& study);
[[nodiscard]] messages::find_query image_query(const messages::dicom_uid& study, const messages::dicom_uid& series);

/// The series of an answer that were asked for, with their modalities.
[[nodiscard]] messages::series_listed series_of(const messages::query_answered& answer,
                                                const messages::list_series& what);
void add_instances(const messages::query_answered& answer, const messages::dicom_uid& series,
                   messages::images_listed& found);

/// "0xA801".
[[nodiscard]] std::string hex_status(std::uint32_t status);

/// What is said of a retrieval of which nothing went to the PACS.
[[nodiscard]] messages::study_settled never_sent(const messages::retrieve_study& command, std::string why);

}  // namespace penstock::actors
