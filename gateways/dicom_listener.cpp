#include "gateways/dicom_listener.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "gateways/actor_port.hpp"
#include "gateways/arrivals.hpp"
#include "gateways/child_owners.hpp"
#include "gateways/child_process.hpp"
#include "gateways/door.hpp"
#include "gateways/tls_duty.hpp"

namespace penstock::gateways {
namespace {

using messages::dimse_owner_actor;
using messages::errc;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr milliseconds waiting_look{100};
constexpr milliseconds complain_every{10'000};

}  // namespace

class dicom_listener::loop {
 public:
  using port_type = actor_port<messages::dicom_listener_actor>;

  loop(caf::actor_system& system, dicom_listener_options options, door opened);
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  [[nodiscard]] messages::dicom_listener_actor handle() const { return port_.handle(); }
  [[nodiscard]] std::uint16_t port() const { return port_number_; }

 private:
  using stopped_promise = caf::typed_response_promise<messages::arrivals_stopped>;
  /// What belongs to an arrival but not in its table.
  struct company {
    dimse_owner_actor owner;
    std::optional<stopped_promise> stopped;
    clock::time_point close_deadline = clock::time_point::max();
  };
  /// The other end of a child's association.
  struct other_end {
    std::string name;  ///< its address; for a child that asks by C-GET, the PACS
    bool tls = false;
    std::string problem;  ///< the last words of the child
  };

  void run();
  void let_in(caller from);
  port_type::behavior_type handlers();
  caf::result<messages::arrivals_expected> on_expect(messages::expect_arrivals& what);
  caf::result<messages::arrivals_stopped> on_stop(const messages::stop_arrivals& which);
  void on_disown(const std::string& owner);
  [[nodiscard]] messages::answered description() const;
  void on_start(const messages::start_dimse& order);

  void on_said(child_number child, storage::dimse_packet& packet);
  void on_associated(child_number child, const storage::dimse_packet& packet);
  void on_association_ended(child_number child, const storage::dimse_packet& packet);
  void on_may_store(child_number child, const storage::dimse_packet& packet);
  void on_stored(child_number child, const storage::dimse_packet& packet);
  void on_refused(child_number child, const storage::dimse_packet& packet);
  void on_closed(child_number child, const messages::dicom_uid& study);
  void on_ended(child_number child, const std::string& problem);
  void close(const arrival& one);
  void kill_late_writers();
  void finish_if_stopped(const arrival& one);
  void report(const arrival& one, std::uint64_t instances, std::uint64_t bytes, std::uint64_t refused);
  [[nodiscard]] milliseconds longest_wait() const;

  dicom_listener_options options_;
  door door_;
  std::uint16_t port_number_;
  tls_duty must_use_tls_;
  port_type port_;
  child_table* children_ = nullptr;  // of the thread, which outlives none of them
  arrivals_table arrivals_;
  std::map<arrival_name, company> company_;
  std::map<child_number, other_end> peers_;
  child_owners askers_;  ///< of the children that ask by C-GET
  clock::time_point next_complaint_;
  std::uint64_t uncomplained_ = 0;
  std::thread thread_;
};

dicom_listener::loop::loop(caf::actor_system& system, dicom_listener_options options, door opened)
    : options_(std::move(options)),
      door_(std::move(opened)),
      port_number_(door_.port()),
      must_use_tls_(options_.rules),
      port_(system, [this](port_type::actor_type*) { return handlers(); }),
      thread_([this] { run(); }) {}

dicom_listener::loop::~loop() {
  caf::anon_send_exit(port_.handle(), caf::exit_reason::user_shutdown);
  thread_.join();
}

void dicom_listener::loop::run() {
  child_table children{{.program = options_.program,
                        .memory_bytes = options_.child_memory_bytes,
                        .most_children = options_.most_associations},
                       {[this](child_number child, storage::dimse_packet& packet) { on_said(child, packet); },
                        [this](child_number child, const std::string& problem) { on_ended(child, problem); }}};
  children_ = &children;
  for (bool running = true; running;) {
    std::vector<pollfd> watched{{port_.descriptor(), POLLIN, 0}};
    door_.add_to(watched);
    children.add_to(watched);
    ::poll(watched.data(), watched.size(), static_cast<int>(longest_wait().count()));
    children.heed(watched);
    children.tick();
    for (auto& from : door_.heed(watched)) let_in(std::move(from));
    kill_late_writers();
    if (watched.front().revents != 0) running = port_.drain();
  }
}

milliseconds dicom_listener::loop::longest_wait() const {
  const auto of_children = children_->longest_wait();
  const bool watching = door_.has_waiting() || std::any_of(company_.begin(), company_.end(), [](const auto& entry) {
                          return entry.second.stopped.has_value();
                        });
  return watching ? std::min(of_children, waiting_look) : of_children;
}

void dicom_listener::loop::let_in(caller from) {
  messages::accept_job job;
  job.our_ae_titles = {options_.ae_title};
  if (const auto& tls = options_.tls; from.tls && tls)
    job.tls = {tls->ca.string(), tls->certificate.string(), tls->key.string(), {}};
  const auto child = children_->start(storage::encode_dimse(job), from.socket);
  if (child) {
    peers_[*child] = {std::move(from.peer), from.tls, {}};
    return;
  }
  spdlog::error("DICOM: {}", child.error().text());
  door_.gone(from.peer);
}

// ---- what actors ask ----

dicom_listener::loop::port_type::behavior_type dicom_listener::loop::handlers() {
  return {[this](messages::expect_arrivals& what) { return on_expect(what); },
          [this](const messages::stop_arrivals& which) { return on_stop(which); },
          [this](const messages::start_dimse& order) { on_start(order); },
          [this](const messages::tell_dimse& order) {
            if (const auto child = askers_.child_of(order.owner, order.ticket)) children_->tell(child, order.message);
          },
          [this](const messages::stop_dimse& order) {
            if (const auto child = askers_.child_of(order.owner, order.ticket)) children_->stop(child);
          },
          [this](const messages::disown_dimse& order) { on_disown(order.owner); },
          [this](const messages::rules_published& published) { must_use_tls_ = tls_duty{published.rules}; },
          [this](const messages::describe_actor&) { return description(); }};
}

caf::result<messages::arrivals_expected> dicom_listener::loop::on_expect(messages::expect_arrivals& what) {
  const arrival_name name{what.owner, what.ticket};
  const bool only_tls = must_use_tls_.of_pacs(what.owner);
  if (only_tls && must_use_tls_.calls_us(what.owner) && !options_.tls)
    return messages::to_caf({errc::bad_configuration,
                             "the rules demand TLS of " + what.owner +
                                 ", which sends by C-MOVE, but [dicom] in the settings has no tls to receive with"});
  if (auto taken = arrivals_.expect(std::move(what), only_tls); !taken) return messages::to_caf(taken.error());
  company_[name].owner = caf::actor_cast<dimse_owner_actor>(port_->current_sender());
  return messages::arrivals_expected{name.second};
}

caf::result<messages::arrivals_stopped> dicom_listener::loop::on_stop(const messages::stop_arrivals& which) {
  const arrival_name name{which.owner, which.ticket};
  auto* stopping = arrivals_.find(name);
  if (stopping == nullptr) return messages::arrivals_stopped{which.ticket, {}};
  auto promise = port_->make_response_promise<messages::arrivals_stopped>();
  auto& with = company_[name];
  with.stopped = promise;
  with.close_deadline = clock::now() + options_.close_patience;
  close(*stopping);
  finish_if_stopped(*stopping);
  return promise;
}

void dicom_listener::loop::on_start(const messages::start_dimse& order) {
  const auto owner = caf::actor_cast<dimse_owner_actor>(port_->current_sender());
  const auto child = askers_.child_of(order.owner, order.ticket) == 0
                         ? children_->start(order.job)
                         : messages::result<child_number>{messages::fail(errc::conflict, "the ticket is in use")};
  if (!child) {
    spdlog::error("DICOM: {}", child.error().text());
    if (owner) port_->send(owner, messages::dimse_ended{order.ticket, child.error().text()});
    return;
  }
  askers_.add(*child, {order.owner, order.ticket, owner});
  peers_[*child] = {order.owner, must_use_tls_.of_pacs(order.owner), {}};
}

/// The successor knows nothing of these arrivals: what lies in the parts is left to the shard.
void dicom_listener::loop::on_disown(const std::string& owner) {
  for (const auto& name : arrivals_.of_owner(owner)) {
    close(*arrivals_.find(name));
    if (auto& stopped = company_[name].stopped)
      stopped->deliver(messages::to_caf(messages::fail(errc::conflict, "the arrivals were disowned")));
    company_.erase(name);
    arrivals_.forget(name);
  }
  for (const auto child : askers_.disown(owner)) children_->kill(child);
}

messages::answered dicom_listener::loop::description() const {
  return {nlohmann::json{{"actor", "dicom_listener"},
                         {"state", "running"},
                         {"port", port_number_},
                         {"associations", children_->size()},
                         {"expected", arrivals_.size()},
                         {"turned_away", door_.turned_away()}}
              .dump()};
}

// ---- what children say ----

void dicom_listener::loop::on_said(child_number child, storage::dimse_packet& packet) {
  if (packet.kind == messages::associated::kind) return on_associated(child, packet);
  if (packet.kind == messages::association_ended::kind) return on_association_ended(child, packet);
  if (packet.kind == messages::may_store::kind) return on_may_store(child, packet);
  if (packet.kind == messages::stored::kind) return on_stored(child, packet);
  if (packet.kind == messages::refused::kind) return on_refused(child, packet);
  if (packet.kind != messages::study_closed::kind) {
    if (const auto* whose = askers_.find(child))
      tell_owner(port_, whose, messages::dimse_reported{whose->ticket, packet.text});
    return;
  }
  const auto closed = storage::decode_dimse<messages::study_closed>(packet.text);
  if (!closed) return;
  if (!closed->problem.empty()) spdlog::error("DICOM: a part could not be written whole: {}", closed->problem);
  on_closed(child, closed->study_uid);
}

/// Whoever calls our title may associate, so that an echo tells a PACS administrator that we are here; what may be
/// stored is decided study by study. Only a title that belongs to TLS is of no use in the clear.
void dicom_listener::loop::on_associated(child_number child, const storage::dimse_packet& packet) {
  const auto who = storage::decode_dimse<messages::associated>(packet.text);
  if (!who) return children_->kill(child);
  const auto& peer = peers_[child];
  messages::admit answer;
  const auto pacs = peer.tls ? std::string{} : must_use_tls_.of_title(who->calling_ae);
  answer.admitted = pacs.empty();
  if (!answer.admitted) {
    answer.reason = "it calls itself " + pacs + " in the clear, and the rules demand TLS of that PACS";
    spdlog::warn("DICOM: an association from {} is rejected: {}", peer.name, answer.reason);
  }
  children_->tell(child, storage::encode_dimse(answer));
}

void dicom_listener::loop::on_association_ended(child_number child, const storage::dimse_packet& packet) {
  using messages::peer_outcome;
  const auto end = storage::decode_dimse<messages::association_ended>(packet.text);
  if (!end) return;
  auto& peer = peers_[child];
  peer.problem = end->problem;
  if (end->outcome == peer_outcome::misconfigured) spdlog::error("DICOM: nobody can send over TLS: {}", end->problem);
}

void dicom_listener::loop::on_may_store(child_number child, const storage::dimse_packet& packet) {
  const auto question = storage::decode_dimse<messages::may_store>(packet.text);
  if (!question) return children_->kill(child);
  auto answer = arrivals_.decide(child, question->study_uid, question->calling_ae, peers_[child].tls);
  const bool allowed = answer.decision.allowed;
  children_->tell(child, storage::encode_dimse(answer.decision), std::move(answer.pack));
  if (allowed) report(*arrivals_.find(child, question->study_uid), 0, 0, 0);
}

void dicom_listener::loop::on_stored(child_number child, const storage::dimse_packet& packet) {
  const auto stored = storage::decode_dimse<messages::stored>(packet.text);
  auto* into = stored ? arrivals_.find(child, stored->study_uid) : nullptr;
  if (into == nullptr) return;
  std::uint64_t bytes = 0;
  for (const auto& instance : stored->instances) bytes += instance.bytes;
  into->instances += stored->instances.size();
  into->bytes += bytes;
  report(*into, stored->instances.size(), bytes, 0);
}

void dicom_listener::loop::on_refused(child_number child, const storage::dimse_packet& packet) {
  const auto refused = storage::decode_dimse<messages::refused>(packet.text);
  if (!refused) return;
  uncomplained_ += refused->count;
  if (clock::now() >= next_complaint_) {
    next_complaint_ = clock::now() + complain_every;
    spdlog::warn("DICOM: {} objects refused, the last from {}: {}", std::exchange(uncomplained_, 0), peers_[child].name,
                 refused->reason);
  }
  auto* of = arrivals_.find(child, refused->study_uid);
  if (of == nullptr) return;
  of->refused += refused->count;
  report(*of, 0, 0, refused->count);
}

void dicom_listener::loop::on_closed(child_number child, const messages::dicom_uid& study) {
  auto* one = arrivals_.find(child, study);
  if (one == nullptr || one->writers.erase(child) == 0) return;
  report(*one, 0, 0, 0);
  finish_if_stopped(*one);
}

void dicom_listener::loop::on_ended(child_number child, const std::string& problem) {
  const auto peer = peers_.find(child);
  if (peer == peers_.end()) return;
  const auto& said = peer->second.problem;
  if (!problem.empty())
    spdlog::info("DICOM: an association with {} ended: {}", peer->second.name, said.empty() ? problem : said);
  const auto asked = askers_.forget(child);
  if (!asked) door_.gone(peer->second.name);
  peers_.erase(peer);
  for (const auto& name : arrivals_.forget_child(child)) {
    auto* one = arrivals_.find(name);
    report(*one, 0, 0, 0);
    finish_if_stopped(*one);
  }
  if (asked) tell_owner(port_, &*asked, messages::dimse_ended{asked->ticket, problem});
}

// ---- the end of an arrival ----

void dicom_listener::loop::close(const arrival& one) {
  auto* closing = arrivals_.find(arrival_name{one.expected.owner, one.expected.ticket});
  closing->stopping = true;
  for (const auto child : closing->writers)
    children_->tell(child, storage::encode_dimse(messages::close_study{closing->expected.study}));
}

void dicom_listener::loop::kill_late_writers() {
  const auto now = clock::now();
  for (auto& [name, with] : company_) {
    if (now < with.close_deadline) continue;
    with.close_deadline = clock::time_point::max();
    for (const auto child : arrivals_.find(name)->writers) children_->kill(child);
  }
}

void dicom_listener::loop::finish_if_stopped(const arrival& one) {
  const arrival_name name{one.expected.owner, one.expected.ticket};
  const auto with = company_.find(name);
  if (with == company_.end() || !with->second.stopped || !one.writers.empty()) return;
  with->second.stopped->deliver(messages::arrivals_stopped{name.second, one.parts});
  company_.erase(with);
  arrivals_.forget(name);
}

void dicom_listener::loop::report(const arrival& one, std::uint64_t instances, std::uint64_t bytes,
                                  std::uint64_t refused) {
  const auto with = company_.find({one.expected.owner, one.expected.ticket});
  if (with == company_.end() || !with->second.owner) return;
  port_->send(with->second.owner,
              messages::instances_arrived{one.expected.ticket, instances, bytes, refused, one.writers.size()});
}

messages::result<std::unique_ptr<dicom_listener>> dicom_listener::start(caf::actor_system& system,
                                                                        dicom_listener_options options) {
  if (::access(options.program.c_str(), X_OK) != 0)
    return messages::fail(errc::bad_configuration, "no program " + options.program.string());
  auto opened = door::open(options.bind_address, options.port,
                           {options.most_associations, options.most_associations_per_peer, options.first_word_patience,
                            options.tls.has_value()});
  if (!opened) return opened.error();
  return std::unique_ptr<dicom_listener>{
      new dicom_listener{std::make_unique<loop>(system, std::move(options), std::move(opened).value())}};
}

dicom_listener::dicom_listener(std::unique_ptr<loop> running) : loop_(std::move(running)) {}
dicom_listener::~dicom_listener() = default;
messages::dicom_listener_actor dicom_listener::handle() const { return loop_->handle(); }
std::uint16_t dicom_listener::port() const { return loop_->port(); }

}  // namespace penstock::gateways
