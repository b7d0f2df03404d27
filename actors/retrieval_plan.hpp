#pragma once
// What one C-MOVE or C-GET asks for, of a study of which something is lacking. Pure.

#include <vector>

#include "messages/requests.hpp"

namespace penstock::actors {

struct retrieval_plan {
  messages::retrieve_level level = messages::retrieve_level::study;
  std::vector<messages::dicom_uid> series;     ///< at SERIES level those to send, at IMAGE level the one of `instances`
  std::vector<messages::dicom_uid> instances;  ///< at IMAGE level those to send
  std::vector<messages::dicom_uid> asked;      ///< of what is lacking: what comes when the PACS sends what it is asked
};

/// Nothing that is here already is asked for again, as far as the PACS lets us: the whole study when all of it lacks,
/// else the series that lack as a whole, else what one series lacks. What then still lacks is for the next retrieval,
/// under a permit of its own. `finest` is the finest level that the PACS is known not to refuse. Without `expected`,
/// what the study holds is not known, and all of it is asked for. `chosen`: the series that the request is about;
/// empty for the whole study.
[[nodiscard]] retrieval_plan plan_retrieval(const messages::instance_list& expected,
                                            const std::vector<messages::dicom_uid>& lacking,
                                            const std::vector<messages::dicom_uid>& chosen,
                                            messages::retrieve_level finest);

}  // namespace penstock::actors
