#pragma once
// What the database library says went wrong, as a failure of ours.

#include <string>

#include "messages/result.hpp"

namespace rocksdb {
class Status;
}

namespace penstock::storage {

/// `status` is not ok. corrupt, also when a file is gone; no_space; held_by_another when a lock is held; not_found;
/// io_error; else internal.
[[nodiscard]] messages::failure failed_with(const rocksdb::Status& status, const std::string& operation);

}  // namespace penstock::storage
