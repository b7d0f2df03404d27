#pragma once
// Downloads on this machine: their images in a tree, one of them drawn, and the transfers that are under way.

#include <map>
#include <string>
#include <vector>

#include "tools/console/image_pane.hpp"
#include "tools/console/local_side.hpp"
#include "tools/console/tab.hpp"
#include "tools/console/tree_view.hpp"

namespace penstock::console {

class viewer_tab : public tab {
 public:
  /// `local` outlives it.
  viewer_tab(desk& at, local_side& local);
  [[nodiscard]] std::string_view name() const override { return "Viewer"; }
  [[nodiscard]] action shown_by() const override { return action::show_viewer; }
  [[nodiscard]] places here() const override;
  void draw(canvas& on, const rect& where) override;
  bool act(action what) override;
  void refresh() override;
  void opened() override { look_for_folders(); }

 private:
  enum class pane : std::uint8_t { tree, picture, attributes };

  void look_for_folders();
  void learn_folders(const std::string& root, const std::vector<local_folder>& found);
  void rebuild_tree();
  [[nodiscard]] const local_folder* folder_at_cursor() const;
  void open_node();
  void open_folder(const std::string& path, const folder_key& key);
  void learn_content(const std::string& path, const folder_key& key, const result<folder_content>& content);
  void ask_for_key(const std::string& path, const std::string& problem);
  void show_image_at_cursor();
  bool step_image(int by, bool round);
  bool act_on_folder(action what);
  void ask_for_folder();
  void ask_to_delete();
  void ask_to_send();
  void ask_to_resume();
  void stop_transfer();
  void go_to_next_pane();
  bool scroll_attributes(action what);
  void draw_tree(canvas& on, const rect& where);
  void draw_transfers(canvas& on, const rect& where);
  [[nodiscard]] int transfer_rows(int rows) const;

  desk& at_;
  local_side& local_;
  std::vector<std::string> roots_;  ///< folders that were opened by hand
  std::vector<local_folder> folders_;
  std::map<std::string, folder_content> contents_;
  tree_view tree_;
  image_pane image_;
  pane pane_ = pane::tree;
  int page_ = 1;
  std::string transfer_states_;  ///< as the folders were looked at last
};

/// "sealed", "open" (its content is known), "cut: r resumes", ...
[[nodiscard]] std::string state_of(const local_folder& folder, bool open, const transfer* under_way);
/// A folder with what is in it, as far as it is open.
[[nodiscard]] tree_node node_of(const local_folder& folder, const folder_content* content, const transfer* under_way);
/// What is asked before a download is deleted.
[[nodiscard]] std::vector<std::string> local_deletion_lines(const local_folder& folder);

}  // namespace penstock::console
