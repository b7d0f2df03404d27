#pragma once
// Identifiers of queries and retrievals: ours as DCMTK data sets, the peer's rows as text.

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>

#include <memory>
#include <string>
#include <vector>

#include "messages/dimse.hpp"

namespace penstock::dimse {

constexpr std::size_t longest_row_value_bytes = 4096;
constexpr std::size_t longest_row_bytes = std::size_t{48} << 10;
constexpr std::size_t most_row_attributes = 128;

/// Always asks in ISO_IR 192, for some archives drop what their default set cannot hold. Null when the data dictionary
/// does not know a key.
[[nodiscard]] std::unique_ptr<DcmDataset> find_identifier(const messages::find_query& query);

/// STUDY, SERIES or IMAGE level, by what the job names.
[[nodiscard]] std::unique_ptr<DcmDataset> move_identifier(const messages::move_job& job);

/// The top-level values of a row as UTF-8; binary values and sequences are left out. Bounded: what is over is cut and
/// the row says that it is not whole.
[[nodiscard]] messages::find_row row_of(DcmDataset& dataset, std::uint32_t query, const std::string& default_charset);

/// Of the last response to a C-MOVE (0008,0058), at most most_dimse_uids.
[[nodiscard]] std::vector<messages::dicom_uid> failed_uids_of(DcmDataset& dataset);

}  // namespace penstock::dimse
