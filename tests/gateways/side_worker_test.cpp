#include "gateways/side_worker.hpp"

#include <poll.h>
#include <boost/test/unit_test.hpp>
#include <future>
#include <thread>

namespace penstock::gateways {
namespace {

bool readable(const side_worker& worker) {
  pollfd item{worker.descriptor(), POLLIN, 0};
  return ::poll(&item, 1, 10'000) == 1;
}

BOOST_AUTO_TEST_SUITE(side_worker_suite)

BOOST_AUTO_TEST_CASE(runs_a_job_beside_and_its_completion_in_the_loop) {
  side_worker worker{4};
  std::thread::id job_thread;
  std::thread::id completion_thread;
  BOOST_TEST(worker.post([&]() -> side_worker::completion {
    job_thread = std::this_thread::get_id();
    return [&] { completion_thread = std::this_thread::get_id(); };
  }));
  BOOST_REQUIRE(readable(worker));
  worker.drain();
  BOOST_TEST((completion_thread == std::this_thread::get_id()));
  BOOST_TEST((job_thread != completion_thread));
}

BOOST_AUTO_TEST_CASE(refuses_more_jobs_than_may_wait) {
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  std::promise<void> begun;
  side_worker worker{2};
  BOOST_TEST(worker.post([&]() -> side_worker::completion {
    begun.set_value();
    opened.wait();
    return [] {};
  }));
  begun.get_future().wait();
  BOOST_TEST(worker.post([] { return side_worker::completion{[] {}}; }));
  BOOST_TEST(worker.post([] { return side_worker::completion{[] {}}; }));
  BOOST_TEST(!worker.post([] { return side_worker::completion{[] {}}; }));
  gate.set_value();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::gateways
