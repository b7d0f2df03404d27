#include "tools/client/download_receiver.hpp"

#include <boost/test/unit_test.hpp>
#include <map>

#include "tests/client/sealed_download.hpp"

using namespace penstock::client;
using namespace penstock::client::testing;
using penstock::messages::errc;

namespace {

/// Keeps the plain bytes of finished objects.
class memory_store : public object_store {
 public:
  result<void> begin(const arriving_object& object) override {
    index_ = object.index;
    plain_.clear();
    return {};
  }
  result<void> take(std::uint64_t, std::span<const std::uint8_t>, std::uint64_t offset,
                    std::span<const std::uint8_t> plain) override {
    BOOST_TEST(offset == plain_.size());
    plain_.append(reinterpret_cast<const char*>(plain.data()), plain.size());
    return {};
  }
  result<void> finish() override {
    finished[index_] = plain_;
    return {};
  }
  void discard() override { ++discarded; }
  result<void> flush() override { return {}; }

  std::map<std::uint32_t, std::string> finished;
  int discarded = 0;

 private:
  std::uint32_t index_ = 0;
  std::string plain_;
};

struct receiving {
  sealed_download sent{two_patients()};
  memory_store store;
  download_receiver receiver{sent.facts(), store};
  static constexpr std::size_t all = 100'000;

  errc refusal_of(const result<bool>& fed) {
    BOOST_REQUIRE(!fed.ok());
    return fed.error().code;
  }
};

}  // namespace

BOOST_TEST_DONT_PRINT_LOG_VALUE(penstock::messages::errc)

BOOST_FIXTURE_TEST_SUITE(download_receiving, receiving)

BOOST_AUTO_TEST_CASE(hands_over_every_object_as_it_was_sealed) {
  auto fed = sent.feed(receiver, {}, all);
  BOOST_REQUIRE(fed.ok());
  BOOST_TEST(receiver.objects_finished() == 5u);
  BOOST_TEST(receiver.sealed_bytes_received() == sent.facts().bytes);
  BOOST_TEST(receiver.missing().empty());
  for (std::size_t i = 0; i < 5; ++i) BOOST_TEST(store.finished.at(static_cast<std::uint32_t>(i + 1)) == sent.plain(i));
}

BOOST_AUTO_TEST_CASE(goes_on_at_every_segment_after_a_lost_connection) {
  for (std::size_t cut = 0; cut <= sent.segments().size(); ++cut) {
    memory_store fresh;
    download_receiver cut_off{sent.facts(), fresh};
    BOOST_REQUIRE(sent.feed(cut_off, {}, cut).ok());
    auto rest = sent.feed(cut_off, cut_off.position(), all);
    BOOST_REQUIRE(rest.ok());
    BOOST_TEST(fresh.finished.size() == 6u);
    BOOST_TEST(cut_off.sealed_bytes_received() == sent.facts().bytes);
  }
}

BOOST_AUTO_TEST_CASE(refuses_a_segment_with_one_bit_changed) {
  for (std::size_t position = 0; position < sent.segments().size(); ++position) {
    memory_store fresh;
    download_receiver one{sent.facts(), fresh};
    BOOST_REQUIRE(sent.feed(one, {}, position).ok());
    auto altered = sent.segments()[position];
    altered.bytes.back() ^= 1;
    if (altered.segment == 0) BOOST_REQUIRE(one.on_object(altered.object, sent.sealed_bytes()[altered.object]).ok());
    auto taken = one.on_segment(altered.object, altered.segment, altered.bytes);
    BOOST_REQUIRE(!taken.ok());
    BOOST_TEST(taken.error().code == errc::authentication_failed);
  }
}

BOOST_AUTO_TEST_CASE(refuses_segments_that_are_cut_repeated_or_of_another_object) {
  BOOST_REQUIRE(sent.feed(receiver, {}, 1).ok());
  const auto& second = sent.segments()[1];
  auto cut = second.bytes;
  cut.pop_back();
  BOOST_TEST(receiver.on_segment(0, 1, cut).error().code == errc::authentication_failed);
  BOOST_TEST(receiver.on_segment(0, 0, sent.segments()[0].bytes).error().code == errc::corrupt);
  BOOST_TEST(receiver.on_segment(1, 1, second.bytes).error().code == errc::corrupt);
  BOOST_TEST(receiver.on_segment(0, 1, sent.segments()[2].bytes).error().code == errc::authentication_failed);
}

BOOST_AUTO_TEST_CASE(refuses_a_download_under_another_key) {
  auto facts = sent.copy_of_facts();
  facts.key = penstock::storage::secret_bytes::random(16);
  download_receiver foreign{facts, store};
  BOOST_TEST(refusal_of(sent.feed(foreign, {}, all)) == errc::authentication_failed);
}

BOOST_AUTO_TEST_CASE(refuses_objects_that_its_manifest_does_not_know) {
  BOOST_TEST(receiver.on_object(1, sent.sealed_bytes()[1]).error().code == errc::corrupt);
  auto fed = sent.feed(receiver, {}, all);
  BOOST_REQUIRE(fed.ok());
  BOOST_TEST(receiver.on_object(6, sent.sealed_bytes()[5]).error().code == errc::corrupt);
}

BOOST_AUTO_TEST_CASE(refuses_an_object_of_another_size_than_its_manifest_says) {
  const sealed_download two{
      {{"1", "1.1", "1.1.1", "1.1.1.1", 1, 1, 500, ""}, {"1", "1.1", "1.1.1", "1.1.1.2", 1, 2, 700, ""}}};
  download_receiver one{two.facts(), store};
  std::size_t manifest_segments = 0;
  while (two.segments()[manifest_segments].object == 0) ++manifest_segments;
  BOOST_REQUIRE(two.feed(one, {}, manifest_segments).ok());
  BOOST_TEST(one.on_object(1, two.sealed_bytes()[2]).error().code == errc::corrupt);
}

BOOST_AUTO_TEST_CASE(does_not_take_an_early_end_for_success) {
  BOOST_TEST(receiver.on_end().error().code == errc::corrupt);
  BOOST_REQUIRE(sent.feed(receiver, {}, 8).ok());
  if (receiver.position().segment != 0) BOOST_TEST(receiver.on_end().error().code == errc::corrupt);
  while (receiver.position().segment != 0 || receiver.position().object == 0)
    BOOST_REQUIRE(sent.feed(receiver, receiver.position(), 1).ok());
  BOOST_REQUIRE(receiver.on_end().ok());
  BOOST_TEST(receiver.missing().size() == 5u - receiver.objects_finished());
  BOOST_TEST(!receiver.missing().empty());
}

BOOST_AUTO_TEST_CASE(counts_what_the_server_could_not_send) {
  auto instances = two_patients();
  instances[1].error = "not_found";
  const sealed_download partly{instances};
  download_receiver one{partly.facts(), store};
  BOOST_REQUIRE(partly.feed(one, {}, all).ok());
  BOOST_TEST(one.missing() == std::vector<std::uint32_t>{2}, boost::test_tools::per_element());
  BOOST_TEST(one.objects_finished() == 4u);
}

BOOST_AUTO_TEST_CASE(drops_an_object_that_fails_in_its_middle) {
  while (receiver.position() != download_position{1, 2})
    BOOST_REQUIRE(sent.feed(receiver, receiver.position(), 1).ok());
  BOOST_REQUIRE(receiver.on_missing(1).ok());
  BOOST_TEST(store.discarded == 1);
  BOOST_REQUIRE(sent.feed(receiver, receiver.position(), all).ok());
  BOOST_TEST(receiver.missing() == std::vector<std::uint32_t>{1}, boost::test_tools::per_element());
  BOOST_TEST(receiver.on_missing(0).error().code == errc::corrupt);
}

BOOST_AUTO_TEST_SUITE_END()
