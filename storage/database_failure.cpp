#include "storage/database_failure.hpp"

#include <rocksdb/status.h>

namespace penstock::storage {

using messages::errc;

namespace {

errc code_of(const rocksdb::Status& status) {
  if (status.IsCorruption() || status.IsPathNotFound()) return errc::corrupt;
  if (status.IsNoSpace()) return errc::no_space;
  if (status.IsNotFound()) return errc::not_found;
  if (status.IsIOError() && status.ToString().find("/LOCK: ") != std::string::npos) return errc::held_by_another;
  if (status.IsIOError() || status.IsTimedOut() || status.IsBusy()) return errc::io_error;
  return errc::internal;
}

}  // namespace

messages::failure failed_with(const rocksdb::Status& status, const std::string& operation) {
  return messages::fail(code_of(status), operation + ": " + status.ToString());
}

}  // namespace penstock::storage
