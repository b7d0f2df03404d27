#include "tools/console/viewer_tab.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/console/fake_local_side.hpp"
#include "tests/console/golden.hpp"
#include "tools/console/workbench.hpp"

using namespace penstock::console;

namespace {

struct viewer_fixture : testing::fake_machine {
  canvas screen{80, 24};
  workbench bench{"alz-brain · amy", surroundings{}};

  viewer_fixture() {
    bench.add(std::make_unique<viewer_tab>(bench, local));
    bench.show(action::show_viewer);
    bench.draw(screen);
  }
  void press(std::initializer_list<const char*> keys) {
    for (const std::string key : keys) {
      bench.take(key_press{key, key.size() == 1 ? key : ""}, screen);
      files.answer();
      bench.draw(screen);
    }
  }
  void type(const std::string& text) {
    for (const char c : text) bench.take(key_press{c == ' ' ? "Space" : std::string(1, c), std::string(1, c)}, screen);
    bench.draw(screen);
  }
  void open_the_first() {
    press({"Enter"});
    type(testing::fake_files::passphrase);
    press({"Enter"});
  }
  void mouse(mouse_kind kind, int x, int y, bool shift = false) {
    bench.take(mouse_event{kind, x, y, shift}, screen);
    bench.draw(screen);
  }
  bool looks_like(const std::string& name) {
    bench.draw(screen);
    canvas wide{160, 45};
    bench.draw(wide);
    return testing::looks_like(screen, name + "_80x24") & testing::looks_like(wide, name + "_160x45");
  }
  bool shows(const std::string& part) {
    bench.draw(screen);
    return screen.text().find(part) != std::string::npos;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(viewers, viewer_fixture)

BOOST_AUTO_TEST_CASE(asks_for_the_passphrase_and_never_shows_it) {
  press({"Enter"});
  type("wrong");
  BOOST_TEST(shows("•••••"));
  BOOST_TEST(!shows("wrong"));
  BOOST_TEST(looks_like("viewer_key"));
  press({"Enter"});
  BOOST_TEST(shows("this passphrase does not open the download"));
  type(testing::fake_files::passphrase);
  press({"Enter"});
  BOOST_TEST(shows("107001"));
}

BOOST_AUTO_TEST_CASE(shows_the_first_image_and_what_it_is) {
  open_the_first();
  BOOST_REQUIRE(files.drawn.size() == 1U);
  BOOST_TEST(files.drawn[0].folder == "/images/alz-1");
  BOOST_TEST(shows("image 1 (1 of 3)"));
  BOOST_TEST(shows("w 500/1000 image's own"));
  BOOST_TEST(looks_like("viewer"));
  press({"a"});
  BOOST_TEST(looks_like("viewer_attributes"));
}

BOOST_AUTO_TEST_CASE(goes_through_a_series_by_keys_and_by_the_wheel) {
  open_the_first();
  press({"Enter", "PageDown"});
  BOOST_TEST(shows("image 2 (2 of 3)"));
  mouse(mouse_kind::wheel_down, 50, 10);
  mouse(mouse_kind::wheel_down, 50, 10);
  BOOST_TEST(shows("image 3 (3 of 3)"));
  BOOST_TEST(files.drawn.back().object == 2U);
}

BOOST_AUTO_TEST_CASE(plays_round_and_round_as_long_as_it_is_seen) {
  open_the_first();
  press({"p"});
  for (int i = 0; i < 3; ++i) files.timers.back()(), bench.draw(screen);
  BOOST_TEST(shows("▶10/s"));
  BOOST_TEST(files.drawn.back().object == 1U);
  files.timers.back()();
  const auto count = files.timers.size();
  files.timers.back()();
  BOOST_TEST(files.timers.size() == count);
  BOOST_TEST(shows("■10/s"));
}

BOOST_AUTO_TEST_CASE(keeps_the_window_within_a_series_and_offers_presets) {
  open_the_first();
  press({"Enter", "w", "w"});
  BOOST_TEST(shows("w 40/80 brain"));
  press({"Up", "PageDown"});
  BOOST_TEST(shows("w 40/85 by hand"));
  BOOST_TEST(files.how.back().window->width == 85.0);
  mouse(mouse_kind::press, 50, 10);
  mouse(mouse_kind::drag, 52, 10);
  BOOST_TEST(shows("w 40/96 by hand"));
  press({"0"});
  BOOST_TEST(shows("image's own"));
}

BOOST_AUTO_TEST_CASE(zooms_pans_and_inverts) {
  open_the_first();
  const auto before = screen.at(50, 10).look;
  press({"Enter", "+", "+", "Shift-Right", "i"});
  BOOST_TEST(shows("x1.6"));
  BOOST_TEST(shows("inverted"));
  BOOST_TEST((screen.at(50, 10).look != before));
}

BOOST_AUTO_TEST_CASE(ends_a_broken_file_in_a_message) {
  files.broken = true;
  open_the_first();
  BOOST_TEST(shows("the decoder died of this image"));
}

BOOST_AUTO_TEST_CASE(deletes_after_naming_count_and_size) {
  press({"Delete"});
  BOOST_TEST(looks_like("viewer_delete"));
  press({"Enter"});
  BOOST_TEST(files.removed.empty());
  press({"Delete", "y"});
  BOOST_TEST(files.removed == std::vector<std::string>{"/images/alz-1"}, boost::test_tools::per_element());
  BOOST_TEST(shows("deleted 7 files, 2.6 MiB"));
}

BOOST_AUTO_TEST_CASE(deletes_no_files_in_the_clear_that_it_did_not_put_there) {
  files.folders = {{"/elsewhere/scans", false, "", "", 5, 2'700'000}};
  press({"R"});
  BOOST_TEST(shows("scans"));
  press({"Delete"});
  BOOST_TEST(shows("only if they lie in /images"));
  press({"y"});
  BOOST_TEST(files.removed.empty());
}

BOOST_AUTO_TEST_CASE(resumes_what_was_cut_with_its_passphrase_on_no_command_line) {
  press({"Down", "r"});
  type(testing::fake_files::passphrase);
  press({"Enter"});
  BOOST_REQUIRE(programs.all.size() == 1U);
  const auto& arguments = programs.all[0].arguments;
  BOOST_TEST(programs.all[0].input == testing::fake_files::passphrase);
  BOOST_TEST(std::count(arguments.begin(), arguments.end(), "--resume") == 1);
  for (const auto& one : arguments) BOOST_TEST(one.find("horse") == std::string::npos);
  programs.all[0].on_line(R"({"images":3,"images_total":9,"bytes":1000,"bytes_total":4000})");
  BOOST_TEST(looks_like("viewer_transfers"));
  press({"x"});
  BOOST_TEST(programs.interrupted.size() == 1U);
}

BOOST_AUTO_TEST_CASE(sends_to_a_viewer_on_this_machine_only) {
  open_the_first();
  press({"s", "Ctrl-U"});
  type("SLICER@example.org:104");
  press({"Enter"});
  BOOST_TEST(programs.all.empty());
  press({"s", "Enter"});
  BOOST_REQUIRE(programs.all.size() == 1U);
  BOOST_TEST(programs.all[0].arguments[1] == "send");
}

BOOST_AUTO_TEST_SUITE_END()
