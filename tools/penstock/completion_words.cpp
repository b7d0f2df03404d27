#include "tools/penstock/completion_words.hpp"

#include <algorithm>

#include "tools/penstock/input_lists.hpp"

namespace penstock::commands {
namespace {

bool is_named(const CLI::Option& option, const std::string& word) { return option.check_name(word); }

/// An option of the command, or of those above it.
const CLI::Option* option_named(const CLI::App* command, const std::string& word) {
  for (; command != nullptr; command = command->get_parent())
    for (const auto* option : command->get_options())
      if (!option->get_positional() && is_named(*option, word)) return option;
  return nullptr;
}

bool takes_value(const CLI::Option& option) { return option.get_type_size_max() > 0; }

/// "low", "normal" of "TEXT:{low,normal}".
std::vector<std::string> choices_in(const std::string& type_name) {
  const auto open = type_name.find('{');
  const auto close = type_name.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return {};
  return split_commas(type_name.substr(open + 1, close - open - 1));
}

completion value_of(const CLI::Option& option) {
  const auto type = option.get_type_name();
  const auto name = option.get_positional() ? option.get_name() : option.get_name(false, true);
  if (auto choices = choices_in(type); !choices.empty()) return {wanted::words, std::move(choices)};
  const auto mentions = [&](const char* word) {
    return type.find(word) != std::string::npos || name.find(word) != std::string::npos;
  };
  if (mentions("FILE") || mentions("DIR")) return {wanted::files, {}};
  if (mentions("--project")) return {wanted::projects, {}};
  if (mentions("--pacs") || mentions("PACS")) return {wanted::pacs, {}};
  if (mentions("REQUEST")) return {wanted::requests, {}};
  return {};
}

completion options_of(const CLI::App* command) {
  completion found{wanted::words, {}};
  for (; command != nullptr; command = command->get_parent())
    for (const auto* option : shown_options(*command))
      for (const auto& name : option->get_lnames()) found.words.push_back("--" + name);
  return found;
}

completion next_of(const CLI::App& command) {
  completion found{wanted::words, {}};
  for (const auto* one : shown_commands(command)) found.words.push_back(one->get_name());
  if (!found.words.empty()) return found;
  for (const auto* option : command.get_options())
    if (option->get_positional()) return value_of(*option);
  return {};
}

/// Where the finished words lead: the command, and the option that waits for its value.
struct place {
  const CLI::App* command;
  const CLI::Option* waiting = nullptr;
};

place place_after(const CLI::App& program, const std::vector<std::string>& finished) {
  place at{&program};
  for (const auto& word : finished) {
    if (at.waiting != nullptr) {
      at.waiting = nullptr;
    } else if (word.starts_with('-')) {
      const auto* option = option_named(at.command, word.substr(0, word.find('=')));
      if (option != nullptr && takes_value(*option) && word.find('=') == std::string::npos) at.waiting = option;
    } else {
      for (const auto* one : shown_commands(*at.command))
        if (one->get_name() == word) {
          at.command = one;
          break;
        }
    }
  }
  return at;
}

}  // namespace

completion complete(const CLI::App& program, const std::vector<std::string>& words) {
  if (words.empty()) return {};
  const auto at = place_after(program, {words.begin(), words.end() - 1});
  auto found = at.waiting != nullptr           ? value_of(*at.waiting)
               : words.back().starts_with('-') ? options_of(at.command)
                                               : next_of(*at.command);
  std::erase_if(found.words, [&](const auto& word) { return !word.starts_with(words.back()); });
  std::sort(found.words.begin(), found.words.end());
  found.words.erase(std::unique(found.words.begin(), found.words.end()), found.words.end());
  return found;
}

std::vector<const CLI::App*> shown_commands(const CLI::App& of) {
  auto commands = of.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); });
  return {commands.begin(), commands.end()};
}

std::vector<const CLI::Option*> shown_options(const CLI::App& of) {
  return of.get_options([](const CLI::Option* one) { return !one->get_positional() && !one->get_group().empty(); });
}

std::string value_among(const std::vector<std::string>& words, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < words.size(); ++i)
    for (const auto& name : names) {
      if (words[i] == name && i + 1 < words.size()) return words[i + 1];
      if (words[i].starts_with(name + "=")) return words[i].substr(name.size() + 1);
    }
  return {};
}

}  // namespace penstock::commands
