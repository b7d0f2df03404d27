#pragma once
// The cast: every actor of the server, what it is asked and what it is told. Read this first.
//
//   people -> command_gateway -> project_queue ----> audit_journal -> events -> people
//                             -> project_search -^        ^
//                                   |   |                 |
//                              governor_clock         (everybody who decides something)
//                                   |
//                             pacs_association -> dimse_port (children) -> PACS
//                                   |          <- dicom_listener (children) <- PACS
//                              cache_shard -> download gateway -> people
//
// A request has a deadline and an error handler wherever it is made. Bytes of images never travel in messages.

#include <caf/fwd.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include "messages/administration.hpp"
#include "messages/associations.hpp"
#include "messages/audit.hpp"
#include "messages/cache_check.hpp"
#include "messages/commands.hpp"
#include "messages/errc.hpp"
#include "messages/holdings.hpp"
#include "messages/ids.hpp"
#include "messages/journal.hpp"
#include "messages/lifecycle.hpp"
#include "messages/listings.hpp"
#include "messages/permits.hpp"
#include "messages/requests.hpp"
#include "messages/retrievals.hpp"

namespace penstock::messages {

/// Whoever follows the committed events and the transient ones; the control gateway is one.
using event_sink_actor = caf::typed_actor<
    /// Events that are durable, in order, each topic without a gap.
    caf::reacts_to<events_committed>,
    /// Worth showing now; may be dropped.
    caf::reacts_to<transient_event>,
    /// Who may see what, from now on.
    caf::reacts_to<rules_published>>;

/// The heart: orders everything, makes it durable, acknowledges. The only writer of the core database.
using audit_journal_actor = caf::typed_actor<
    /// Commit these entries with their rows and events, or none of them.
    caf::replies_to<append_entries>::with<entries_committed>,
    /// A writer starts; from now on only its new generation may append.
    caf::replies_to<enrol_writer>::with<writer_enrolled>,
    /// The sender wants every committed event from now on.
    caf::reacts_to<follow_events>,
    /// What the journal holds, as JSON.
    caf::replies_to<describe_actor>::with<answered>,
    caf::reacts_to<commit_group>,
    /// Write the fence; forget operations that are older than a day.
    caf::reacts_to<tick>>;

/// One per project: its requests and holdings; admission, order, retry and end states.
using project_queue_actor = caf::typed_actor<
    caf::replies_to<submit_requests>::with<answered>,
    caf::replies_to<cancel_requests>::with<answered>,
    caf::replies_to<prioritise_requests>::with<answered>,
    caf::replies_to<retry_requests>::with<answered>,
    caf::replies_to<delete_requests>::with<answered>,
    caf::replies_to<delete_holdings>::with<answered>,
    caf::replies_to<purge_holdings>::with<answered>,
    /// May this user take these studies out, or go on with a download, and which instances are they?
    caf::replies_to<authorise_download>::with<download_authorised>,
    /// This is what will leave. Journaled before it is answered.
    caf::replies_to<record_download>::with<download_recorded>,
    caf::reacts_to<download_ended>,
    caf::replies_to<note_export>::with<answered>,
    caf::replies_to<list_requests>::with<answered>,
    caf::replies_to<show_request>::with<answered>,
    caf::replies_to<describe_usage>::with<answered>,
    /// The governor has a place for one more retrieval.
    caf::reacts_to<permit_offered>,
    /// The governor lets one enumeration or verification go out now.
    caf::reacts_to<query_granted>,
    /// Why no permit comes now.
    caf::reacts_to<governor_outlook>,
    caf::reacts_to<rules_published>,
    /// The holding is given up, its request has failed with `cache_lost`, and a retry fetches the study again.
    caf::reacts_to<holding_damaged>,
    /// What proposed rules would stop and suspend, as JSON.
    caf::replies_to<weigh_rules>::with<answered>,
    caf::replies_to<describe_actor>::with<answered>,
    /// Retries whose time has come, expiry, a look at the quota.
    caf::reacts_to<tick>>;

/// One per project: its searches, durable and paged, and the verified answers that admission rests on.
using project_search_actor = caf::typed_actor<
    caf::replies_to<find_patients>::with<answered>,
    caf::replies_to<find_studies>::with<answered>,
    caf::replies_to<find_series>::with<answered>,
    caf::replies_to<read_search>::with<answered>,
    caf::replies_to<cancel_search>::with<answered>,
    caf::reacts_to<query_granted>,
    caf::reacts_to<rules_published>,
    caf::replies_to<describe_actor>::with<answered>,
    caf::reacts_to<tick>>;

/// Whoever waits for the governor to let a query out: queues and searches.
using query_asker_actor = caf::typed_actor<caf::reacts_to<query_granted>>;

/// One per PACS: when a retrieval or a query may start, and for which project.
using governor_clock_actor = caf::typed_actor<
    caf::reacts_to<work_waiting>,
    caf::replies_to<claim_permit>::with<permit_granted>,
    caf::reacts_to<permit_answered>,
    caf::reacts_to<retrieval_over>,
    caf::reacts_to<retrieval_alive>,
    caf::reacts_to<query_wanted>,
    caf::reacts_to<pacs_reachability>,
    /// The object of `governor.status` for this PACS.
    caf::replies_to<describe_governor>::with<answered>,
    caf::replies_to<simulate_governor>::with<answered>,
    /// Acts first and is journaled at once after.
    caf::replies_to<pause_starts>::with<answered>,
    /// Journaled first.
    caf::replies_to<resume_starts>::with<answered>,
    caf::reacts_to<rules_published>,
    caf::reacts_to<tick>>;

/// One per PACS: its associations, each in a child process; reports progress, settles what arrived.
using pacs_association_actor = caf::typed_actor<
    caf::replies_to<run_query>::with<query_answered>,
    caf::replies_to<list_series>::with<series_listed>,
    caf::replies_to<list_images>::with<images_listed>,
    caf::replies_to<prepare_retrieval>::with<retrieval_prepared>,
    /// Answered by the shard that settled it.
    caf::replies_to<retrieve_study>::with<study_settled>,
    caf::reacts_to<cancel_retrieval>,
    caf::replies_to<stop_retrievals>::with<retrievals_stopped>,
    caf::replies_to<echo_pacs>::with<echo_answered>,
    caf::reacts_to<dimse_reported>,
    caf::reacts_to<dimse_ended>,
    caf::reacts_to<instances_arrived>,
    caf::reacts_to<rules_published>,
    caf::replies_to<describe_actor>::with<answered>,
    caf::reacts_to<tick>>;

/// Whoever owns children of the DIMSE port or expects arrivals.
using dimse_owner_actor = caf::typed_actor<
    caf::reacts_to<dimse_reported>,
    caf::reacts_to<dimse_ended>,
    caf::reacts_to<instances_arrived>>;

/// Starts, feeds and ends the `penstock-dimse` children of outbound associations.
using dimse_port_actor = caf::typed_actor<
    caf::reacts_to<start_dimse>,
    caf::reacts_to<tell_dimse>,
    caf::reacts_to<stop_dimse>,
    caf::reacts_to<disown_dimse>,
    caf::replies_to<describe_actor>::with<answered>>;

/// Accepts associations, hands each to a child, and says what may be stored where.
using dicom_listener_actor = caf::typed_actor<
    caf::replies_to<expect_arrivals>::with<arrivals_expected>,
    caf::replies_to<stop_arrivals>::with<arrivals_stopped>,
    /// Children that ask by C-GET: what they receive is written as what is sent to us.
    caf::reacts_to<start_dimse>,
    caf::reacts_to<tell_dimse>,
    caf::reacts_to<stop_dimse>,
    caf::reacts_to<disown_dimse>,
    /// Which PACS must not send in the clear, from now on.
    caf::reacts_to<rules_published>,
    caf::replies_to<describe_actor>::with<answered>>;

/// One per shard of the cache: packs and their catalogue. May be remote: its messages hold values only.
using cache_shard_actor = caf::typed_actor<
    caf::replies_to<reserve_pack>::with<pack_reserved>,
    caf::replies_to<settle_study>::with<study_settled>,
    caf::replies_to<adopt_study>::with<study_settled>,
    caf::replies_to<locate_objects>::with<objects_located>,
    /// JSON items of a listing at series or instance level.
    caf::replies_to<list_instances>::with<answered>,
    caf::replies_to<forget_study>::with<study_forgotten>,
    /// Does every row have its bytes, and every byte its row?
    caf::replies_to<examine_cache>::with<cache_examined>,
    caf::replies_to<describe_shard>::with<shard_described>>;

/// Answers listings from a consistent snapshot, in its own thread, within a budget of rows and time.
using list_reader_actor = caf::typed_actor<
    caf::replies_to<read_requests>::with<answered>,
    caf::replies_to<read_request>::with<answered>,
    caf::replies_to<read_holdings>::with<answered>,
    caf::replies_to<read_facets>::with<answered>,
    /// The newest entries of the journal.
    caf::replies_to<read_journal>::with<answered>,
    caf::replies_to<prove_entry>::with<answered>,
    caf::replies_to<sign_checkpoint>::with<answered>>;

/// Holds the rules in force; validates a new file whole and publishes it whole.
using rules_keeper_actor = caf::typed_actor<
    caf::replies_to<watch_rules>::with<rules_published>,
    caf::replies_to<show_rules>::with<answered>,
    caf::replies_to<check_rules>::with<answered>,
    caf::replies_to<reload_rules>::with<answered>,
    caf::replies_to<propose_rules>::with<rules_published>,
    /// Has a file changed?
    caf::reacts_to<tick>>;

/// Copies the core database while it is written to.
using backup_keeper_actor = caf::typed_actor<
    caf::replies_to<back_up_core>::with<answered>,
    caf::replies_to<describe_actor>::with<answered>>;

/// Compares holdings, catalogues and packs, a little at a time.
using cache_checker_actor = caf::typed_actor<
    caf::replies_to<check_cache>::with<answered>,
    caf::reacts_to<catalogue_made_again>,
    /// The next part.
    caf::reacts_to<tick>>;

/// The tree: start order, what runs, how it is.
using supervisor_actor = caf::typed_actor<
    caf::replies_to<describe_server>::with<answered>>;

// Reserved: `transfer_desk` for what goes out to and comes in from other nodes (send, push, import, export).

}  // namespace penstock::messages

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(penstock::messages::rules_published)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(penstock::messages::weigh_rules)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(penstock::messages::simulate_governor)
