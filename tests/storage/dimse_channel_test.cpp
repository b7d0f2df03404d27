#include "storage/dimse_channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(dimse_channel)

using namespace penstock;
using messages::errc;

namespace {

struct both_ends {
  both_ends() : pair(storage::dimse_channel_pair().value()) {}
  std::pair<storage::descriptor, storage::descriptor> pair;
  storage::dimse_channel parent{std::move(pair.first)};
  storage::dimse_channel child{std::move(pair.second)};
};

}  // namespace

BOOST_AUTO_TEST_CASE(carries_messages_one_a_packet) {
  both_ends ends;
  messages::find_row row;
  row.query = 3;
  row.attributes.emplace("PatientName", messages::protected_text{"Yamada^Tarou=山田^太郎"});
  BOOST_REQUIRE(ends.child.tell(row));
  BOOST_REQUIRE(ends.child.tell(messages::find_ended{messages::peer_outcome::timed_out, 1, "silent"}));
  auto first = ends.parent.receive();
  BOOST_REQUIRE(first && *first);
  BOOST_TEST((*first)->kind == "find_row");
  const auto decoded = storage::decode_dimse<messages::find_row>((*first)->text);
  BOOST_REQUIRE(decoded);
  BOOST_TEST(decoded->query == 3U);
  BOOST_TEST(decoded->attributes.at("PatientName").reveal() == "Yamada^Tarou=山田^太郎");
  auto second = ends.parent.receive();
  const auto ended = storage::decode_dimse<messages::find_ended>((*second)->text);
  BOOST_TEST((ended->outcome == messages::peer_outcome::timed_out));
  BOOST_TEST(!*ends.parent.receive());
}

BOOST_AUTO_TEST_CASE(carries_a_descriptor_along) {
  both_ends ends;
  std::array<int, 2> pipe{};
  BOOST_REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  const storage::descriptor readable{pipe[0]};
  storage::descriptor writable{pipe[1]};
  BOOST_REQUIRE(ends.parent.tell(messages::store_decision{}, writable.get()));
  writable.reset();
  auto packet = ends.child.receive();
  BOOST_REQUIRE(packet && *packet && (*packet)->attached);
  BOOST_TEST((::fcntl((*packet)->attached.get(), F_GETFD) & FD_CLOEXEC) != 0);
  BOOST_TEST(::write((*packet)->attached.get(), "x", 1) == 1);
  char byte = 0;
  BOOST_TEST(::read(readable.get(), &byte, 1) == 1);
}

BOOST_AUTO_TEST_CASE(says_when_the_other_side_has_closed) {
  both_ends ends;
  { const auto gone = std::move(ends.child); }
  BOOST_TEST((ends.parent.receive().error().code == errc::not_found));
  BOOST_TEST(!ends.parent.tell(messages::go{}));
}

BOOST_AUTO_TEST_CASE(sends_nothing_over_the_limit_and_takes_nothing_over_it) {
  auto [ours, theirs] = storage::dimse_channel_pair().value();
  const int raw = ours.get();
  storage::dimse_channel child{std::move(theirs)};
  storage::dimse_channel parent{std::move(ours)};
  const std::string large(messages::most_dimse_message_bytes + 1, ' ');
  BOOST_TEST((parent.send(large).error().code == errc::too_large));
  BOOST_REQUIRE(::send(raw, large.data(), large.size(), 0) > 0);
  BOOST_TEST((child.receive().error().code == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(takes_no_packet_that_is_no_message) {
  for (const auto* text : {"x", "[]", "{}", "{\"kind\":1}", "{\"kind\":\"\"}"}) {
    both_ends ends;
    BOOST_REQUIRE(ends.child.send(text));
    BOOST_TEST((ends.parent.receive().error().code == errc::corrupt));
  }
}

BOOST_AUTO_TEST_CASE(decodes_only_the_kind_that_was_asked_for) {
  const auto text = storage::encode_dimse(messages::go{5});
  BOOST_TEST(storage::decode_dimse<messages::go>(text)->send_before_boottime_ns == 5);
  BOOST_TEST(!storage::decode_dimse<messages::cancel>(text));
  BOOST_TEST(!storage::decode_dimse<messages::go>("{\"kind\":\"go\",\"send_before_boottime_ns\":\"soon\"}"));
}

BOOST_AUTO_TEST_CASE(the_largest_messages_fit) {
  messages::move_done done;
  done.failed_uids.assign(messages::most_dimse_uids, messages::dicom_uid{std::string(64, '1')});
  BOOST_TEST(storage::encode_dimse(done).size() < messages::most_dimse_message_bytes);
}

BOOST_AUTO_TEST_SUITE_END()
