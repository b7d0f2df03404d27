#pragma once
// Between the queues, the searches and the governor of a PACS. The governor never asks and never waits.

#include <cstdint>
#include <string>
#include <vector>

#include "messages/fields.hpp"
#include "messages/journal.hpp"

namespace penstock::messages {

/// From a queue when the number of requests it could start at this PACS changes between none and some. Zero takes the
/// project out of the round.
struct work_waiting {
  std::string project;
  std::uint32_t weight = 1;
  std::uint64_t ready = 0;    ///< prepared and allowed to start
  std::uint64_t waiting = 0;  ///< all that are scheduled here
  PENSTOCK_FIELDS(project, weight, ready, waiting);
};

/// One retrieval may be made ready: its place is kept, nothing is counted yet. The queue has its association set up,
/// which may take long, and then claims the permit; or it answers that it will not start.
struct permit_offered {
  std::uint64_t permit = 0;
  std::string pacs;
  PENSTOCK_FIELDS(permit, pacs);
};

/// All is ready to send: stamp the permit now, by the rules as they are now. Refused when they no longer allow it; the
/// place is free again then.
struct claim_permit {
  std::uint64_t permit = 0;
  PENSTOCK_FIELDS(permit);
};

/// The right to send one C-MOVE-RQ before `send_before_boottime_ns` (CLOCK_BOOTTIME). `rows` must be committed with the
/// entry that records the start: they carry the stamp of the sliding log and the lease.
struct permit_granted {
  std::uint64_t permit = 0;
  std::string pacs;
  std::int64_t send_before_boottime_ns = 0;
  std::vector<state_row> rows;
  PENSTOCK_FIELDS(permit, pacs, send_before_boottime_ns, rows);
};

/// The queue's word on a permit: `started` after its entry is durable, else it was not used and the stamp is free
/// again.
struct permit_answered {
  std::uint64_t permit = 0;
  bool started = false;
  PENSTOCK_FIELDS(permit, started);
};

/// What a retrieval that is over says of its PACS.
enum class retrieval_end : std::uint8_t {
  nothing,  ///< stopped, never sent, or nobody knows
  well,     ///< the PACS sent what it was asked for
  failed,
  misconfigured  ///< no retrieval can succeed until a person has mended something
};

/// The retrieval under this permit is over; its lease row was erased with the entry that said so. Not `known`: whoever
/// ran it is gone, and the PACS may still be sending; the lease stays until nothing has arrived for `lease_quiet`.
struct retrieval_over {
  std::uint64_t permit = 0;
  bool known = true;
  retrieval_end end = retrieval_end::nothing;
  std::string problem;  ///< for people, without identifiers
  PENSTOCK_FIELDS(permit, known, end, problem);
};

/// From the governor: all retrievals at this PACS end now. What they fetched is kept, and their requests go back in
/// line.
struct stop_retrievals {
  std::string why;
  PENSTOCK_FIELDS(why);
};

struct retrievals_stopped {
  std::uint64_t retrievals = 0;
  PENSTOCK_FIELDS(retrievals);
};

/// The association says of a running retrieval, every few seconds, that it is not a leftover.
struct retrieval_alive {
  std::uint64_t permit = 0;
  PENSTOCK_FIELDS(permit);
};

enum class query_purpose : std::uint8_t { search, enumeration };

/// So many C-FIND-RQ wanted, under `find_per_minute` or `enumerate_per_minute`. Granted in order of arrival per
/// project, in turn over projects.
struct query_wanted {
  std::uint64_t ticket = 0;
  std::string project;
  query_purpose purpose = query_purpose::search;
  std::uint32_t queries = 1;
  PENSTOCK_FIELDS(ticket, project, purpose, queries);
};

/// `queries` C-FIND-RQ may go out now: as many as wanted, or fewer where the limit is lower than that. `rows` go into
/// the entry that records them.
struct query_granted {
  std::uint64_t ticket = 0;
  std::string pacs;
  std::uint32_t queries = 1;
  std::vector<state_row> rows;
  PENSTOCK_FIELDS(ticket, pacs, queries, rows);
};

/// The positions of a line after those of the step before, up to `starts`, start within [earliest_us, latest_us].
struct forecast_step {
  std::uint64_t starts = 0;
  std::int64_t earliest_us = 0;
  std::int64_t latest_us = 0;
  PENSTOCK_FIELDS(starts, earliest_us, latest_us);
};

/// When a project's line at a PACS moves, by the rules and the queues as they are now. Without steps nothing is known.
struct line_forecast {
  std::vector<forecast_step> steps;
  std::int64_t later_than_us = 0;  ///< beyond the last step: what starts at all starts after this
  std::string never;               ///< beyond the last step nothing starts; what must happen first, in words
  PENSTOCK_FIELDS(steps, later_than_us, never);
};

/// Sent to every queue with work at this PACS whenever the answer to "why not now" changes, and now and then with a
/// new forecast.
struct governor_outlook {
  std::string pacs;
  std::string reason;  ///< in words, empty when a permit may come at once
  std::int64_t until_us = 0;
  line_forecast forecast;  ///< of the project that is told
  PENSTOCK_FIELDS(pacs, reason, until_us, forecast);
};

/// What the association saw of the PACS: answers to anything, or no answer.
struct pacs_reachability {
  std::string pacs;
  bool reachable = true;
  std::string problem;
  PENSTOCK_FIELDS(pacs, reachable, problem);
};

/// `projects` limits what is counted under "waiting"; an admin (`all_projects`) sees every project.
struct describe_governor {
  std::vector<std::string> projects;
  bool all_projects = false;
  PENSTOCK_FIELDS(projects, all_projects);
};

}  // namespace penstock::messages
