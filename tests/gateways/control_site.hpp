#pragma once
// A control socket with actors of a few lines behind it, and clients that speak CURVE, for tests.

#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "actors/system_config.hpp"
#include "gateways/actor_port.hpp"
#include "gateways/control_gateway.hpp"
#include "gateways/frames.hpp"
#include "tests/gateways/mock_governance.hpp"
#include "tests/gateways/site_rules.hpp"

namespace penstock::gateways::test {

using nlohmann::json;

inline constexpr std::chrono::milliseconds patience{10'000};
inline constexpr std::chrono::milliseconds silence{300};

struct curve_key {
  std::string open;
  std::string hidden;
  static curve_key fresh() {
    std::array<char, 41> open{};
    std::array<char, 41> hidden{};
    zmq_curve_keypair(open.data(), hidden.data());
    return {open.data(), hidden.data()};
  }
};

/// A client as another language would write it: frames, nothing else.
class raw_client {
 public:
  raw_client(const std::string& endpoint, const std::string& server_key, const curve_key& key,
             std::string routing_id = {})
      : socket_(context_, zmq::socket_type::dealer) {
    static std::atomic<unsigned> next{0};
    if (routing_id.empty()) routing_id = '\x01' + std::to_string(10'000'000 + next++) + "8bytes..";
    socket_.set(zmq::sockopt::routing_id, routing_id);
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::curve_serverkey, server_key);
    socket_.set(zmq::sockopt::curve_publickey, key.open);
    socket_.set(zmq::sockopt::curve_secretkey, key.hidden);
    socket_.connect(endpoint);
  }

  void send(const std::vector<std::string>& frames) {
    for (std::size_t n = 0; n < frames.size(); ++n)
      socket_.send(zmq::buffer(frames[n]), n + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
  void say(const std::string& type, const json& body) { send({type, body.dump()}); }

  std::optional<std::vector<std::string>> receive(std::chrono::milliseconds wait) {
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(wait.count()));
    std::vector<std::string> frames;
    for (bool more = true; more;) {
      zmq::message_t frame;
      if (!socket_.recv(frame)) return std::nullopt;
      frames.push_back(frame.to_string());
      more = frame.more();
    }
    return frames;
  }
  /// The next ANS, as text.
  std::string answer_text(std::chrono::milliseconds wait = patience) {
    const auto frames = receive(wait);
    return frames && frames->size() == 2 && frames->front() == "ANS" ? frames->back() : std::string{};
  }
  json answer(std::chrono::milliseconds wait = patience) { return json::parse(answer_text(wait), nullptr, false); }
  json ask(const std::string& command, const std::string& project = {}, const json& args = json::object(),
           const std::string& op = {}) {
    json question{{"id", "q"}, {"do", command}, {"args", args}};
    if (!project.empty()) question["project"] = project;
    if (!op.empty()) question["op"] = op;
    say("CMD", question);
    return answer();
  }

 private:
  zmq::context_t context_{1};
  zmq::socket_t socket_;
};

/// What an answer says: "ok" or its error code.
inline std::string verdict(const json& answer) {
  if (!answer.is_object()) return "no answer";
  return answer.contains("ok") ? "ok" : answer["error"].value("code", "no code");
}

/// Notes what the actors were asked.
class notebook {
 public:
  void write(const std::string& line) {
    std::lock_guard lock{mutex_};
    lines_.push_back(line);
  }
  std::vector<std::string> lines() const {
    std::lock_guard lock{mutex_};
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

struct control_site {
  notebook asked;
  actors::system_config config;
  caf::actor_system system{config};
  zmq::context_t context{2};
  curve_key server_key = curve_key::fresh();
  std::map<std::string, curve_key> user_keys;
  conf::rules rules = site_rules();
  std::shared_ptr<key_directory_holder> keys = std::make_shared<key_directory_holder>();
  std::unique_ptr<zap_handler> zap;
  control_gateway_options options;
  control_gateway_parts parts;
  caf::actor journal;
  /// What queues say to downloads; set before `start`.
  std::function<caf::result<messages::download_authorised>(const messages::authorise_download&)> authorise;
  std::function<caf::result<messages::download_recorded>(const messages::record_download&)> record;
  std::unique_ptr<control_gateway> gateway;

  control_site() {
    for (auto& [id, user] : rules.users) {
      user_keys[id] = curve_key::fresh();
      user.keys = {user_keys[id].open};
    }
    options.server_secret_key = server_key.hidden;
    options.version = "0.1";
    options.data_endpoint = "tcp://data";
    options.answer_deadline = std::chrono::milliseconds{2'000};
    options.utc_us = [] { return test_time_us; };
    parts.keys = keys;
    make_peers();
    auto started = zap_handler::start(context, keys, {});
    BOOST_REQUIRE(started.ok());
    zap = std::move(*started);
  }
  ~control_site() { gateway.reset(); }

  void start() {
    parts.rules = std::make_shared<const conf::rules>(rules);
    auto started = control_gateway::start(context, system, options, parts);
    BOOST_REQUIRE_MESSAGE(started.ok(), (started.ok() ? "" : started.error().text()));
    gateway = std::move(*started);
  }
  void publish_rules() {
    caf::anon_send(gateway->sink(), messages::rules_published{std::make_shared<const conf::rules>(rules), nullptr});
  }
  raw_client client(const std::string& user, const std::string& routing_id = {}) {
    return {gateway->endpoint(), server_key.open, user_keys[user], routing_id};
  }

 private:
  /// An actor that notes its name and the fields of what it was asked, and answers `{"by":NAME}`.
  template <class... Messages>
  caf::actor noting(const std::string& name) {
    return system.spawn([this, name](caf::event_based_actor*) -> caf::behavior {
      return caf::message_handler{[this, name](const Messages& m) {
        asked.write(name + " was asked for: " + std::string{m.field_names});
        return messages::answered{"{\"by\":\"" + name + "\"}"};
      }...};
    });
  }
  void make_peers();
};

inline void control_site::make_peers() {
  using namespace messages;
  auto& peers = parts.peers;
  for (const auto& [id, project] : rules.projects) {
    peers.queues[id] = caf::actor_cast<project_queue_actor>(system.spawn([this, name = id]() -> caf::behavior {
      const auto by = [this, name](const std::string& what, const caller& who) {
        asked.write(name + " " + what + " " + who.user + " " + who.op);
        return answered{"{\"by\":\"" + name + "\",\"used\":5}"};
      };
      return {[by](const submit_requests& m) { return by("submit " + std::to_string(m.items.size()), m.who); },
              [by](const cancel_requests& m) -> caf::result<answered> {
                if (m.requests.front() == 404) return to_caf(messages::fail(errc::conflict, "it has ended"));
                return by("cancel", m.who);
              },
              [by](const delete_holdings& m) { return by("delete", m.who); },
              [by](const purge_holdings& m) { return by("purge", m.who); },
              [by](const list_requests& m) { return by("list", m.who); },
              [by](const show_request& m) { return by("show", m.who); },
              [by](const describe_usage& m) { return by("usage", m.who); },
              [this](const authorise_download& m) { return authorise(m); },
              [this](const record_download& m) { return record(m); },
              [this](const download_ended& m) { asked.write("ended " + m.download); },
              [by](const note_export& m) { return by("exported " + m.download, m.who); }};
    }));
    peers.searches[id] = caf::actor_cast<project_search_actor>(
        noting<find_patients, find_studies, find_series, read_search, cancel_search>("search " + id));
  }
  peers.governors["gh-rad"] = caf::actor_cast<governor_clock_actor>(system.spawn(mock_governor));
  peers.associations["gh-rad"] = caf::actor_cast<pacs_association_actor>(system.spawn([]() -> caf::behavior {
    return {[](const echo_pacs&) { return echo_answered{true, 7, ""}; }};
  }));
  peers.shards.push_back(caf::actor_cast<cache_shard_actor>(system.spawn([]() -> caf::behavior {
    return {[](const locate_objects& m) {
      located_object found;
      found.instance = m.instances.at(0);
      found.pack = "/proc/self/exe";
      found.bytes = 100;
      return objects_located{"here", {found}};
    }};
  })));
  peers.list_reader = caf::actor_cast<list_reader_actor>(
      noting<read_holdings, read_facets, read_journal, prove_entry, sign_checkpoint>("reader"));
  peers.supervisor = caf::actor_cast<supervisor_actor>(noting<describe_server>("supervisor"));
  peers.rules_keeper = caf::actor_cast<rules_keeper_actor>(system.spawn(
      [this] { return mock_rules_keeper([this] { return std::make_shared<const conf::rules>(rules); }); }));
  journal = system.spawn([this]() -> caf::behavior {
    return {[this](const follow_events& m) { asked.write("followed by " + m.who); },
            [](const enrol_writer&) { return writer_enrolled{1}; },
            [](const append_entries&) {
              return entries_committed{1, 1};
            }};
  });
  peers.audit_journal = caf::actor_cast<audit_journal_actor>(journal);
}

}  // namespace penstock::gateways::test
