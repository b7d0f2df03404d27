#pragma once
// A console of somebody who is in no project, without terminal and connection: what it asks is kept, and answered by
// the test.

#include <cstdlib>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/console/fake_local_side.hpp"
#include "tests/console/golden.hpp"
#include "tools/console/tabs.hpp"

namespace penstock::console::testing {

struct staff_bench {
  live_project nothing{""};
  std::vector<client::question> asked;
  std::vector<desk::answer_handler> waiting;
  std::map<std::string, desk::event_handler> followed;
  std::map<std::string, std::function<void()>> timers;
  std::map<std::string, std::chrono::milliseconds> waits;
  canvas screen{80, 24};
  fake_machine machine;
  std::unique_ptr<workbench> bench;

  explicit staff_bench(staff_roles roles) {
    ::setenv("TZ", "UTC", 1);
    surroundings around;
    around.ask = [this](auto what, auto then) { asked.push_back(what), waiting.push_back(then); };
    around.follow = [this](const auto& topic, auto then) { followed[topic] = then; };
    around.later = [this](const auto& name, auto wait, auto then) { timers[name] = then, waits[name] = wait; };
    around.copy = [](std::string_view) { return true; };
    around.quit = around.read_again = around.repaint = around.suspend = [] {};
    around.take_mouse = [](bool) {};
    bench = std::make_unique<workbench>("ada", around);
    add_tabs(*bench, nothing, machine.local, roles);
  }
  /// Of the last question.
  void answer(const messages::result<nlohmann::json>& with) {
    const auto then = waiting.back();
    then(with);
    bench->refresh();
  }
  void press(std::initializer_list<const char*> keys) {
    for (const std::string key : keys) {
      const auto text = key == "Space" ? " " : key.size() == 1 ? key : "";
      bench->take(key_press{key, text}, screen);
      bench->draw(screen);
    }
  }
  void paste(const std::string& text) { bench->take(pasted_text{text}, screen); }
  void click(int x, int y) {
    bench->draw(screen);
    bench->take(mouse_event{mouse_kind::press, x, y, false}, screen);
    bench->draw(screen);
  }
  bool looks_like(const std::string& name) {
    bench->draw(screen);
    canvas wide{160, 45};
    bench->draw(wide);
    return testing::looks_like(screen, name + "_80x24") & testing::looks_like(wide, name + "_160x45");
  }
  bool shows(const std::string& part) {
    bench->draw(screen);
    return screen.text().find(part) != std::string::npos;
  }
};

}  // namespace penstock::console::testing
