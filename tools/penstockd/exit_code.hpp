#pragma once
// How penstockd ends, for whoever starts it again.

namespace penstock::server {

enum exit_code : int {
  stopped = 0,              ///< told to stop, and did
  failed = 1,               ///< an unexpected fault
  bad_configuration = 2,    ///< settings, rules or key: starting again will not help until they are mended
  cannot_start = 3,         ///< port in use, state directory held by another server, disk full
  state_damaged = 4,        ///< the core database is damaged or was rolled back: an administrator must look
  journal_failed = 5,       ///< the journal could not write: start again, what was acknowledged is there
  did_not_drain = 6         ///< told to stop, but something hung; the journal is closed cleanly
};

}  // namespace penstock::server
