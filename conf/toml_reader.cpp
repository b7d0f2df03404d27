#include "conf/toml_reader.hpp"

#include <toml++/toml.h>
#include <algorithm>
#include <set>
#include <sstream>

#include "conf/units.hpp"
#include "messages/ids.hpp"

namespace penstock::conf {
namespace {

position position_of(const toml::source_region& region) {
  return {static_cast<std::uint32_t>(region.begin.line), static_cast<std::uint32_t>(region.begin.column)};
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// What is shared by all sections of one file.
struct document {
  toml::table root;
  std::string file;
  std::vector<fault>* faults;

  void add(position at, std::string message) const {
    if (faults->size() < max_faults) faults->push_back({file, at.line, at.column, std::move(message)});
    if (faults->size() == max_faults) faults->push_back({file, 0, 0, "there are more faults than are shown"});
  }
};

}  // namespace

struct section::content {
  std::shared_ptr<const document> doc;
  const toml::table* table;
  position place;
  std::set<std::string, std::less<>> asked;

  const toml::node* ask(std::string_view key, presence needed) {
    asked.emplace(key);
    const auto* node = table->get(key);
    if (!node && needed == presence::required) doc->add(place, std::string{key} + ": is missing");
    return node;
  }
  void refuse(std::string_view key, const toml::node& node, const std::string& expected) const {
    doc->add(position_of(node.source()), std::string{key} + ": expected " + expected);
  }
};

std::optional<section> section::parse(std::string_view toml, const std::string& file, std::vector<fault>& faults) {
  try {
    auto doc = std::make_shared<document>();
    doc->root = toml::parse(toml, file);
    doc->file = file;
    doc->faults = &faults;
    const auto* root = &doc->root;
    return section{std::make_shared<content>(content{std::move(doc), root, {1, 1}, {}})};
  } catch (const toml::parse_error& problem) {
    const auto at = position_of(problem.source());
    faults.push_back({file, at.line, at.column, std::string{problem.description()}});
    return std::nullopt;
  }
}

bool section::has(std::string_view key) const { return held_->table->contains(key); }

std::optional<std::string> section::any_text(std::string_view key, presence needed, std::size_t longest) {
  const auto* node = held_->ask(key, needed);
  if (!node) return std::nullopt;
  const auto* value = node->as_string();
  if (value && value->get().size() <= longest && !has_control_character(value->get())) return value->get();
  held_->refuse(key, *node, "text of at most " + std::to_string(longest) + " bytes, in quotes");
  return std::nullopt;
}

std::optional<std::string> section::text(std::string_view key, presence needed, std::size_t longest) {
  auto value = any_text(key, needed, longest);
  if (!value || !value->empty()) return value;
  fault_at(key, "must not be empty");
  return std::nullopt;
}

std::optional<std::uint32_t> section::number(std::string_view key, presence needed, std::uint32_t least,
                                             std::uint32_t most) {
  const auto* node = held_->ask(key, needed);
  if (!node) return std::nullopt;
  const auto* value = node->as_integer();
  if (value && value->get() >= least && value->get() <= most) return static_cast<std::uint32_t>(value->get());
  held_->refuse(key, *node,
                least == most ? "the number " + std::to_string(least)
                              : "a number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<bool> section::yes_or_no(std::string_view key) {
  const auto* node = held_->ask(key, presence::optional);
  if (!node) return std::nullopt;
  if (const auto* value = node->as_boolean()) return value->get();
  held_->refuse(key, *node, "true or false");
  return std::nullopt;
}

std::optional<std::chrono::year_month_day> section::date(std::string_view key, presence needed) {
  const auto* node = held_->ask(key, needed);
  if (!node) return std::nullopt;
  if (const auto* value = node->as_date()) {
    const auto& day = value->get();
    return std::chrono::year_month_day{std::chrono::year{day.year}, std::chrono::month{day.month},
                                       std::chrono::day{day.day}};
  }
  held_->refuse(key, *node, "a date as 2027-03-31, without quotes");
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> section::duration(std::string_view key, presence needed,
                                                           std::chrono::milliseconds least,
                                                           std::chrono::milliseconds most) {
  const auto* node = held_->ask(key, needed);
  if (!node) return std::nullopt;
  const auto* value = node->as_string();
  const auto parsed = value ? parse_duration(value->get()) : std::nullopt;
  if (parsed && *parsed >= least && *parsed <= most) return parsed;
  held_->refuse(key, *node,
                "a duration with its unit (ms, s, min, h, days) in quotes, from " + std::to_string(least.count()) +
                    " ms to " + std::to_string(most.count() / 1000) + " s");
  return std::nullopt;
}

std::optional<std::uint64_t> section::size(std::string_view key, presence needed, std::uint64_t least) {
  const auto* node = held_->ask(key, needed);
  if (!node) return std::nullopt;
  const auto* value = node->as_string();
  const auto parsed = value ? parse_size(value->get()) : std::nullopt;
  if (parsed && *parsed >= least) return parsed;
  held_->refuse(key, *node,
                "a size with its unit (B, KiB, MiB, GiB, TiB) in quotes, at least " + std::to_string(least) + " B");
  return std::nullopt;
}

std::vector<placed<std::string>> section::texts(std::string_view key, presence needed, std::size_t most) {
  std::vector<placed<std::string>> found;
  const auto* node = held_->ask(key, needed);
  if (!node) return found;
  const auto* list = node->as_array();
  if (!list || list->size() > most || (list->empty() && needed == presence::required)) {
    held_->refuse(key, *node, "a list of texts, at most " + std::to_string(most));
    return found;
  }
  for (const auto& item : *list) {
    const auto* value = item.as_string();
    if (value && !value->get().empty() && !has_control_character(value->get()))
      found.push_back({value->get(), position_of(item.source())});
    else
      held_->refuse(key, item, "text in quotes");
  }
  return found;
}

std::optional<section> section::table(std::string_view key, presence needed) {
  const auto* node = held_->ask(key, needed);
  if (!node) return std::nullopt;
  if (const auto* inner = node->as_table())
    return section{std::make_shared<content>(content{held_->doc, inner, position_of(inner->source()), {}})};
  held_->refuse(key, *node, "a table");
  return std::nullopt;
}

std::vector<section> section::tables(std::string_view key, presence needed, std::size_t most) {
  std::vector<section> found;
  const auto* node = held_->ask(key, needed);
  if (!node) return found;
  const auto* list = node->as_array();
  if (!list || list->size() > most || list->empty()) {
    held_->refuse(key, *node, "a list of 1 to " + std::to_string(most) + " tables");
    return found;
  }
  for (const auto& item : *list) {
    if (const auto* inner = item.as_table())
      found.push_back(section{std::make_shared<content>(content{held_->doc, inner, position_of(inner->source()), {}})});
    else
      held_->refuse(key, item, "a table");
  }
  return found;
}

std::vector<placed<std::pair<std::string, section>>> section::named(std::string_view key, std::size_t most) {
  std::vector<placed<std::pair<std::string, section>>> found;
  const auto outer = table(key);
  if (!outer) return found;
  if (outer->held_->table->size() > most) {
    fault_at(key, "at most " + std::to_string(most) + " are allowed");
    return found;
  }
  for (const auto& [name, node] : *outer->held_->table) {
    const auto where = position_of(name.source());
    const auto* inner = node.as_table();
    if (!inner)
      held_->doc->add(where, std::string{key} + "." + std::string{name.str()} + ": expected a table");
    else if (!messages::is_valid_name(name.str()))
      held_->doc->add(where,
                      std::string{key} + ": an id is 1 to 64 of a-z 0-9 - _ . and begins with a letter or digit");
    else
      found.push_back({{std::string{name.str()}, section{std::make_shared<content>(
                                                     content{held_->doc, inner, position_of(inner->source()), {}})}},
                       where});
  }
  return found;
}

position section::at(std::string_view key) const {
  const auto* node = held_->table->get(key);
  return node ? position_of(node->source()) : held_->place;
}

std::string section::as_toml() const {
  std::ostringstream text;
  text << *held_->table;
  return std::move(text).str();
}

void section::fault_at(std::string_view key, const std::string& message) const {
  held_->doc->add(at(key), std::string{key} + ": " + message);
}

void section::fault_at(position where, const std::string& message) const { held_->doc->add(where, message); }

void section::refuse_unknown_keys() const {
  for (const auto& [key, node] : *held_->table)
    if (!held_->asked.contains(key.str()))
      held_->doc->add(position_of(key.source()), "unknown key \"" + std::string{key.str()} + "\"");
}

}  // namespace penstock::conf
