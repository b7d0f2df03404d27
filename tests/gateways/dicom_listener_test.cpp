#include "gateways/dicom_listener.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "actors/system_config.hpp"
#include "messages/actor_errors.hpp"
#include "storage/pack_reader.hpp"
#include "tests/gateways/dicom_sender.hpp"
#include "tests/gateways/dimse_owner.hpp"

BOOST_AUTO_TEST_SUITE(dicom_listener)

using namespace penstock;
using namespace penstock::gateways::testing;
using messages::dicom_uid;

namespace {

struct fixture {
  fixture() {
    std::string pattern = std::filesystem::temp_directory_path() / "penstock-listener-XXXXXX";
    directory = ::mkdtemp(pattern.data());
    gateways::dicom_listener_options options;
    options.program = PENSTOCK_PROGRAM_DIR "/penstock-dimse";
    options.child_memory_bytes = 0;
    options.most_associations_per_peer = 2;
    options.close_patience = std::chrono::milliseconds{1'500};
    listener = gateways::dicom_listener::start(system, options).value();
    owner = spawn_owner(system, notes);
  }
  ~fixture() {
    listener.reset();
    std::filesystem::remove_all(directory);
  }

  /// Asked as the owner would, so that reports go to it.
  void expect(std::uint64_t ticket, const std::string& study) {
    messages::expect_arrivals what;
    what.owner = "mgh-rad";
    what.ticket = ticket;
    what.ae_title = "MGHPACS";
    what.study = dicom_uid{study};
    what.patient.patient_id = messages::protected_text{"0012345"};
    what.directory = directory;
    what.stem = "p" + std::to_string(ticket);
    caf::send_as(owner, listener->handle(), std::move(what));
    // The loop handles messages in order: once it describes itself, it expects.
    ask(messages::describe_actor{}, [](const messages::answered&) {});
  }
  std::vector<std::string> stop(std::uint64_t ticket) {
    std::vector<std::string> parts;
    ask(messages::stop_arrivals{"mgh-rad", ticket},
        [&parts](const messages::arrivals_stopped& stopped) { parts = stopped.parts; });
    return parts;
  }
  template <class Question, class Answer>
  void ask(Question question, Answer on_answer) {
    caf::scoped_actor self{system};
    self->request(listener->handle(), std::chrono::seconds{20}, std::move(question))
        .receive(on_answer, [](const caf::error& problem) { BOOST_ERROR(caf::to_string(problem)); });
  }
  std::set<std::string> instances_in(const std::string& part) const {
    std::set<std::string> uids;
    auto reader = storage::pack_reader::open(directory / part);
    BOOST_REQUIRE(reader);
    const auto contents = reader->list();
    BOOST_REQUIRE(contents);
    for (const auto& record : contents->records) {
      BOOST_TEST(reader->verify(record).ok());
      uids.insert(record.sop_instance.reveal());
    }
    return uids;
  }
  /// Sums over the reports on a ticket; under the lock of the notes.
  [[nodiscard]] messages::instances_arrived sum(std::uint64_t ticket) const {
    messages::instances_arrived all;
    for (const auto& one : notes.arrivals) {
      if (one.ticket != ticket) continue;
      all.instances += one.instances;
      all.bytes += one.bytes;
      all.refused += one.refused;
      all.open_associations = one.open_associations;
    }
    return all;
  }

  owner_notes notes;
  std::filesystem::path directory;
  actors::system_config config;
  caf::actor_system system{config};
  std::unique_ptr<gateways::dicom_listener> listener;
  caf::actor owner;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(writes_what_is_expected_and_refuses_the_rest, fixture) {
  expect(1, "1.2.3");
  dicom_sender sender{listener->port()};
  BOOST_REQUIRE(sender.accepted());
  BOOST_TEST(sender.store("1.2.3", "1.2.3.1", "0012345") == 0x0000);
  BOOST_TEST(sender.store("1.2.3", "1.2.3.2", "9999999") == 0xc101);
  BOOST_TEST(sender.store("7.7.7", "7.7.7.1", "0012345") == 0x0124);
  BOOST_TEST(sender.store("1.2.3", "1.2.3.3", "0012345") == 0x0000);
  BOOST_TEST(notes.wait([&] { return sum(1).instances == 2 && sum(1).refused == 1; }));
  sender.release();
  BOOST_TEST(notes.wait([&] { return sum(1).open_associations == 0; }));
  const auto parts = stop(1);
  BOOST_TEST((parts == std::vector<std::string>{"p1-1.part"}));
  BOOST_TEST((instances_in(parts.at(0)) == std::set<std::string>{"1.2.3.1", "1.2.3.3"}));
}

BOOST_FIXTURE_TEST_CASE(stops_while_the_association_stays_open, fixture) {
  expect(1, "1.2.3");
  dicom_sender sender{listener->port()};
  BOOST_TEST(sender.store("1.2.3", "1.2.3.1", "0012345") == 0x0000);
  const auto parts = stop(1);
  BOOST_REQUIRE_EQUAL(parts.size(), 1U);
  BOOST_TEST(instances_in(parts[0]).size() == 1U);
  BOOST_TEST(sender.store("1.2.3", "1.2.3.2", "0012345") == 0x0124);
  expect(2, "1.2.3");
  BOOST_TEST(stop(2).empty());
}

BOOST_FIXTURE_TEST_CASE(each_association_has_a_part_of_its_own, fixture) {
  expect(1, "1.2.3");
  dicom_sender first{listener->port()};
  dicom_sender second{listener->port()};
  BOOST_TEST(first.store("1.2.3", "1.2.3.1", "0012345") == 0x0000);
  BOOST_TEST(second.store("1.2.3", "1.2.3.2", "0012345") == 0x0000);
  second.vanish();
  first.release();
  const auto parts = stop(1);
  BOOST_REQUIRE_EQUAL(parts.size(), 2U);
  BOOST_TEST((instances_in(parts[0]) == std::set<std::string>{"1.2.3.1"}));
  BOOST_TEST((instances_in(parts[1]) == std::set<std::string>{"1.2.3.2"}));
}

BOOST_FIXTURE_TEST_CASE(holds_a_peer_to_its_share_and_gives_it_back, fixture) {
  dicom_sender first{listener->port()};
  dicom_sender second{listener->port()};
  BOOST_CHECK_THROW(dicom_sender{listener->port()}, std::runtime_error);
  first.release();
  bool again = false;
  for (int attempt = 0; attempt < 200 && !again; ++attempt) try {
      again = dicom_sender{listener->port()}.accepted();
    } catch (const std::runtime_error&) {
    }
  BOOST_TEST(again);
}

BOOST_FIXTURE_TEST_CASE(rejects_who_calls_another_title, fixture) {
  BOOST_TEST(!dicom_sender(listener->port(), "OTHER").accepted());
}

BOOST_FIXTURE_TEST_CASE(a_title_that_belongs_to_tls_is_of_no_use_in_the_clear, fixture) {
  // It stays: the end of its child would interrupt the next one's wait for an answer.
  const dicom_sender before{listener->port()};
  BOOST_TEST(before.accepted());
  conf::pacs pacs;
  pacs.id = pacs.ae_title = "SENDER";
  pacs.tls = conf::tls_files{"ca.pem", "own.pem", "own.key"};
  auto rules = std::make_shared<conf::rules>();
  rules->pacs["SENDER"] = pacs;
  caf::anon_send(listener->handle(), messages::rules_published{rules, nullptr});
  ask(messages::describe_actor{}, [](const messages::answered&) {});
  BOOST_TEST(!dicom_sender(listener->port()).accepted());
  BOOST_TEST_MESSAGE("and without files of our own, nothing can come from it by C-MOVE");
  caf::scoped_actor self{system};
  messages::expect_arrivals what;
  what.owner = "SENDER";
  self->request(listener->handle(), std::chrono::seconds{20}, what)
      .receive([](const messages::arrivals_expected&) { BOOST_ERROR("expected"); },
               [](const caf::error& problem) {
                 const auto told = messages::from_caf(problem, "expect");
                 BOOST_TEST((told.code == messages::errc::bad_configuration));
                 BOOST_TEST(told.context.find("no tls") != std::string::npos);
               });
}

BOOST_FIXTURE_TEST_CASE(disowned_arrivals_are_over, fixture) {
  expect(1, "1.2.3");
  dicom_sender sender{listener->port()};
  BOOST_TEST(sender.store("1.2.3", "1.2.3.1", "0012345") == 0x0000);
  caf::anon_send(listener->handle(), messages::disown_dimse{"mgh-rad"});
  ask(messages::describe_actor{},
      [](const messages::answered& said) { BOOST_TEST((said.json.find("\"expected\":0") != std::string::npos)); });
  BOOST_TEST(stop(1).empty());
}

BOOST_AUTO_TEST_SUITE_END()
