// The keeper of the rules with real files, and the journal that it writes.

#include "actors/rules_keeper.hpp"

#include "messages/roster.hpp"
#include "tests/actors/actor_fixture.hpp"
#include "tests/actors/mock_actors.hpp"
#include "tests/conf/rules_fixture.hpp"

namespace penstock::tests {

using nlohmann::json;

namespace {

struct kept_rules : actor_fixture {
  test::rules_fixture files;
  conf::rules_ptr first = write_and_load(test::small_rules());
  actors::rules_in_force_ptr in_force = std::make_shared<actors::rules_in_force>(first);
  std::vector<conf::rules_ptr> taken;
  std::shared_ptr<association_log> pacs = std::make_shared<association_log>();
  std::shared_ptr<sink_log> sink = std::make_shared<sink_log>();
  rules_keeper_actor keeper = start_keeper();

  conf::rules_ptr write_and_load(const std::string& text) {
    write(text);
    auto read = conf::load_rules(files.file);
    BOOST_REQUIRE_MESSAGE(read.ok(), conf::text_of(read.faults));
    return read.value;
  }
  void write(const std::string& text) { files.directory.write("governance.toml", text); }
  rules_keeper_actor start_keeper() {
    actors::rules_keeper_options options;
    options.rules = first;
    options.in_force = in_force;
    options.journal = journal;
    options.core = core;
    options.sink = spawn_function(mock_sink, sink);
    options.clocks = clocks();
    options.take = [this](const conf::rules_ptr& rules) {
      taken.push_back(rules);
      in_force->set({rules, std::make_shared<roster>()});
      return in_force->get().roster;
    };
    auto started = keep(actors::start_rules_keeper(sys, std::move(options), nullptr));
    advance(5s);  // what was read at the start is read once more
    return started;
  }
  json reload() { return answer(ask<answered>(keeper, reload_rules{{"ada", ""}})); }
  json check(const std::string& text) { return answer(ask<answered>(keeper, check_rules{{"ada", ""}, text})); }
  static json answer(const result<answered>& said) {
    BOOST_REQUIRE_MESSAGE(said.ok(), (said.ok() ? "" : said.error().text()));
    return json::parse(said->json);
  }
  static std::string with(std::string text, const std::string& before, const std::string& after) {
    const auto at = text.find(before);
    BOOST_REQUIRE(at != std::string::npos);
    return text.replace(at, before.size(), after);
  }
  std::string tighter = with(test::small_rules(), "per_minute = 2", "per_minute = 1");
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rules_keeper, kept_rules)

BOOST_AUTO_TEST_CASE(takes_a_file_that_was_replaced_and_tells_everybody) {
  BOOST_TEST(taken.empty());
  write(tighter);
  advance(5s);
  BOOST_REQUIRE(taken.size() == 1U);
  BOOST_TEST(taken[0]->pacs.at("gh-rad").windows[0].limits.per_minute.value() == 1U);
  BOOST_TEST(entries("rules.changed") == 1U);
  BOOST_TEST(sink->published == 1U);
  advance(60s);
  BOOST_TEST(taken.size() == 1U);
}

BOOST_AUTO_TEST_CASE(takes_a_list_of_patients_that_was_replaced) {
  files.directory.write("alz.csv", "# rows: 1\nissuer,mrn\nGH,0000001\n");
  advance(5s);
  BOOST_REQUIRE(taken.size() == 1U);
  BOOST_TEST(taken[0]->projects.at("alz").patients->patients().size() == 1U);
}

BOOST_AUTO_TEST_CASE(says_what_its_own_file_would_change_without_taking_it) {
  BOOST_TEST(check("")["changes"].empty());
  write(tighter);
  BOOST_TEST(check("")["changes"].size() == 1U);
  write("nonsense");
  BOOST_TEST(check("")["valid"] == false);
  BOOST_TEST(taken.empty());
}

BOOST_AUTO_TEST_CASE(keeps_the_old_rules_while_a_file_has_faults_and_names_them_all) {
  write(with(tighter, "concurrent = 1", "concurent = 1") + "\n[nonsense]\n");
  advance(5s);
  BOOST_TEST(taken.empty());
  BOOST_TEST(entries("rules.refused") == 1U);
  const auto said = reload();
  BOOST_TEST(said["valid"] == false);
  BOOST_TEST(said["faults"].size() >= 2U);
  BOOST_TEST(said["faults"][0]["line"].get<int>() > 0);
  BOOST_TEST(said["faults"][0]["column"].get<int>() > 0);
  BOOST_TEST(entries("rules.refused") == 1U);
  write(tighter);
  advance(5s);
  BOOST_TEST(taken.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_or_half_written_is_a_fault_and_nothing_more) {
  std::filesystem::remove(files.file);
  advance(5s);
  write(tighter.substr(0, tighter.size() / 2));
  advance(5s);
  BOOST_TEST(taken.empty());
  write(tighter);
  advance(5s);
  BOOST_TEST(taken.size() == 1U);
}

BOOST_AUTO_TEST_CASE(mends_what_a_missing_list_of_patients_had_refused) {
  write(with(test::small_rules(), "alz.csv", "new.csv"));
  advance(5s);
  BOOST_TEST(taken.empty());
  files.directory.write("new.csv", "# rows: 1\nissuer,mrn\nGH,0000002\n");
  advance(5s);
  BOOST_TEST(taken.size() == 1U);
}

BOOST_AUTO_TEST_CASE(says_what_a_proposal_would_change_and_changes_nothing) {
  const auto said =
      check(with(tighter, R"(members = ["amy"])", R"(members = ["raj"])") + "\n[user.raj]\nname = \"Raj\"\nkeys = [\"" +
            test::raj_key + "\"]\nroles = [\"researcher\"]\n");
  BOOST_TEST(said["valid"] == true);
  std::string words;
  for (const auto& change : said["changes"]) words += change["text"].get<std::string>() + "\n";
  BOOST_TEST(words.find("per_minute in clinic: 2 -> 1") != std::string::npos, words);
  BOOST_TEST(words.find("amy leaves") != std::string::npos, words);
  advance(5s);
  BOOST_TEST(taken.empty());
  BOOST_TEST(check("version = 2")["valid"] == false);
}

BOOST_AUTO_TEST_CASE(journals_the_digests_of_the_old_and_the_new_file) {
  write(tighter);
  BOOST_TEST(reload()["taken"] == true);
  auto all = storage::read_entries(*core, 1, 100);
  json details;
  for (const auto& each : *all) {
    const auto leaf = json::parse(each.leaf);
    if (leaf["kind"] == "rules.changed") details = leaf["details"];
  }
  if (details.is_string()) details = json::parse(details.get<std::string>());
  BOOST_TEST(details["old"]["sha256"] != details["new"]["sha256"]);
  BOOST_TEST(details["old"]["cohorts"]["alz"] == details["new"]["cohorts"]["alz"]);
  BOOST_TEST(details["changes"].size() == 1U);
}

BOOST_AUTO_TEST_CASE(takes_and_journals_rules_that_change_very_many_projects) {
  auto text = test::small_rules();
  const auto project = text.substr(text.find("[project.alz]"));
  for (int i = 0; i < 900; ++i)
    text += with(project, "[project.alz]", "[project.a-rather-long-name-of-a-project-" + std::to_string(i) + "]");
  write(text);
  BOOST_TEST(reload()["taken"] == true);
  BOOST_TEST(entries("rules.changed") == 1U);
  BOOST_TEST(failures->empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::tests
