#include "gateways/segment_pool.hpp"

#include <poll.h>

#include <boost/test/unit_test.hpp>

using namespace penstock::gateways;

namespace {

struct pool_of_two {
  std::shared_ptr<wake_event> wake = std::make_shared<wake_event>();
  std::shared_ptr<segment_pool> pool = std::make_shared<segment_pool>(100, 2, wake);
  std::shared_ptr<std::atomic<std::uint32_t>> in_flight = std::make_shared<std::atomic<std::uint32_t>>(0);

  [[nodiscard]] bool is_signalled() const {
    pollfd item{wake->descriptor(), POLLIN, 0};
    return ::poll(&item, 1, 0) == 1;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(segment_pool_suite, pool_of_two)

BOOST_AUTO_TEST_CASE(a_lease_counts_until_it_is_back) {
  {
    const auto lease = pool->lend(in_flight);
    BOOST_TEST(lease->bytes().size() == 100u);
    BOOST_TEST(*in_flight == 1u);
  }
  BOOST_TEST(*in_flight == 0u);
}

BOOST_AUTO_TEST_CASE(the_last_buffer_back_is_the_next_one_out) {
  auto one = pool->lend(in_flight);
  auto two = pool->lend(in_flight);
  const auto* const last = two->bytes().data();
  one.reset();
  two.reset();
  BOOST_TEST(pool->lend(in_flight)->bytes().data() == last);
}

BOOST_AUTO_TEST_CASE(keeps_no_more_than_it_may) {
  {
    const auto one = pool->lend(in_flight);
    const auto two = pool->lend(in_flight);
    const auto three = pool->lend(in_flight);
  }
  BOOST_TEST(pool->kept() == 2u);
}

BOOST_AUTO_TEST_CASE(signals_once_when_asked_to) {
  pool->lend(in_flight).reset();
  BOOST_TEST(!is_signalled());
  pool->wake_when_one_is_back();
  pool->lend(in_flight).reset();
  BOOST_TEST(is_signalled());
  wake->clear();
  pool->lend(in_flight).reset();
  BOOST_TEST(!is_signalled());
}

BOOST_AUTO_TEST_CASE(a_buffer_may_come_back_after_everybody_else_has_gone) {
  auto lease = pool->lend(in_flight);
  pool.reset();
  lease->bytes()[99] = 1;
  lease.reset();
  BOOST_TEST(*in_flight == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
