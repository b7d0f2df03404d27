#include "tools/dimse/image_sender.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace penstock::dimse;
using penstock::messages::errc;

BOOST_TEST_DONT_PRINT_LOG_VALUE(penstock::messages::errc)

BOOST_AUTO_TEST_SUITE(image_senders)

BOOST_AUTO_TEST_CASE(a_viewer_is_on_this_machine) {
  const auto viewer = parse_viewer("SLICER@localhost:11112").value();
  BOOST_TEST(viewer.address == "127.0.0.1");
  BOOST_TEST(viewer.called_ae == "SLICER");
  BOOST_TEST(viewer.port == 11112);
  BOOST_TEST(parse_viewer("A@127.1.2.3:1").ok());
  for (const auto* bad : {"", "A", "A@", "A@127.0.0.1", "@127.0.0.1:1", "A@127.0.0.1:0", "A@127.0.0.1:65536",
                          "A@127.0.0.1:1x", "SEVENTEEN-LETTERS@127.0.0.1:1", "A B@127.0.0.1:1", "A@0.0.0.0:1",
                          "A@10.0.0.1:104", "A@pacs.example:104", "A@127.0.0.1.evil.example:104", "A@::1:104"})
    BOOST_TEST(parse_viewer(bad).error().code == errc::bad_request, bad);
}

BOOST_AUTO_TEST_CASE(offers_one_context_for_each_kind_and_reads_which_were_taken) {
  const auto pdu = associate_request({"127.0.0.1", 1, "A", "B"}, {{"1.2", "1.3"}, {"1.4", "1.5"}});
  BOOST_TEST(std::to_integer<int>(pdu[0]) == 1);
  std::vector<std::byte> answer(68);
  for (const int id : {1, 3})
    for (const int byte : {0x21, 0, 0, 4, id, 0, id == 1 ? 0 : 3, 0}) answer.push_back(static_cast<std::byte>(byte));
  for (const int byte : {0x50, 0, 0, 8, 0x51, 0, 0, 4, 0, 0, 0x40, 0}) answer.push_back(static_cast<std::byte>(byte));
  const auto accepted = read_acceptance(answer);
  BOOST_TEST(accepted.contexts.at(1));
  BOOST_TEST(!accepted.contexts.at(3));
  BOOST_TEST(accepted.most_pdu_bytes == 0x4000u);
  for (std::size_t size = 0; size < answer.size(); ++size)
    BOOST_TEST(read_acceptance(std::span{answer}.first(size)).contexts.size() <= 2u);
}

BOOST_AUTO_TEST_CASE(an_answer_without_a_status_is_refused) {
  for (std::size_t size = 0; size < 40; ++size)
    BOOST_TEST(!status_of(std::vector<std::byte>(size, std::byte{0xff})).ok());
}

BOOST_AUTO_TEST_SUITE_END()
