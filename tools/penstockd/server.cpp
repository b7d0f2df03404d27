#include "tools/penstockd/server.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <utility>

#include "conf/calendar.hpp"
#include "messages/type_ids.hpp"
#include "storage/audit_events.hpp"
#include "storage/checkpoint_key.hpp"
#include "storage/journal_reader.hpp"
#include "storage/recovery_record.hpp"
#include "tools/penstockd/exit_code.hpp"
#include "tools/penstockd/metrics.hpp"

namespace penstock::server {

using namespace messages;

namespace {

/// Fail stop: what is on the disk is known only after a restart, so nobody may be answered any more.
[[noreturn]] void end_for_journal(const failure& problem) {
  spdlog::critical(
      "the journal has failed, nothing more can be acknowledged: {}. {} penstockd again: what was "
      "acknowledged is on the disk.",
      problem.text(), problem.code == errc::no_space ? "Make room on that disk (it is read-only until then), and start"
                                                    : "Start");
  spdlog::default_logger()->flush();
  std::_Exit(journal_failed);
}

/// Nothing that was acknowledged since is on the disk, and nothing more may be.
[[noreturn]] void end_for_lost_state(const failure& problem) {
  spdlog::critical(
      "{}: stopped at once. What was acknowledged meanwhile may be gone; put the directory back, or bring back a "
      "backup with `penstockd restore`",
      problem.context);
  spdlog::default_logger()->flush();
  std::_Exit(state_damaged);
}

[[noreturn]] void end_for_damage(const failure& problem) {
  spdlog::critical("core database: {}: stopped at once; the next start says what can be done", problem.context);
  spdlog::default_logger()->flush();
  std::_Exit(state_damaged);
}

gateways::control_peers peers_of(const actors::server_tree& tree) {
  gateways::control_peers peers;
  peers.queues.insert(tree.roster->queues.begin(), tree.roster->queues.end());
  peers.searches.insert(tree.roster->searches.begin(), tree.roster->searches.end());
  peers.governors.insert(tree.roster->governors.begin(), tree.roster->governors.end());
  peers.associations.insert(tree.roster->associations.begin(), tree.roster->associations.end());
  peers.shards = tree.shards;
  peers.list_reader = tree.reader;
  peers.rules_keeper = tree.rules_keeper;
  peers.supervisor = tree.supervisor;
  peers.audit_journal = tree.journal;
  peers.backup_keeper = tree.backup_keeper;
  peers.cache_checker = tree.cache_checker;
  return peers;
}

}  // namespace

result<std::unique_ptr<server>> server::start(start_up from) {
  std::unique_ptr<server> running{new server{std::move(from)}};
  running->started_us_ = running->clocks_.utc_us();
  using step = result<void> (server::*)();
  for (const step each : {&server::open_state, &server::open_sockets, &server::open_dicom, &server::open_control})
    if (auto opened = (running.get()->*each)(); !opened) return opened.error();
  running->start_actors();
  return running;
}

result<void> server::open_state() {
  const auto& settings = from_.settings;
  storage::state_directory_options options;
  options.root = settings.state_directory;
  options.shards = settings.cache_shards;
  auto directory = storage::state_directory::open(options);
  if (!directory) return directory.error();
  state_ = std::make_unique<storage::state_directory>(std::move(*directory));
  auto core = storage::open_core_store({state_->core(), state_->fence(), from_.accept_rollback});
  if (!core) return state_->with_room(core.error());
  for (const auto& warning : core->warnings) spdlog::warn("core database: {}", warning);
  if (from_.accept_rollback && core->accepted.empty())
    spdlog::warn("--accept-rollback was not needed: nothing is missing. Leave it out, it hides the next rollback.");
  if (auto recorded = storage::record_recovery(*core, state_->fence()); !recorded)
    return state_->with_room(recorded.error());
  auto missing = storage::newest_missing_since(*core->store);
  if (!missing) return missing.error();
  newest_missing_ = *missing;
  auto latest = storage::read_latest_time(*core->store);
  if (!latest) return latest.error();
  clocks_ = actors::having_seen(clocks_, *latest);
  core_ = std::move(core->store);
  if (core->unverified_bytes > 0) check_ = std::make_unique<core_check>(core_, end_for_damage);
  auto watch = state_watch::start(*state_, end_for_lost_state);
  if (!watch) return watch.error();
  watch_ = std::move(*watch);
  return {};
}

result<void> server::open_sockets() {
  const auto& settings = from_.settings;
  gateways::http_gateway_options http;
  http.address = settings.http_endpoint;
  http.version = PENSTOCK_VERSION;
  auto served = gateways::http_gateway::start(
      std::move(http), {[this] { return phase_.load(); }, [this] { return metrics(); },
                        [this] { return std::string{name_of(watch_->room_left())}; }});
  if (!served) return served.error();
  http_ = std::move(*served);
  keys_ = std::make_shared<gateways::key_directory_holder>();
  keys_->set(std::make_shared<const gateways::key_directory>(*from_.rules));
  tickets_ = std::make_unique<gateways::download_tickets>();
  auto zap = gateways::zap_handler::start(context_, keys_, [this](std::string_view ticket, std::string_view secret) {
    return tickets_->redeem(ticket, secret);
  });
  if (!zap) return zap.error();
  zap_ = std::move(*zap);
  gateways::download_gateway_options data;
  data.endpoint = settings.data_endpoint;
  data.zap_domain = gateways::data_zap_domain;
  data.max_sessions = settings.limits.max_downloads;
  auto downloads = gateways::download_gateway::start(
      context_, std::move(data), [this](const gateways::download_session_ended& ended) {
        spdlog::info("download {} of project {}: {} sealed bytes sent, {}", ended.download, ended.project,
                     ended.sealed_bytes, ended.complete ? "complete" : "not complete");
        // No session ends before there was an offer, and so a desk.
        desk_->session_ended({ended.project, {ended.download, ended.sealed_bytes, ended.complete}});
      });
  if (!downloads) return downloads.error();
  downloads_ = std::move(*downloads);
  open_desk();
  return {};
}

void server::open_desk() {
  const auto& settings = from_.settings;
  gateways::download_desk_options options;
  options.data_endpoint =
      settings.data_endpoint_public.empty() ? downloads_->endpoint() : settings.data_endpoint_public;
  options.utc_us = clocks_.utc_us;
  gateways::download_outlets outlets;
  outlets.offer = [this](gateways::download_offer offer) { return downloads_->offer(std::move(offer)); };
  outlets.withdraw = [this](const std::string& download) { downloads_->withdraw(download); };
  outlets.withdraw_unless = [this](const auto& allowed) { downloads_->withdraw_unless(allowed); };
  data_endpoint_ = options.data_endpoint;
  desk_ = std::make_shared<gateways::download_desk>(std::move(options), *tickets_, std::move(outlets));
}

result<void> server::open_dicom() {
  const auto& settings = from_.settings;
  system_ = std::make_unique<caf::actor_system>(config_);
  crew_ = std::make_unique<actors::crew>(*system_);
  const auto programs = settings.programs_directory.empty() ? own_directory() : settings.programs_directory;
  gateways::dimse_port_options port;
  port.program = programs / "penstock-dimse";
  port.child_memory_bytes = settings.limits.child_memory_bytes;
  auto started = gateways::dimse_port::start(*system_, std::move(port));
  if (!started) return started.error();
  port_ = std::move(*started);
  gateways::dicom_listener_options dicom;
  dicom.program = programs / "penstock-dimse";
  dicom.ae_title = settings.dicom.ae_title;
  dicom.bind_address = settings.dicom.bind_address;
  dicom.port = settings.dicom.port;
  dicom.tls = settings.dicom.tls;
  dicom.rules = from_.rules;
  dicom.most_associations = settings.limits.max_inbound_associations;
  dicom.most_associations_per_peer = settings.limits.max_inbound_associations_per_peer;
  dicom.child_memory_bytes = settings.limits.child_memory_bytes;
  auto listening = gateways::dicom_listener::start(*system_, std::move(dicom));
  if (!listening) return listening.error();
  listener_ = std::move(*listening);
  return {};
}

result<void> server::open_control() {
  const auto& settings = from_.settings;
  gateways::control_gateway_options control;
  control.endpoint = settings.control_endpoint;
  control.server_secret_key = from_.server_secret_key;
  control.site_name = settings.site_name;
  control.version = PENSTOCK_VERSION;
  control.data_endpoint = data_endpoint_;
  control.limits = settings.limits;
  control.utc_us = clocks_.utc_us;
  control.today = [clocks = clocks_](const conf::rules& rules) {
    return conf::local_date(clocks.approval_time(), rules.timezone);
  };
  control.room_left = [this] { return watch_->room_left(); };
  gateways::control_gateway_parts parts;
  parts.keys = keys_;
  parts.rules = from_.rules;
  parts.downloads = desk_;
  parts.read_events = [core = core_](const std::string& topic, std::uint64_t first, std::size_t limit) {
    if (topic == storage::audit_topic) return storage::read_audit_events(*core, first, limit);
    return storage::read_events(*core, topic, first, limit);
  };
  parts.refused_connections = [this] { return zap_->refused(); };
  parts.lost = [this](const std::string&) {
    deaf_ = true;
    ::kill(::getpid(), SIGTERM);
  };
  auto started = gateways::control_gateway::start(context_, *system_, std::move(control), std::move(parts));
  if (!started) return started.error();
  control_ = std::move(*started);
  return {};
}

void server::start_actors() {
  actors::server_tree_options options;
  options.rules = from_.rules;
  options.core = core_;
  options.state = state_.get();
  options.cache_shards = from_.settings.cache_shards;
  auto signer = storage::open_checkpoint_key(state_->keys() / "checkpoint.key");
  if (!signer) spdlog::warn("no checkpoints of the journal are given: {}", signer.error().text());
  if (signer) options.signer = *signer;
  options.backup_directory = from_.settings.backup.directory;
  options.backups_kept = from_.settings.backup.keep;
  options.min_free_disk_bytes = from_.settings.limits.min_free_disk_bytes;
  options.port = port_->handle();
  options.listener = listener_->handle();
  options.sink = control_->sink();
  options.clocks = clocks_;
  options.pause_file = state_->root() / "PAUSE";
  options.room_left = [this] { return watch_->room_left(); };
  options.newest_missing = newest_missing_;
  options.on_journal_failure = end_for_journal;
  tree_ = actors::start_server_tree(*system_, *crew_, std::move(options));
  control_->set_peers(peers_of(tree_));
  phase_ = gateways::server_phase::running;
}

void server::reload_rules() {
  caf::anon_send(tree_.rules_keeper, messages::reload_rules{});
}

std::string server::metrics() const {
  metrics_sample sample;
  sample.uptime_s = (clocks_.utc_us() - started_us_) / 1'000'000;
  if (auto head = storage::read_head(*core_)) sample.journal_entries = head->size;
  if (auto free = state_->free_bytes()) sample.free_disk_bytes = *free;
  sample.read_only = watch_->room_left() == storage::room::none;
  if (control_) sample.control = control_->statistics();
  if (downloads_) sample.downloads = downloads_->statistics();
  if (zap_) sample.handshakes_refused = zap_->refused();
  return prometheus_text(sample, PENSTOCK_VERSION);
}

bool server::stop() {
  phase_ = gateways::server_phase::stopping;
  control_->refuse_commands();
  if (auto room = state_->free_bytes(); room && *room < storage::room_to_change_bytes) state_->release_ballast();
  crew_->end_all();
  control_.reset();
  port_.reset();
  listener_.reset();
  tree_ = {};
  const bool ended = crew_->wait(from_.settings.limits.drain_timeout);
  http_.reset();
  return ended;
}

server::~server() = default;

}  // namespace penstock::server
