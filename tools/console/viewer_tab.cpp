#include "tools/console/viewer_tab.hpp"

#include <algorithm>
#include <filesystem>

#include "tools/console/bars.hpp"
#include "tools/dimse/image_sender.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

using commands::human_bytes;
using commands::images;
using messages::errc;

constexpr char id_mark = '\n';
constexpr int narrow_tree = 30;
constexpr int wide_tree = 46;
constexpr int columns_for_wide_tree = 120;
constexpr int most_transfers_shown = 5;

std::string folder_of(const std::string& id) { return id.substr(0, id.find(id_mark)); }

std::string name_of_folder(const std::string& path) {
  const auto name = std::filesystem::path{path}.filename().string();
  return name.empty() ? path : name;
}

template <class List, class Make>
std::vector<tree_node> children_of(const List& list, const std::string& id, Make make) {
  std::vector<tree_node> children;
  for (std::size_t i = 0; i < list.size(); ++i) children.push_back(make(list[i], id + "." + std::to_string(i)));
  return children;
}

tree_node node_of_series(const local_series& series, const std::string& id) {
  return {id,
          "series " + series.label,
          role::plain,
          0,
          false,
          children_of(series.images, id, [](const local_image& image, const std::string& at) {
            return tree_node{at, image.label, role::plain, image.object, true};
          })};
}

/// The first leaf below, if any.
const tree_node* first_leaf(const tree_node& node) {
  if (node.leaf) return &node;
  return node.children.empty() ? nullptr : first_leaf(node.children.front());
}

}  // namespace

std::string state_of(const local_folder& folder, bool open, const transfer* under_way) {
  if (under_way != nullptr && !under_way->ended())
    return under_way->order.kind == transfer_kind::send ? "is being sent" : "is coming";
  if (folder.state == "receiving") return "cut: r resumes";
  if (!folder.sealed) return "in the clear";
  const std::string state = open ? "open" : "sealed";
  return folder.state == "incomplete" ? state + ", not all" : state;
}

tree_node node_of(const local_folder& folder, const folder_content* content, const transfer* under_way) {
  tree_node node{folder.path, name_of_folder(folder.path) + "  " + state_of(folder, content != nullptr, under_way),
                 folder.state == "receiving" ? role::warning : role::accent};
  if (content == nullptr) return node;
  node.children = children_of(*content, folder.path + id_mark, [](const local_patient& patient, const std::string& id) {
    return tree_node{id,
                     patient.label,
                     role::plain,
                     0,
                     false,
                     children_of(patient.studies, id, [](const local_study& study, const std::string& at) {
                       return tree_node{at, study.label, role::plain,
                                        0,  false,       children_of(study.series, at, node_of_series)};
                     })};
  });
  return node;
}

std::vector<std::string> local_deletion_lines(const local_folder& folder) {
  std::vector<std::string> lines{images(folder.images) + ", " + human_bytes(folder.bytes) + ", in", folder.path, ""};
  lines.emplace_back("They are deleted from this disk, for good.");
  lines.emplace_back("The project's cache keeps its own as long as it has them.");
  return lines;
}

viewer_tab::viewer_tab(desk& at, local_side& local)
    : at_(at), local_(local), image_(local.files, [this](int by, bool round) { return step_image(by, round); }) {
  local_.transfers.on_end([this](const transfer&) { look_for_folders(); });
}

places viewer_tab::here() const { return pane_ == pane::picture ? in(place::picture) : in(place::viewer); }

void viewer_tab::refresh() {
  std::string states;
  for (const auto& one : local_.transfers.all())
    states += std::to_string(one.number) + (one.ended() ? "-" : one.bytes_total == 0 ? "?" : "+");
  if (states == transfer_states_) return;
  transfer_states_ = states;
  look_for_folders();
}

void viewer_tab::look_for_folders() {
  local_.files.find(local_.download_folder, [this](const result<std::vector<local_folder>>& found) {
    learn_folders(local_.download_folder, found ? *found : std::vector<local_folder>{});
  });
  for (const auto& root : roots_)
    local_.files.find(root, [this, root](const result<std::vector<local_folder>>& found) {
      if (found)
        learn_folders(root, *found);
      else
        at_.say(found.error().context, role::bad);
    });
}

void viewer_tab::learn_folders(const std::string& root, const std::vector<local_folder>& found) {
  std::erase_if(folders_, [&](const auto& known) {
    const auto is_it = [&](const auto& one) { return one.path == known.path; };
    return std::filesystem::path{known.path}.parent_path() == root && std::none_of(found.begin(), found.end(), is_it);
  });
  for (const auto& one : found) {
    const auto known =
        std::find_if(folders_.begin(), folders_.end(), [&](const auto& other) { return other.path == one.path; });
    if (known == folders_.end())
      folders_.push_back(one);
    else
      *known = one;
  }
  rebuild_tree();
}

void viewer_tab::rebuild_tree() {
  std::vector<tree_node> nodes;
  for (const auto& folder : folders_) {
    const auto content = contents_.find(folder.path);
    nodes.push_back(
        node_of(folder, content == contents_.end() ? nullptr : &content->second, local_.transfers.of(folder.path)));
  }
  tree_.set_nodes(std::move(nodes));
}

const local_folder* viewer_tab::folder_at_cursor() const {
  const auto* node = tree_.cursor();
  if (node == nullptr) return nullptr;
  const auto path = folder_of(node->id);
  const auto found = std::find_if(folders_.begin(), folders_.end(), [&](const auto& one) { return one.path == path; });
  return found == folders_.end() ? nullptr : &*found;
}

void viewer_tab::open_node() {
  const auto* node = tree_.cursor();
  if (node == nullptr) return;
  const auto id = node->id;
  if (node->leaf) {
    show_image_at_cursor();
    pane_ = pane::picture;
    return;
  }
  if (id != folder_of(id) || contents_.contains(id)) {
    static_cast<void>(tree_.act(tree_.is_open(id) ? action::left : action::right));
    return;
  }
  const auto key = local_.keys.find(id);
  open_folder(id, key == local_.keys.end() ? folder_key{} : key->second);
}

void viewer_tab::open_folder(const std::string& path, const folder_key& key) {
  at_.say("opening…", role::busy);
  local_.files.open(path, key,
                    [this, path, key](const result<folder_content>& content) { learn_content(path, key, content); });
}

void viewer_tab::learn_content(const std::string& path, const folder_key& key, const result<folder_content>& content) {
  at_.say("");
  if (!content) {
    const auto code = content.error().code;
    if (code == errc::not_permitted && key.empty()) return ask_for_key(path, "");
    if (code == errc::authentication_failed && !key.empty()) return ask_for_key(path, content.error().context);
    return at_.say(content.error().context, role::bad);
  }
  if (!key.empty()) local_.keys.insert_or_assign(path, key);
  contents_[path] = *content;
  rebuild_tree();
  tree_.open(path);
  tree_.go_to(path);
  if (const auto* leaf = first_leaf(*tree_.cursor())) {
    const auto id = leaf->id;
    tree_.go_to(id);
  }
  show_image_at_cursor();
}

void viewer_tab::ask_for_key(const std::string& path, const std::string& problem) {
  local_.keys.erase(path);
  at_.lay_over(key_form(path, problem, [this, path](const folder_key& key) { open_folder(path, key); }));
}

void viewer_tab::show_image_at_cursor() {
  const auto* node = tree_.cursor();
  if (node == nullptr || !node->leaf) return;
  const auto [place, count] = tree_.place_of_cursor();
  image_.show({{folder_of(node->id), node->value},
               node->label + " (" + std::to_string(place + 1) + " of " + std::to_string(count) + ")",
               node->id.substr(0, node->id.rfind('.'))});
}

bool viewer_tab::step_image(int by, bool round) {
  const auto* node = tree_.cursor();
  if (node == nullptr || !node->leaf || !tree_.go_to_sibling(by, round)) return false;
  show_image_at_cursor();
  return true;
}

void viewer_tab::go_to_next_pane() {
  if (pane_ == pane::tree)
    pane_ = image_.shows_any() ? pane::picture : pane::tree;
  else
    pane_ = pane_ == pane::picture && image_.shows_attributes() ? pane::attributes : pane::tree;
}

bool viewer_tab::scroll_attributes(action what) {
  if (pane_ != pane::attributes) return false;
  if (what == action::up || what == action::down) return image_.scroll_attributes(what == action::up ? -1 : 1), true;
  if (what == action::page_up || what == action::page_down)
    return image_.scroll_attributes(what == action::page_up ? -page_ : page_), true;
  return false;
}

bool viewer_tab::act_on_folder(action what) {
  switch (what) {
    case action::open_folder:
      ask_for_folder();
      return true;
    case action::delete_rows:
      ask_to_delete();
      return true;
    case action::send_images:
      ask_to_send();
      return true;
    case action::resume_transfer:
      ask_to_resume();
      return true;
    case action::stop_transfer:
      stop_transfer();
      return true;
    case action::refresh:
      look_for_folders();
      return true;
    default:
      return false;
  }
}

bool viewer_tab::act(action what) {
  if (what == action::next_pane) return go_to_next_pane(), true;
  if (what == action::back) return pane_ = pane::tree, true;
  if (scroll_attributes(what) || act_on_folder(what)) return true;
  if (what == action::open) return open_node(), true;
  if (image_.act(what)) {
    if (!image_.shows_attributes() && pane_ == pane::attributes) pane_ = pane::picture;
    return true;
  }
  if (!tree_.act(what)) return false;
  show_image_at_cursor();
  return true;
}

void viewer_tab::ask_for_folder() {
  at_.lay_over(std::make_unique<text_box>(
      "Open a folder", "A download, or a folder with downloads in it", text_field::with(local_.download_folder),
      [this](const std::string& typed) {
        const auto path = std::filesystem::absolute(with_home(typed, std::getenv("HOME"))).lexically_normal().string();
        if (std::find(roots_.begin(), roots_.end(), path) == roots_.end()) roots_.push_back(path);
        look_for_folders();
      },
      false));
}

void viewer_tab::ask_to_delete() {
  const auto* folder = folder_at_cursor();
  if (folder == nullptr) return;
  // Files in the clear say nothing of where they came from: elsewhere they may be anybody's only copy.
  if (!folder->sealed && std::filesystem::path{folder->path}.parent_path() != local_.download_folder)
    return at_.say("files in the clear are deleted here only if they lie in " + local_.download_folder, role::warning);
  const auto then = [this, chosen = *folder] {
    image_.clear();
    pane_ = pane::tree;
    contents_.erase(chosen.path);
    local_.keys.erase(chosen.path);
    local_.files.remove(chosen, [this, chosen](const result<removed_files>& removed) {
      if (!removed) return at_.say(removed.error().context, role::bad);
      std::erase_if(folders_, [&](const auto& one) { return one.path == chosen.path; });
      at_.say("deleted " + commands::counted(removed->files, "file", "files") + ", " + human_bytes(removed->bytes) +
                  (removed->left == 0 ? "" : "; " + std::to_string(removed->left) + " that are none of it stay"),
              role::good);
      rebuild_tree();
    });
  };
  at_.lay_over(std::make_unique<question_box>("Delete a download", local_deletion_lines(*folder),
                                              "Delete " + images(folder->images), then));
}

void viewer_tab::ask_to_send() {
  const auto* folder = folder_at_cursor();
  if (folder == nullptr) return;
  if (!folder->sealed) return at_.say("files in the clear can be opened by any viewer: " + folder->path);
  if (!contents_.contains(folder->path)) return at_.say("open it first (Enter), so that its key is known");
  at_.lay_over(std::make_unique<text_box>(
      "Send " + images(folder->images) + " to a viewer on this machine",
      "AE@127.0.0.1:PORT, such as SLICER@127.0.0.1:11112", text_field::with("SLICER@127.0.0.1:11112"),
      [this, path = folder->path](const std::string& viewer) {
        if (const auto good = dimse::parse_viewer(viewer); !good) return at_.say(good.error().context, role::bad);
        add_transfer(at_, local_, send_order(local_, path, viewer), "sending");
      },
      false));
}

void viewer_tab::ask_to_resume() {
  const auto* folder = folder_at_cursor();
  if (folder == nullptr) return;
  if (!folder->sealed || folder->state == "complete") return at_.say("there is nothing to resume in this folder");
  const auto resume = [this, path = folder->path] {
    add_transfer(at_, local_, resume_order(local_, path), "going on");
    rebuild_tree();
  };
  if (local_.keys.contains(folder->path)) return resume();
  at_.lay_over(key_form(folder->path, "", [this, resume, path = folder->path](const folder_key& key) {
    local_.keys.insert_or_assign(path, key);
    resume();
  }));
}

void viewer_tab::stop_transfer() {
  const auto* folder = folder_at_cursor();
  const bool stopped = folder != nullptr && local_.transfers.stop(folder->path);
  at_.say(stopped ? "ending in order…" : "nothing is under way in this folder");
}

int viewer_tab::transfer_rows(int rows) const {
  const auto shown = std::min<std::size_t>(local_.transfers.all().size(), rows > 30 ? most_transfers_shown : 2);
  return shown == 0 ? 0 : 1 + 2 * static_cast<int>(shown);
}

void viewer_tab::draw_tree(canvas& on, const rect& where) {
  if (folders_.empty()) {
    on.put(where.x + 1, where.y, where.width - 1, "No downloads here yet:", {role::faint});
    on.put(where.x + 1, where.y + 1, where.width - 1, local_.download_folder, {role::faint});
    on.put(where.x + 1, where.y + 2, where.width - 1, "In tab 3, d takes studies home;", {role::faint});
    on.put(where.x + 1, where.y + 3, where.width - 1, "o opens another folder.", {role::faint});
    return;
  }
  tree_.draw(on, {where.x, where.y, where.width, where.height - 1}, pane_ == pane::tree, [this](const tree_node& node) {
    pane_ = pane::tree;
    if (node.leaf)
      show_image_at_cursor();
    else
      open_node();
  });
  const auto* folder = folder_at_cursor();
  if (folder == nullptr) return;
  on.put(where.x + 1, where.y + where.height - 1, where.width - 2,
         state_of(*folder, contents_.contains(folder->path), local_.transfers.of(folder->path)) + " · " +
             images(folder->images) + ", " + human_bytes(folder->bytes),
         {role::faint});
}

/// The newest first.
void viewer_tab::draw_transfers(canvas& on, const rect& where) {
  if (where.height == 0) return;
  constexpr int bar_columns = 12;
  on.put(where.x, where.y, where.width, "── transfers", {role::faint});
  int y = where.y + 1;
  const auto& all = local_.transfers.all();
  for (auto one = all.rbegin(); one != all.rend() && y + 1 < where.y + where.height; ++one, y += 2) {
    const bool bad = one->state == transfer_state::failed;
    on.put(where.x + 1, y, where.width - 2, name_of_folder(one->order.folder),
           {bad            ? role::bad
            : one->ended() ? role::plain
                           : role::busy});
    const bool has_bar = one->state == transfer_state::running && one->bytes_total != 0 && where.width > narrow_tree;
    const auto bar = has_bar ? progress_bar(one->bytes, one->bytes_total, bar_columns) : "";
    const auto text = has_bar ? bar.substr(0, bar.find(' ')) + " " + state_text(*one) : state_text(*one);
    on.put(where.x + 2, y + 1, where.width - 3, text, {bad ? role::bad : role::faint});
    on.on_mouse({where.x, y, where.width, 2}, [this, folder = one->order.folder](const mouse_event& event) {
      if (event.kind == mouse_kind::press) tree_.go_to(folder);
    });
  }
}

void viewer_tab::draw(canvas& on, const rect& where) {
  const int width = where.width >= columns_for_wide_tree ? wide_tree : narrow_tree;
  const int strip = transfer_rows(where.height);
  page_ = std::max(1, where.height - 3);
  draw_tree(on, {where.x, where.y, width, where.height - strip});
  draw_transfers(on, {where.x, where.y + where.height - strip, width, strip});
  for (int y = 0; y < where.height; ++y) on.put(where.x + width, where.y + y, 1, "│", {role::faint});
  const rect right{where.x + width + 1, where.y, where.width - width - 1, where.height};
  image_.draw(on, right, pane_ == pane::picture);
}

}  // namespace penstock::console
