#pragma once
// For administrators: each PACS with its window, what is used of its limits, what runs and waits and why; the switch
// that stops it all; the rules.

#include <string>
#include <vector>

#include "tools/console/governor_view.hpp"
#include "tools/console/tab.hpp"

namespace penstock::console {

class governor_tab : public tab {
 public:
  /// While it is seen, the server is asked so often; so soon after a pause, a trip or other rules; and after a question
  /// that failed.
  static constexpr std::chrono::milliseconds reading_interval{5000};
  static constexpr std::chrono::milliseconds event_pause{300};
  static constexpr std::chrono::milliseconds retry_pause{1000};

  explicit governor_tab(desk& at);
  [[nodiscard]] std::string_view name() const override { return "Governor"; }
  [[nodiscard]] action shown_by() const override { return action::show_governor; }
  [[nodiscard]] places here() const override { return in(place::governor); }
  void draw(canvas& on, const rect& where) override;
  bool act(action what) override;
  void opened() override { read(); }
  void refresh() override {
    if (!known_) read();
  }

 private:
  void read();
  void learn(const messages::result<nlohmann::json>& status);
  [[nodiscard]] std::size_t cursor() const;
  void move_to(std::ptrdiff_t position);
  [[nodiscard]] std::string id_at_cursor() const;

  void ask_for_reason(bool pausing, const std::string& pacs);
  void turn_switch(bool pausing, const std::string& pacs, const std::string& reason);
  void ask_for_rules_file();
  void check_file(const std::string& path);
  void check_before_reload();
  void reload();

  desk& at_;
  std::vector<governed_pacs> all_;
  std::string cursor_id_;
  std::size_t top_ = 0;
  bool asked_ = false;
  bool known_ = false;
  bool seen_ = false;  ///< drawn since it was read
  std::string problem_;
};

/// What became of a pause or a resume.
[[nodiscard]] std::string switch_outcome(bool pausing, const nlohmann::json& answer);

}  // namespace penstock::console
