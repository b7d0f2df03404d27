#include "tools/console/tree_view.hpp"

#include <algorithm>

namespace penstock::console {

void tree_view::set_nodes(std::vector<tree_node> nodes) {
  nodes_ = std::move(nodes);
  list_rows();
}

void tree_view::add_rows(const std::vector<tree_node>& nodes, const tree_node* parent, int depth) {
  for (const auto& node : nodes) {
    rows_.push_back({&node, parent, depth});
    if (open_.contains(node.id)) add_rows(node.children, &node, depth + 1);
  }
}

void tree_view::list_rows() {
  rows_.clear();
  add_rows(nodes_, nullptr, 0);
  const auto found =
      std::find_if(rows_.begin(), rows_.end(), [this](const row& one) { return one.node->id == cursor_id_; });
  move_to(found == rows_.end() ? at_ : static_cast<std::size_t>(found - rows_.begin()));
}

void tree_view::move_to(std::size_t index) {
  at_ = rows_.empty() ? 0 : std::min(index, rows_.size() - 1);
  cursor_id_ = rows_.empty() ? "" : rows_[at_].node->id;
}

const tree_node* tree_view::cursor() const { return rows_.empty() ? nullptr : rows_[at_].node; }

void tree_view::open(const std::string& id) {
  open_.insert(id);
  list_rows();
}

void tree_view::toggle(const tree_node& node) {
  if (node.leaf) return;
  if (open_.erase(node.id) == 0) open_.insert(node.id);
  list_rows();
}

bool tree_view::find(const std::vector<tree_node>& nodes, const std::string& id,
                     std::vector<const tree_node*>& way) const {
  for (const auto& node : nodes) {
    way.push_back(&node);
    if (node.id == id || find(node.children, id, way)) return true;
    way.pop_back();
  }
  return false;
}

bool tree_view::go_to(const std::string& id) {
  std::vector<const tree_node*> way;
  if (!find(nodes_, id, way)) return false;
  way.pop_back();
  for (const auto* above : way) open_.insert(above->id);
  cursor_id_ = id;
  list_rows();
  return true;
}

std::pair<std::size_t, std::size_t> tree_view::place_of_cursor() const {
  if (rows_.empty()) return {0, 0};
  const auto* parent = rows_[at_].parent;
  const auto& siblings = parent == nullptr ? nodes_ : parent->children;
  return {static_cast<std::size_t>(rows_[at_].node - siblings.data()), siblings.size()};
}

bool tree_view::go_to_sibling(int by, bool round) {
  const auto [place, count] = place_of_cursor();
  if (count < 2) return false;
  const auto last = static_cast<std::ptrdiff_t>(count) - 1;
  auto wanted = static_cast<std::ptrdiff_t>(place) + by;
  if (round) wanted = (wanted + last + 1) % (last + 1);
  wanted = std::clamp<std::ptrdiff_t>(wanted, 0, last);
  if (wanted == static_cast<std::ptrdiff_t>(place)) return false;
  const auto* parent = rows_[at_].parent;
  cursor_id_ = (parent == nullptr ? nodes_ : parent->children)[static_cast<std::size_t>(wanted)].id;
  list_rows();
  return true;
}

void tree_view::close_or_go_up() {
  if (rows_.empty()) return;
  const auto& here = rows_[at_];
  if (open_.contains(here.node->id)) return toggle(*here.node);
  if (here.parent == nullptr) return;
  cursor_id_ = here.parent->id;
  list_rows();
}

void tree_view::open_or_go_down() {
  if (rows_.empty() || rows_[at_].node->leaf) return;
  if (!open_.contains(rows_[at_].node->id)) return toggle(*rows_[at_].node);
  if (!rows_[at_].node->children.empty()) move_to(at_ + 1);
}

bool tree_view::act(action what) {
  switch (what) {
    case action::up:
      move_to(at_ - std::min<std::size_t>(at_, 1));
      return true;
    case action::down:
      move_to(at_ + 1);
      return true;
    case action::page_up:
      move_to(at_ - std::min(at_, page_));
      return true;
    case action::page_down:
      move_to(at_ + page_);
      return true;
    case action::first:
      move_to(0);
      return true;
    case action::last:
      move_to(rows_.size());
      return true;
    case action::left:
      close_or_go_up();
      return true;
    case action::right:
      open_or_go_down();
      return true;
    default:
      return false;
  }
}

void tree_view::take_click(std::size_t index, const node_handler& opened) {
  if (index >= rows_.size()) return;
  move_to(index);
  const auto node = *rows_[index].node;
  opened(node);
}

void tree_view::draw(canvas& on, const rect& where, bool focused, const node_handler& opened) {
  page_ = static_cast<std::size_t>(std::max(where.height, 1));
  if (at_ < top_) top_ = at_;
  if (at_ >= top_ + page_) top_ = at_ - page_ + 1;
  on.on_mouse(where, [this, opened, where](const mouse_event& event) {
    if (event.kind == mouse_kind::wheel_up) return move_to(at_ - std::min<std::size_t>(at_, 3));
    if (event.kind == mouse_kind::wheel_down) return move_to(at_ + 3);
    if (event.kind == mouse_kind::press) take_click(top_ + static_cast<std::size_t>(event.y - where.y), opened);
  });
  for (int y = 0; y < where.height && top_ + static_cast<std::size_t>(y) < rows_.size(); ++y) {
    const auto index = top_ + static_cast<std::size_t>(y);
    const auto& one = rows_[index];
    const bool chosen = index == at_;
    const auto ground = chosen ? (focused ? role::cursor : role::marked) : role::plain;
    const std::string mark = one.node->leaf ? "  " : open_.contains(one.node->id) ? "▾ " : "▸ ";
    on.put_field(where.x, where.y + y, where.width,
                 (chosen ? "›" : " ") + std::string(static_cast<std::size_t>(one.depth), ' ') + mark + one.node->label,
                 {one.node->look, ground, chosen && focused});
  }
}

}  // namespace penstock::console
