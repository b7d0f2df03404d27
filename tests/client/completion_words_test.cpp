#include "tools/penstock/completion_words.hpp"

#include <boost/test/unit_test.hpp>

#include "tools/penstock/context.hpp"
#include "tools/penstock/manual.hpp"

using namespace penstock::commands;

namespace {

using strings = std::vector<std::string>;

struct whole_program {
  CLI::App program{"about", "penstock"};
  context at;
  whole_program() { add_all_commands(program, at); }

  strings words(const strings& typed) { return complete(program, typed).words; }
  bool offers(const strings& typed, const char* word) {
    const auto found = words(typed);
    return std::find(found.begin(), found.end(), word) != found.end();
  }
  wanted what(const strings& typed) { return complete(program, typed).what; }
};

void check_page_names_all(const CLI::App& of, const std::string& page, const std::string& before) {
  for (const auto* one : shown_commands(of)) {
    const auto words = before + " " + one->get_name();
    if (shown_commands(*one).empty())
      BOOST_TEST(page.find(".SS \"" + roff_text(words) + "\"") != std::string::npos, words);
    for (const auto* option : shown_options(*one))
      for (const auto& name : option->get_lnames())
        BOOST_TEST((name == "help" || page.find(roff_text("--" + name)) != std::string::npos), words + " --" + name);
    check_page_names_all(*one, page, words);
  }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(completion_words, whole_program)

BOOST_AUTO_TEST_CASE(offers_commands_and_options_of_the_place) {
  BOOST_TEST((words({"req"}) == strings{"request", "requests"}));
  BOOST_TEST((words({"requests", "sh"}) == strings{"show"}));
  BOOST_TEST(offers({"requests", "list", "--wh"}, "--where"));
  BOOST_TEST(offers({"requests", "list", "--pro"}, "--project"));
  BOOST_TEST(!offers({""}, "__complete"));
}

BOOST_AUTO_TEST_CASE(knows_what_an_option_wants) {
  BOOST_TEST((words({"request", "--priority", ""}) == strings{"high", "low", "normal"}));
  BOOST_TEST((what({"--project", ""}) == wanted::projects));
  BOOST_TEST((what({"--project", "alz-brain", "requests", "show", ""}) == wanted::requests));
  BOOST_TEST((what({"studies", "find", "--pacs", "g"}) == wanted::pacs));
  BOOST_TEST((what({"studies", "find", "--mrns", ""}) == wanted::files));
  BOOST_TEST((what({"download", "--to", ""}) == wanted::files));
  BOOST_TEST((what({"open", "list", ""}) == wanted::files));
  BOOST_TEST((words({"completion", ""}) == strings{"bash", "fish", "zsh"}));
}

BOOST_AUTO_TEST_CASE(finds_the_value_of_an_option_among_the_words) {
  BOOST_TEST(value_among({"-p", "a", "requests"}, {"--project", "-p"}) == "a");
  BOOST_TEST(value_among({"--project=b"}, {"--project", "-p"}) == "b");
  BOOST_TEST(value_among({"--project"}, {"--project"}) == "");
}

BOOST_AUTO_TEST_CASE(the_manual_page_names_every_command_and_option) {
  check_page_names_all(program, manual_page(program), "penstock");
  BOOST_TEST(roff_text(".a-b\\\n'c\"") == "\\&.a\\-b\\e\n\\&'c\\(dq");
}

BOOST_AUTO_TEST_SUITE_END()
