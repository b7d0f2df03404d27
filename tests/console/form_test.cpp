#include "tools/console/form.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/console/fake_local_side.hpp"
#include "tests/console/golden.hpp"

using namespace penstock::console;

namespace {

struct form_fixture : testing::fake_machine, desk {
  canvas screen{80, 24};
  std::unique_ptr<overlay> over;
  std::string said;

  form_fixture() { ask_to_download(*this, local, "alz-brain", {"1.2.3", "1.2.4"}, "2 studies, 3 MiB", 3 << 20); }
  void ask(penstock::client::question, answer_handler) override {}
  void follow(const std::string&, event_handler) override {}
  void later(const std::string&, std::chrono::milliseconds, std::function<void()>) override {}
  void read_again() override {}
  bool copy(std::string_view) override { return true; }
  void say(std::string text, role) override { said = std::move(text); }
  void lay_over(std::unique_ptr<overlay> what) override { over = std::move(what); }
  [[nodiscard]] bool covered() const override { return over != nullptr; }
  void show(action) override {}

  void press(std::initializer_list<const char*> keys) {
    for (const std::string key : keys) over->take({key, key.size() == 1 ? key : ""});
    screen.clear();
    over->draw(screen);
  }
  void paste(const std::string& text) { over->paste(text), press({}); }
  void fill_in() {
    press({"Ctrl-U"});
    paste("/nowhere/alz-1");
    press({"Tab", "Tab"});
    paste("correct horse battery staple");
    press({"Tab"});
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(forms, form_fixture)

BOOST_AUTO_TEST_CASE(asks_how_a_download_is_kept) {
  fill_in();
  paste("correct horse");
  BOOST_TEST(testing::looks_like(screen, "download_form"));
  press({"Tab", "Enter"});
  BOOST_TEST(screen.text().find("the two passphrases differ") != std::string::npos);
  BOOST_TEST(programs.all.empty());
  press({"Shift-Tab"});
  paste(" battery staple");
  press({"Tab", "Enter"});
  BOOST_TEST(over->closed());
  BOOST_REQUIRE(programs.all.size() == 1U);
  BOOST_TEST(programs.all[0].input == "correct horse battery staple");
  BOOST_TEST(programs.all[0].arguments[2] == "/nowhere/alz-1");
  BOOST_TEST(said == "2 studies, 3 MiB are on their way; tab 4 shows them");
}

BOOST_AUTO_TEST_CASE(takes_a_key_file_or_none_at_all) {
  fill_in();
  press({"Up", "Up", "Right"});
  BOOST_TEST(screen.text().find("Passphrase") == std::string::npos);
  press({"Tab", "Tab", "Enter"});
  BOOST_TEST(screen.text().find("name a key file") != std::string::npos);
  press({"Up", "Up", "Right"});
  BOOST_TEST(screen.text().find("All who get at the disk can read them") != std::string::npos);
  press({"Tab", "Enter"});
  BOOST_REQUIRE(programs.all.size() == 1U);
  const auto& arguments = programs.all[0].arguments;
  BOOST_TEST(std::count(arguments.begin(), arguments.end(), "--plain") == 1);
  BOOST_TEST(programs.all[0].input.empty());
}

BOOST_AUTO_TEST_CASE(refuses_a_passphrase_that_anybody_guesses) {
  press({"Tab", "Tab"});
  paste("password");
  press({"Tab"});
  paste("password");
  press({"Tab", "Enter"});
  BOOST_TEST(!over->closed());
  BOOST_TEST(programs.all.empty());
}

BOOST_AUTO_TEST_SUITE_END()
