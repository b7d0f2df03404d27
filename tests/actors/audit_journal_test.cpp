#include "actors/audit_journal.hpp"

#include <sys/resource.h>

#include <csignal>

#include "tests/actors/actor_fixture.hpp"
#include "tests/actors/mock_actors.hpp"

namespace penstock::tests {

namespace keys = storage::keys;

namespace {

/// The operating system refuses to let any file of this process grow beyond the limit, as a full disk does.
class full_disk {
 public:
  full_disk() {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{.rlim_cur = 64 << 10, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~full_disk() { setrlimit(RLIMIT_FSIZE, &before_); }
  full_disk(const full_disk&) = delete;
  full_disk& operator=(const full_disk&) = delete;

 private:
  rlimit before_{};
};

struct journal_world : actor_fixture {
  std::shared_ptr<sink_log> heard = std::make_shared<sink_log>();
  event_sink_actor sink = spawn_function(mock_sink, heard);
  std::uint64_t generation = enrol();

  std::uint64_t enrol() { return ask<writer_enrolled>(journal, enrol_writer{"queue/alz"})->generation; }
  void follow() { caf::send_as(caf::actor_cast<caf::actor>(sink), journal, follow_events{"sink"}); }

  append_entries append(const std::string& text) const {
    journal_entry entry;
    entry.kind = "noted";
    entry.project = "alz";
    entry.rows.push_back({"row/" + text, text, false});
    entry.events.push_back({"p/alz/requests", R"({"text":")" + text + "\"}"});
    return {"queue/alz", generation, {entry}, {}, {}};
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(audit_journal, journal_world)

BOOST_AUTO_TEST_CASE(commits_entries_rows_and_events_together_and_tells_followers_in_order) {
  follow();
  settle();
  auto one = self->request(journal, caf::infinite, append("a"));
  auto two = self->request(journal, caf::infinite, append("b"));
  settle();
  std::vector<std::uint64_t> sequences;
  const auto keep_sequence = [&](const entries_committed& done) { sequences.push_back(done.first_sequence); };
  const auto no_error = [](const caf::error&) { BOOST_ERROR("refused"); };
  one.receive(keep_sequence, no_error);
  two.receive(keep_sequence, no_error);
  BOOST_TEST(sequences.at(0) + 1 == sequences.at(1));
  BOOST_TEST(has_row("row/a"));
  BOOST_TEST(entries("noted") == 2U);
  BOOST_REQUIRE_EQUAL(heard->events.size(), 4U);
  BOOST_TEST(heard->events[0].sequence == 1U);
  BOOST_TEST(heard->events[1].sequence == 2U);
  BOOST_TEST(nlohmann::json::parse(heard->events[1].json).at("text") == "b");
  BOOST_TEST(heard->events[3].topic == "audit");
  BOOST_TEST(heard->events[3].sequence == sequences.at(1));
}

BOOST_AUTO_TEST_CASE(refuses_a_writer_whose_successor_has_enrolled) {
  const auto stale = append("a");
  generation = enrol();
  const auto refused = ask<entries_committed>(journal, stale);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == errc::conflict));
  BOOST_TEST(!has_row("row/a"));
  BOOST_TEST(ask<entries_committed>(journal, append("b")).ok());
}

BOOST_AUTO_TEST_CASE(commits_what_came_before_an_enrolment_under_the_old_generation) {
  caf::anon_send(journal, append("a"));
  caf::anon_send(journal, enrol_writer{"queue/alz"});
  settle();
  BOOST_TEST(has_row("row/a"));
}

BOOST_AUTO_TEST_CASE(refuses_one_bad_append_of_a_group_alone) {
  auto bad = append("bad");
  bad.entries[0].details = "no json";
  auto refused = self->request(journal, caf::infinite, bad);
  auto kept = self->request(journal, caf::infinite, append("good"));
  settle();
  refused.receive([](const entries_committed&) { BOOST_ERROR("taken"); },
                  [](const caf::error& problem) { BOOST_TEST((from_caf(problem, "").code == errc::bad_request)); });
  kept.receive([](const entries_committed&) {}, [](const caf::error&) { BOOST_ERROR("refused"); });
  BOOST_TEST(!has_row("row/bad"));
}

BOOST_AUTO_TEST_CASE(remembers_the_answer_to_an_operation) {
  auto with_op = append("a");
  with_op.op_key = keys::operation("alz", "amy", "op-1");
  with_op.op_answer = R"({"rows":[]})";
  BOOST_REQUIRE(ask<entries_committed>(journal, with_op).ok());
  const auto remembered = storage::read_operation(*core, with_op.op_key);
  BOOST_REQUIRE((remembered.ok() && remembered->has_value()));
  BOOST_TEST((**remembered).answer == with_op.op_answer);
  BOOST_TEST((ask<entries_committed>(journal, with_op).error().code == errc::conflict));
}

BOOST_AUTO_TEST_CASE(writes_how_far_it_has_come_to_the_fence) {
  BOOST_REQUIRE(ask<entries_committed>(journal, append("a")).ok());
  advance(1min);
  const auto fence = storage::read_fence(folder.path() / "fence");
  BOOST_REQUIRE((fence.ok() && fence->has_value()));
  BOOST_TEST((**fence).size == storage::read_head(*core)->size);
  BOOST_TEST((**fence).size > 0U);
}

BOOST_AUTO_TEST_CASE(leaves_nothing_in_front_of_the_fence_when_it_stops) {
  BOOST_REQUIRE(ask<entries_committed>(journal, append("a")).ok());
  BOOST_TEST(storage::read_fence(folder.path() / "fence").value()->size == 0U);
  end(journal);
  BOOST_TEST(storage::read_fence(folder.path() / "fence").value()->size == storage::read_head(*core)->size);
}

BOOST_AUTO_TEST_CASE(answers_nobody_once_the_store_has_failed_and_says_so_once) {
  auto large = append("a");
  large.entries[0].rows[0].value = std::string(1 << 20, 'x');
  auto first = self->request(journal, 1min, large);
  auto second = self->request(journal, 1min, append("b"));
  {
    const full_disk full;
    settle();
  }
  BOOST_TEST(!self->has_next_message());
  BOOST_TEST(failures->size() == 1U);
  auto later = self->request(journal, 1min, append("c"));
  settle();
  BOOST_TEST(!self->has_next_message());
  BOOST_TEST(!ask<answered>(journal, describe_actor{}).ok());
  BOOST_TEST(!ask<writer_enrolled>(journal, enrol_writer{"queue/alz"}).ok());
  advance(2min);
  BOOST_TEST(failures->size() == 1U);
  const auto no_answer = [](const entries_committed&) { BOOST_ERROR("answered"); };
  const auto timeout = [](const caf::error& problem) { BOOST_TEST((problem == caf::sec::request_timeout)); };
  first.receive(no_answer, timeout);
  second.receive(no_answer, timeout);
  later.receive(no_answer, timeout);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
