#include "actors/breaker_policy.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

using namespace penstock::actors;
using std::chrono::milliseconds;

namespace {

using breaker = penstock::actors::breaker_policy;

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr milliseconds quick{40};
constexpr milliseconds slow{4'200};

void fail(breaker& one, std::uint32_t times, std::int64_t now_ns = 0) {
  for (std::uint32_t i = 0; i < times; ++i) (void)one.retrieval_failed(now_ns, "the association was lost");
}

bool may_start(const breaker& one) { return one.state(0, true).may_start; }

/// Seconds from a trip or a failed probe at `now_ns` until the next probe.
std::int64_t delay_s(const breaker& one, std::int64_t now_ns) {
  return (one.state(now_ns, true).next_probe_at_ns - now_ns) / second_ns;
}

/// Waits for the next probe and lets it find nobody; when that was.
std::int64_t probe_in_vain(breaker& one) {
  const auto at = one.state(0, true).next_probe_at_ns;
  one.probe_sent(at);
  BOOST_TEST((one.no_answer(at, "") == breaker_change::none));
  return at;
}

/// A PACS and a caller at their worst: any fact at any time. What a caller must be able to rely on is checked at every
/// step, from nothing but what it was told before.
class breaker_world {
 public:
  explicit breaker_world(std::uint32_t seed) : random_(seed) {}

  std::string run(int events) {
    for (int i = 0; i < events; ++i) {
      now_ns_ += draw(3) * draw(100) * second_ns;
      const auto before = one_.state(now_ns_, true);
      const auto fact = draw(7);
      const auto change = happen(fact, before);
      const auto after = one_.state(now_ns_, true);
      if (auto fault = judge(fact, before, after, change); !fault.empty())
        return "event " + std::to_string(i) + ": " + fault;
    }
    return can_return() ? "" : "it never comes back";
  }
  int trips = 0;
  int returns = 0;

 private:
  enum fact_kind { probe, answer, slow_answer, silence, failure, success, refusal, resumption };

  breaker_change happen(int fact, const breaker_state& before) {
    switch (fact) {
      case probe:
        if (before.probe_due) one_.probe_sent(now_ns_);
        probed_ = probed_ || (before.probe_due && !before.may_start);
        return breaker_change::none;
      case answer:
        return one_.echo_answered(now_ns_, quick);
      case slow_answer:
        return one_.echo_answered(now_ns_, slow);
      case silence:
        return one_.no_answer(now_ns_, "");
      case failure:
        return one_.retrieval_failed(now_ns_, "");
      case success:
        one_.retrieval_ended_well();
        return breaker_change::none;
      case refusal:
        if (draw(3) > 0) return breaker_change::none;
        refused_ = true;
        return one_.refused_for_good("it does not know us");
      default:
        refused_ = false;
        return one_.resume();
    }
  }

  std::string judge(int fact, const breaker_state& before, const breaker_state& after, breaker_change change) {
    if (after.may_start != after.reason.empty()) return "a reason without a trip, or a trip without a reason";
    if ((change == breaker_change::tripped) != (before.may_start && !after.may_start)) return "an untold trip";
    if ((change == breaker_change::returned) != (!before.may_start && after.may_start)) return "an untold return";
    if (refused_ && (after.may_start || after.next_probe_at_ns != never_ns)) return "asked though it was refused";
    if (change == breaker_change::returned && fact != resumption && (fact != answer || !probed_))
      return "came back without a probe that was answered";
    if (change == breaker_change::tripped && fact != refusal &&
        (after.probe_due || after.next_probe_at_ns < now_ns_ + 5 * second_ns))
      return "probed too early";
    if (after.next_probe_at_ns != never_ns && after.next_probe_at_ns > now_ns_ + 300 * second_ns)
      return "probed too late";
    trips += change == breaker_change::tripped ? 1 : 0;
    returns += change == breaker_change::returned ? 1 : 0;
    if (fact == silence || fact == slow_answer || after.may_start) probed_ = false;
    return "";
  }

  /// However it got here, the PACS is well now and an administrator has had a look.
  bool can_return() {
    if (refused_) (void)one_.resume();
    for (int i = 0; i < 2 && !may_start(one_); ++i) {
      now_ns_ = std::max(now_ns_, one_.state(now_ns_, true).next_probe_at_ns);
      one_.probe_sent(now_ns_);
      (void)one_.echo_answered(now_ns_, quick);
    }
    return may_start(one_);
  }

  int draw(int most) { return std::uniform_int_distribution<int>{0, most}(random_); }

  std::mt19937 random_;
  breaker one_;
  std::int64_t now_ns_ = 0;
  bool refused_ = false;
  bool probed_ = false;  ///< since the trip, and nothing was heard yet
};

}  // namespace

BOOST_AUTO_TEST_SUITE(breaker_policy)

BOOST_AUTO_TEST_CASE(lets_everything_start_until_something_is_wrong) {
  breaker one;
  BOOST_TEST(may_start(one));
  BOOST_TEST(one.state(0, true).reason.empty());
  BOOST_TEST((one.echo_answered(0, quick) == breaker_change::none));
  fail(one, 4);
  one.retrieval_ended_well();
  fail(one, 4);
  BOOST_TEST(may_start(one));
}

BOOST_AUTO_TEST_CASE(trips_when_so_many_retrievals_in_a_row_have_failed) {
  breaker one;
  fail(one, 4);
  BOOST_TEST((one.retrieval_failed(0, "") == breaker_change::tripped));
  BOOST_TEST(!may_start(one));
  BOOST_TEST(one.state(0, true).reason == "tripped: 5 retrievals in a row failed");
  breaker strict;
  strict.set_limits({.failures_in_a_row = 1});
  BOOST_TEST((strict.retrieval_failed(0, "the association was lost") == breaker_change::tripped));
  BOOST_TEST(strict.state(0, true).reason ==
             "tripped: 1 retrievals in a row failed, the last: the association was lost");
}

BOOST_AUTO_TEST_CASE(trips_on_a_slow_echo_and_says_how_slow_it_was) {
  breaker one;
  BOOST_TEST((one.echo_answered(0, milliseconds{3'000}) == breaker_change::none));
  BOOST_TEST((one.echo_answered(0, slow) == breaker_change::tripped));
  BOOST_TEST(one.state(0, true).reason == "C-ECHO took 4,200 ms (threshold 3,000 ms)");
  breaker patient;
  patient.set_limits({.slowest_echo = milliseconds{5'000}});
  BOOST_TEST((patient.echo_answered(0, slow) == breaker_change::none));
}

BOOST_AUTO_TEST_CASE(probes_a_silent_pacs_more_and_more_rarely) {
  breaker one;
  BOOST_TEST((one.no_answer(0, "the PACS does not answer") == breaker_change::tripped));
  BOOST_TEST(one.state(0, true).reason == "the PACS does not answer");
  BOOST_TEST(!one.state(5 * second_ns - 1, true).probe_due);
  BOOST_TEST(one.state(5 * second_ns, true).probe_due);
  BOOST_TEST(delay_s(one, 0) == 5);
  for (const std::int64_t expected : {10, 20, 40, 80, 160, 300, 300})
    BOOST_TEST(delay_s(one, probe_in_vain(one)) == expected);
}

BOOST_AUTO_TEST_CASE(probes_as_the_rules_say) {
  breaker one;
  one.set_limits(
      {.first_probe = milliseconds{2'000}, .longest_probe = milliseconds{7'000}, .watch = milliseconds{9'000}});
  (void)one.echo_answered(0, quick);
  BOOST_TEST(delay_s(one, 0) == 9);
  (void)one.no_answer(0, "");
  BOOST_TEST(delay_s(one, 0) == 2);
  for (const std::int64_t expected : {4, 7, 7}) BOOST_TEST(delay_s(one, probe_in_vain(one)) == expected);
}

BOOST_AUTO_TEST_CASE(probes_a_pacs_that_is_down_for_a_day_at_most_300_times) {
  breaker one;
  (void)one.no_answer(0, "");
  int probes = 0;
  while (probe_in_vain(one) < 86'400 * second_ns) ++probes;
  BOOST_TEST(probes <= 300);
}

BOOST_AUTO_TEST_CASE(comes_back_when_a_probe_is_answered_in_time) {
  breaker one;
  (void)one.no_answer(0, "");
  one.probe_sent(5 * second_ns);
  BOOST_TEST(!one.state(6 * second_ns, true).may_start);
  BOOST_TEST(!one.state(6 * second_ns, true).probe_due);
  BOOST_TEST((one.echo_answered(7 * second_ns, quick) == breaker_change::returned));
  BOOST_TEST(may_start(one));
}

BOOST_AUTO_TEST_CASE(does_not_believe_an_echo_that_was_sent_before_the_trip) {
  breaker one;
  one.probe_sent(0);
  fail(one, 5);
  BOOST_TEST((one.echo_answered(0, quick) == breaker_change::none));
  BOOST_TEST(!may_start(one));
}

BOOST_AUTO_TEST_CASE(what_was_in_flight_at_the_trip_does_not_lengthen_it) {
  breaker one;
  (void)one.no_answer(0, "");
  for (int i = 0; i < 3; ++i) (void)one.no_answer(second_ns, "");
  fail(one, 9, second_ns);
  BOOST_TEST(delay_s(one, 0) == 5);
}

BOOST_AUTO_TEST_CASE(asks_again_when_the_result_of_a_probe_is_lost) {
  breaker one;
  (void)one.no_answer(0, "");
  one.probe_sent(5 * second_ns);
  BOOST_TEST(!one.state(124 * second_ns, true).probe_due);
  BOOST_TEST(one.state(125 * second_ns, true).probe_due);
}

BOOST_AUTO_TEST_CASE(a_pacs_that_answers_echoes_and_fails_the_rest_is_tried_once_a_time) {
  breaker one;
  fail(one, 5);
  std::int64_t now_ns = 0;
  for (const std::int64_t expected : {5, 10, 20, 40, 80, 160, 300, 300}) {
    BOOST_TEST(delay_s(one, now_ns) == expected);
    now_ns = one.state(now_ns, true).next_probe_at_ns;
    one.probe_sent(now_ns);
    BOOST_TEST((one.echo_answered(now_ns, quick) == breaker_change::returned));
    BOOST_TEST((one.retrieval_failed(now_ns, "") == breaker_change::tripped));
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_for_good_waits_for_an_administrator) {
  breaker one;
  BOOST_TEST((one.refused_for_good("the PACS does not know our move destination PENSTOCK (0xA801)") ==
              breaker_change::tripped));
  const auto state = one.state(0, true);
  BOOST_TEST(!state.may_start);
  BOOST_TEST(!state.probe_due);
  BOOST_TEST(state.next_probe_at_ns == never_ns);
  BOOST_TEST(state.reason ==
             "tripped: the PACS does not know our move destination PENSTOCK (0xA801); an administrator must resume it");
  BOOST_TEST((one.echo_answered(0, quick) == breaker_change::none));
  one.retrieval_ended_well();
  BOOST_TEST(!may_start(one));
  BOOST_TEST((one.resume() == breaker_change::returned));
  BOOST_TEST(may_start(one));
}

BOOST_AUTO_TEST_CASE(an_administrator_can_close_it_at_any_time_and_clears_its_memory) {
  breaker one;
  fail(one, 5);
  BOOST_TEST((one.resume() == breaker_change::returned));
  BOOST_TEST((one.resume() == breaker_change::none));
  fail(one, 4);
  BOOST_TEST(may_start(one));
  fail(one, 1);
  BOOST_TEST(delay_s(one, 0) == 5);
}

BOOST_AUTO_TEST_CASE(looks_at_the_latency_of_a_pacs_in_use_and_leaves_an_idle_one_alone) {
  breaker one;
  BOOST_TEST(one.state(0, true).probe_due);
  one.probe_sent(0);
  (void)one.echo_answered(second_ns, quick);
  BOOST_TEST(!one.state(60 * second_ns, true).probe_due);
  BOOST_TEST(one.state(61 * second_ns, true).probe_due);
  BOOST_TEST(!one.state(61 * second_ns, false).probe_due);
  BOOST_TEST(one.state(61 * second_ns, false).next_probe_at_ns == never_ns);
}

BOOST_AUTO_TEST_CASE(keeps_its_word_whatever_happens) {
  int trips = 0;
  int returns = 0;
  for (std::uint32_t seed = 0; seed < 5'000; ++seed) {
    breaker_world world{seed};
    const auto fault = world.run(100);
    BOOST_REQUIRE_MESSAGE(fault.empty(), "history " + std::to_string(seed) + ", " + fault);
    trips += world.trips;
    returns += world.returns;
  }
  BOOST_TEST(trips > 40'000);
  BOOST_TEST(returns > 40'000);
}

BOOST_AUTO_TEST_SUITE_END()
