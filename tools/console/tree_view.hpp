#pragma once
// A tree of any size: only what is seen is drawn. The cursor and what is open are ids, so that new branches move
// neither.

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tools/console/canvas.hpp"
#include "tools/console/keys.hpp"

namespace penstock::console {

struct tree_node {
  std::string id;  ///< of no other node
  std::string label;
  role look = role::plain;
  std::size_t value = 0;  ///< whatever its owner wants
  bool leaf = false;
  std::vector<tree_node> children{};
};

class tree_view {
 public:
  using node_handler = std::function<void(const tree_node&)>;

  void set_nodes(std::vector<tree_node> nodes);
  /// `opened` is called for a node that is clicked once more, as for Enter.
  void draw(canvas& on, const rect& where, bool focused, const node_handler& opened);
  /// False when the action is none of a tree's.
  bool act(action what);

  /// Null when there are none.
  [[nodiscard]] const tree_node* cursor() const;
  /// Opens all above it; false when there is none.
  bool go_to(const std::string& id);
  void open(const std::string& id);
  [[nodiscard]] bool is_open(const std::string& id) const { return open_.contains(id); }
  /// To another child of the same node; at its ends it stays, or goes round.
  bool go_to_sibling(int by, bool round);
  /// Its place among its siblings, from 0, and how many they are.
  [[nodiscard]] std::pair<std::size_t, std::size_t> place_of_cursor() const;

 private:
  struct row {
    const tree_node* node = nullptr;
    const tree_node* parent = nullptr;
    int depth = 0;
  };
  void list_rows();
  void add_rows(const std::vector<tree_node>& nodes, const tree_node* parent, int depth);
  bool find(const std::vector<tree_node>& nodes, const std::string& id, std::vector<const tree_node*>& way) const;
  void move_to(std::size_t index);
  void toggle(const tree_node& node);
  void close_or_go_up();
  void open_or_go_down();
  void take_click(std::size_t index, const node_handler& opened);

  std::vector<tree_node> nodes_;
  std::vector<row> rows_;
  std::set<std::string> open_;
  std::string cursor_id_;
  std::size_t at_ = 0;
  std::size_t top_ = 0;
  std::size_t page_ = 1;
};

}  // namespace penstock::console
