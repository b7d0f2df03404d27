#include "tools/console/form_box.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/console/golden.hpp"
#include "tools/console/search_form.hpp"

using namespace penstock::console;
using nlohmann::json;

namespace {

struct form_fixture {
  std::string problem;
  std::vector<form_field> taken;
  form_box form{"Find",
                {"A fact."},
                {numbers_field("MRNs", ""), file_field(),
                 pacs_field({{"General  gh  up", "gh", true}, {"City  ch  down: refused", "ch", true}}), priority()},
                "Find patients",
                [this](const auto& fields) { return taken = fields, problem; }};
  canvas screen{80, 24};

  static form_field priority() {
    form_field field{form_field::kind::one_of, "Priority"};
    field.options = {{"low", "low"}, {"normal", "normal", true}, {"high", "high"}};
    field.cursor = 1;
    return field;
  }
  void press(std::initializer_list<const char*> keys) {
    for (const std::string key : keys) form.take({key, key == "Space" ? " " : key.size() == 1 ? key : ""});
  }
  void click(int x, int y) {
    form.draw(screen);
    screen.send_mouse({mouse_kind::press, x, y, false});
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(form_boxes, form_fixture)

BOOST_AUTO_TEST_CASE(takes_pasted_lines_and_says_how_many) {
  form.paste("0001\r\n0002\r\n");
  form.draw(screen);
  BOOST_TEST(testing::looks_like(screen, "form"));
  press({"Ctrl-S"});
  BOOST_TEST(form.closed());
  BOOST_TEST(taken.at(0).text.text() == "0001\n0002\n");
  BOOST_TEST(taken.at(2).chosen() == (std::vector<std::string>{"gh", "ch"}));
}

BOOST_AUTO_TEST_CASE(stays_with_what_was_typed_and_says_what_stands_in_the_way) {
  problem = "choose at least one PACS";
  press({"7", "Ctrl-S"});
  BOOST_TEST(!form.closed());
  form.draw(screen);
  BOOST_TEST(screen.text().find(problem) != std::string::npos);
  press({"Escape"});
  BOOST_TEST(form.closed());
}

BOOST_AUTO_TEST_CASE(chooses_by_keys) {
  press({"Tab", "Tab", "Down", "Space", "Tab", "Right", "Ctrl-S"});
  BOOST_TEST(taken.at(2).chosen() == (std::vector<std::string>{"gh"}));
  BOOST_TEST(taken.at(3).chosen() == (std::vector<std::string>{"high"}));
}

BOOST_AUTO_TEST_CASE(presses_no_button_unless_the_person_went_there) {
  press({"Tab", "Enter", "Enter", "Enter", "Enter"});
  BOOST_TEST(form.closed());
  BOOST_TEST(taken.empty());
}

BOOST_AUTO_TEST_CASE(is_worked_by_the_mouse) {
  form.draw(screen);
  std::vector<std::string> lines{""};
  for (const char c : screen.text())
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  const auto row_with = [&](const std::string& text) {
    for (std::size_t y = 0; y < lines.size(); ++y)
      if (lines[y].find(text) != std::string::npos) return static_cast<int>(y);
    return -1;
  };
  click(10, row_with("[x] City"));
  click(10, row_with("[ Back ]") - 1);
  BOOST_TEST(!form.closed());
  click(20, row_with("[ Back ]"));
  BOOST_TEST(taken.at(2).chosen() == (std::vector<std::string>{"gh"}));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(search_forms)

BOOST_AUTO_TEST_CASE(offers_the_pacs_of_the_project_with_their_state_in_words) {
  const json greeting{{"projects", {{{"id", "alz"}, {"pacs", {"gh", "ch"}}}}},
                      {"institutions", {{{"id", "g"}, {"name", "General"}}}}};
  const json listed{
      {"pacs",
       {{{"id", "gh"}, {"institution", "g"}, {"department", "Radiology"}, {"state", "down"}, {"reason", "refused"}},
        {{"id", "ch"}, {"institution", "c"}, {"department", "Heart"}, {"state", "unknown"}, {"reason", ""}},
        {{"id", "other"}, {"institution", "c"}, {"state", "up"}}}}};
  const auto options = pacs_options(greeting, listed, "alz", {"ch"});
  BOOST_REQUIRE(options.size() == 2U);
  BOOST_TEST(options[0].label.find("General / Radiology") == 0U);
  BOOST_TEST(options[0].label.find("down: refused") != std::string::npos);
  BOOST_TEST(options[0].chosen);
  BOOST_TEST(options[1].label.find("state not known") != std::string::npos);
  BOOST_TEST(!options[1].chosen);
}

BOOST_AUTO_TEST_CASE(takes_numbers_exactly_as_written) {
  const auto numbers = numbers_of(numbers_field("MRNs", "name;MRN\nJane;0042\nJohn;007\n"), file_field(), {"mrn"});
  BOOST_REQUIRE(numbers.ok());
  BOOST_TEST(*numbers == (std::vector<std::string>{"0042", "007"}));
}

BOOST_AUTO_TEST_CASE(says_what_is_wrong_with_a_list) {
  const auto problem = [](const char* pasted, const char* path) {
    auto file = file_field();
    file.text.paste(path);
    const auto numbers = numbers_of(numbers_field("MRNs", pasted), file, {"mrn"});
    return numbers.ok() ? std::string{} : numbers.error().context;
  };
  BOOST_TEST(problem("", "").find("paste numbers") == 0U);
  BOOST_TEST(problem("1", "x.csv").find("leave one of them empty") != std::string::npos);
  BOOST_TEST(problem("", "/dev/null").find("not a file") != std::string::npos);
  BOOST_TEST(problem("", "/no/such/file") != "");
  BOOST_TEST(problem("\n# nothing\n", "") == "the list is empty");
  BOOST_TEST(problem(std::string(2'000'000, '1').c_str(), "").find("more than can be pasted") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(limits_by_modality_and_date) {
  auto modality = modality_field();
  auto date = date_field();
  BOOST_TEST(limits_of(modality, date)->empty());
  modality.text.paste("MR,CT");
  date.text.paste("2009..2012");
  const auto limits = limits_of(modality, date);
  BOOST_REQUIRE(limits.ok());
  BOOST_TEST((*limits)["modalities"] == (json{"MR", "CT"}));
  BOOST_TEST((*limits)["study_date"] == "20090101-20121231");
  date.text.paste("x");
  BOOST_TEST(!limits_of(modality, date).ok());
}

BOOST_AUTO_TEST_SUITE_END()
