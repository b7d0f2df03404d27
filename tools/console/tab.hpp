#pragma once
// One tab of the workbench, and what the workbench does for it. A tab knows no other tab, no terminal and no
// connection.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tools/client/session.hpp"
#include "tools/console/canvas.hpp"
#include "tools/console/input.hpp"
#include "tools/console/keys.hpp"
#include "tools/console/overlay.hpp"

namespace penstock::console {

/// What a tab asks of the workbench that it stands in; outlives the tab.
class desk {
 public:
  using answer_handler = std::function<void(const messages::result<nlohmann::json>&)>;
  using event_handler = std::function<void(const client::topic_event&)>;

  virtual ~desk() = default;
  /// `then` gets the answer, later; or at once why nothing was sent.
  virtual void ask(client::question what, answer_handler then) = 0;
  /// What is new in a topic while there is a connection, and that it is not for this person any more; until the console
  /// ends. What came while there was none is not told.
  virtual void follow(const std::string& topic, event_handler then) = 0;
  /// Once, after a while. A later wish of the same name takes the place of an earlier one.
  virtual void later(const std::string& name, std::chrono::milliseconds wait, std::function<void()> then) = 0;
  /// All listings of the project, from their beginning.
  virtual void read_again() = 0;
  /// False when it is more than a terminal's clipboard takes.
  virtual bool copy(std::string_view text) = 0;
  /// A line for the person, until the next key.
  virtual void say(std::string text, role look = role::plain) = 0;
  /// In the place of what lies over the tabs now, if anything.
  virtual void lay_over(std::unique_ptr<overlay> what) = 0;
  [[nodiscard]] virtual bool covered() const = 0;
  /// To the tab that is shown by this action, if there is one.
  virtual void show(action tab) = 0;
};

class tab {
 public:
  virtual ~tab() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// The action that shows it; its first key is written before the name.
  [[nodiscard]] virtual action shown_by() const = 0;
  [[nodiscard]] virtual places here() const = 0;
  /// All between the header and the footer.
  virtual void draw(canvas& on, const rect& where) = 0;
  /// False when the action is none of this tab's.
  virtual bool act(action what) = 0;
  /// Takes in what has changed in the project.
  virtual void refresh() {}
  /// It is the one that is seen now.
  virtual void opened() {}

  /// While a person types into it, keys are text.
  [[nodiscard]] virtual bool typing() const { return false; }
  virtual void type(const key_press&) {}
  virtual void paste(const std::string&) {}
  /// What the footer says then.
  [[nodiscard]] virtual std::string typing_hint() const { return {}; }
};

}  // namespace penstock::console
