#include "tools/console/journal_tab.hpp"

#include <boost/test/unit_test.hpp>

#include "storage/digest.hpp"
#include "storage/utc_time.hpp"
#include "tests/console/staff_bench.hpp"
#include "tools/client/journal_proof.hpp"

using namespace penstock;
using namespace penstock::console;
using messages::errc;
using messages::fail;
using nlohmann::json;

namespace {

constexpr std::int64_t noon_us = 1'772'971'200'000'000;
constexpr int last = 600;
constexpr std::array kinds{"request.submitted", "request.started", "request.completed", "rules.refused"};

/// A journal that the test keeps: its leaves, and what a server would answer of them.
struct kept_journal {
  const storage::checkpoint_signer signer{storage::secret_bytes{std::vector<std::uint8_t>(32, 7)}};
  std::vector<std::string> leaves;
  std::map<storage::tree_position, storage::tree_hash> nodes;
  storage::merkle_tree tree;

  void write(int seq) {
    const json leaf{{"seq", seq},
                    {"at_us", noon_us + seq * 60'000'000LL},
                    {"kind", kinds[static_cast<std::size_t>(seq) % kinds.size()]},
                    {"user", seq % 3 ? "amy" : "raj"},
                    {"project", "alz-brain"},
                    {"pacs", "gh-rad"},
                    {"request", "alz-brain-" + std::to_string(seq)},
                    {"details", {{"expected", 120}, {"received", seq}}}};
    leaves.push_back(leaf.dump());
    tree.append(storage::hash_of_leaf(leaves.back()), [this](auto at, const auto& hash) { nodes[at] = hash; });
  }
  [[nodiscard]] json entry(int seq) const {
    auto listed = json::parse(leaves.at(static_cast<std::size_t>(seq) - 1));
    listed["at"] = storage::rfc3339_utc(listed["at_us"].get<std::int64_t>());
    listed.erase("at_us");
    if (seq % 4 == 0) listed["identifiers"] = {{"PatientID", "10" + std::to_string(70'000 + seq)}};
    return listed;
  }
  [[nodiscard]] json page(int newest, int oldest) const {
    json made{{"entries", json::array()}, {"size", leaves.size()}};
    for (int seq = newest; seq >= oldest; --seq) made["entries"].push_back(entry(seq));
    if (oldest > 1) made["next"] = "before " + std::to_string(oldest);
    return made;
  }
  [[nodiscard]] json checkpoint() const {
    return {{"checkpoint", signer.sign(tree.size(), tree.root())}, {"key", signer.verifier_key()}};
  }
  [[nodiscard]] json proof(std::uint64_t seq, std::uint64_t old_size = 0) const {
    const auto node = [this](storage::tree_position at) -> messages::result<storage::tree_hash> {
      return nodes.at(at);
    };
    const auto spelled = [](const std::vector<storage::tree_hash>& hashes) {
      auto all = json::array();
      for (const auto& one : hashes) all.push_back(storage::to_hex(one));
      return all;
    };
    json made{{"seq", seq}, {"leaf", leaves.at(seq - 1)}};
    made["inclusion"] = spelled(storage::inclusion_proof(seq - 1, tree.size(), node).value());
    if (old_size > 0) made["consistency"] = spelled(storage::consistency_proof(old_size, tree.size(), node).value());
    return made;
  }
};

struct auditor_bench : kept_journal, console::testing::staff_bench {
  auditor_bench() : staff_bench(staff_roles{false, true}) {
    for (int seq = 1; seq <= last; ++seq) write(seq);
    answer(page(last, last - 499));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(journal_tabs, auditor_bench)

BOOST_AUTO_TEST_CASE(shows_the_newest_entries_first) {
  BOOST_REQUIRE(asked.size() == 1U);
  BOOST_TEST(asked[0].command == "audit.list");
  BOOST_TEST(looks_like("journal"));
}

BOOST_AUTO_TEST_CASE(reads_older_ones_when_somebody_comes_near) {
  BOOST_TEST(shows("500 rows"));
  BOOST_TEST(!timers.contains("journal older"));
  press({"End"});
  timers["journal older"]();
  BOOST_TEST(asked.back().args["cursor"] == "before 101");
  answer(page(100, 1));
  BOOST_TEST(shows("600 rows"));
  press({"m"});
  BOOST_TEST(shows("all entries were read"));
}

BOOST_AUTO_TEST_CASE(proves_an_entry_and_that_the_journal_goes_on) {
  press({"Enter"});
  BOOST_TEST(asked.back().command == "audit.checkpoint");
  answer(checkpoint());
  BOOST_TEST(asked.back().command == "audit.proof");
  BOOST_TEST(asked.back().args == (json{{"seq", last}, {"size", last}}));
  answer(proof(last));
  BOOST_TEST(looks_like("journal_entry"));
  press({"Escape", "Down", "Enter"});
  write(last + 1);
  answer(checkpoint());
  BOOST_TEST(asked.back().args["old_size"] == last);
  answer(proof(last - 1, last));
  BOOST_TEST(shows("they go on from the 600 entries checked before"));
}

BOOST_AUTO_TEST_CASE(says_why_an_entry_is_not_verified) {
  press({"Enter"});
  answer(fail(errc::timed_out, "the connection was lost"));
  BOOST_TEST(shows("not verified: the connection was lost"));
  press({"Escape", "Enter"});
  auto forged = checkpoint();
  forged["checkpoint"].get_ref<std::string&>().replace(forged["checkpoint"].get<std::string>().find("600"), 3, "601");
  answer(forged);
  BOOST_TEST(shows("not verified: checkpoint: it is not signed"));
  press({"Escape", "Enter"});
  answer(checkpoint());
  auto altered = proof(last);
  altered["leaf"].get_ref<std::string&>().replace(altered["leaf"].get<std::string>().find("raj"), 3, "eve");
  answer(altered);
  BOOST_TEST(shows("NOT verified: the entry is not in the tree"));
}

BOOST_AUTO_TEST_CASE(finds_out_that_a_listed_entry_is_another_than_the_proven_one) {
  auto listed = entry(7);
  BOOST_TEST(proof_words(listed, proof(7), client::head_in(checkpoint()).value(), {}).front().starts_with("verified"));
  listed["user"] = "eve";
  BOOST_TEST(
      proof_words(listed, proof(7), client::head_in(checkpoint()).value(), {}).front().starts_with("NOT verified"));
}

BOOST_AUTO_TEST_CASE(finds_out_that_the_journal_was_changed_since) {
  const auto before = client::head_in(checkpoint()).value();
  kept_journal other;
  for (int seq = 2; seq <= last + 2; ++seq) other.write(seq);
  const auto head = client::head_in(other.checkpoint()).value();
  const auto words = proof_words(other.entry(3), other.proof(3, last), head, before);
  BOOST_TEST(words.front().starts_with("NOT verified"));
}

BOOST_AUTO_TEST_CASE(looks_for_entries_by_what_the_command_line_knows_too) {
  press({"F"});
  paste("by=amy kind~request.*");
  press({"Enter"});
  BOOST_TEST(asked.back().args["filter"] == (json{{"user", {{"in", {"amy"}}}}, {"kind", {{"like", "request.*"}}}}));
  answer(json{{"entries", json::array()}, {"size", last}, {"next", "before 300"}});
  BOOST_TEST(shows("m looks further back"));
  press({"F"});
  paste(" nonsense=1");
  press({"Enter"});
  BOOST_TEST(shows("there is no column"));
}

BOOST_AUTO_TEST_CASE(ends_looking_for_what_is_rare_until_the_next_key) {
  press({"F"});
  paste("by=nobody");
  press({"Enter"});
  const auto before = asked.size();
  const json none{{"entries", json::array()}, {"size", last}, {"next", "before 300"}};
  answer(none);
  for (int i = 0; i < 100; ++i) {
    bench->draw(screen);
    const auto questions = asked.size();
    if (timers.contains("journal older")) timers["journal older"]();
    if (asked.size() == questions) break;
    answer(none);
  }
  BOOST_TEST(asked.size() - before < journal_tab::most_pages_for_a_key + 1U);
}

BOOST_AUTO_TEST_CASE(takes_in_what_is_new_without_moving_the_cursor) {
  press({"Down"});
  write(last + 1);
  followed["audit"]({client::event_kind::event, "audit", last + 1, json{{"kind", "request.started"}}});
  timers["journal news"]();
  BOOST_TEST(asked.back().args["after"] == last);
  answer(json{{"entries", {entry(last + 1)}}, {"size", last + 1}});
  BOOST_TEST(shows("501 rows"));
  press({"Enter"});
  answer(checkpoint());
  BOOST_TEST(asked.back().args["seq"] == last - 1);
}

BOOST_AUTO_TEST_CASE(looks_for_news_now_and_then_while_it_is_seen) {
  BOOST_TEST((waits["journal news"] == journal_tab::news_interval));
  timers["journal news"]();  // nobody has looked
  BOOST_TEST(asked.size() == 1U);
  bench->draw(screen);
  timers["journal news"]();
  BOOST_TEST(asked.size() == 2U);
  answer(fail(errc::timed_out, "the connection was lost"));
  timers["journal news"]();
  BOOST_TEST(asked.size() == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
