// completion: scripts for shells, which ask the program itself what may come next.

#include <algorithm>
#include <iostream>
#include <string_view>

#include "tools/penstock/completion_words.hpp"
#include "tools/penstock/context.hpp"
#include "tools/penstock/manual.hpp"

namespace penstock::commands {
namespace {

using nlohmann::json;

/// A person waits at the shell.
constexpr std::uint32_t longest_wait_s = 1;
constexpr std::uint32_t most_requests = 200;
/// What the program says in place of words when the shell shall complete names of files.
constexpr std::string_view files_mark = ":files";

constexpr std::string_view bash_script =
    R"(# bash completion for penstock; put into ~/.bashrc:  source <(penstock completion bash)
_penstock() {
  local answer word
  COMPREPLY=()
  answer=$(penstock __complete words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ "$answer" = ":files" ]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
  elif [ -n "$answer" ]; then
    while IFS= read -r word; do COMPREPLY+=("$word"); done <<<"$answer"
  fi
}
complete -F _penstock penstock
)";

constexpr std::string_view zsh_script = R"(#compdef penstock
# zsh completion for penstock; put into ~/.zshrc after compinit:  source <(penstock completion zsh)
_penstock() {
  local -a found
  found=("${(@f)$(penstock __complete words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "$found[1]" == ":files" ]]; then
    _files
  elif [[ -n "$found[1]" ]]; then
    compadd -a found
  fi
}
# Installed, zsh loads this file when the first completion is wanted; sourced, it only has to be told of.
if [[ "$funcstack[1]" == "_penstock" ]]; then _penstock; else compdef _penstock penstock; fi
)";

constexpr std::string_view fish_script =
    R"(# fish completion for penstock; put into config.fish:  penstock completion fish | source
function __penstock_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (penstock __complete words $words[2..-1] 2>/dev/null)
    if test "$found" = ":files"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c penstock -f -a '(__penstock_complete)'
)";

exit_code print_script(std::string_view shell) {
  std::cout << (shell == "bash" ? bash_script : shell == "zsh" ? zsh_script : fish_script) << std::flush;
  return exit_code::ok;
}

std::vector<std::string> ids_known_to_server(context& at, wanted what) {
  std::vector<std::string> ids;
  auto server = at.server();
  if (!server) return ids;
  const auto& projects = array_in((*server)->greeting(), "projects");
  for (const auto& project : projects) {
    if (what == wanted::projects) ids.push_back(text_in(project, "id"));
    if (what == wanted::pacs)
      for (const auto& pacs : array_in(project, "pacs")) ids.push_back(pacs.get<std::string>());
  }
  if (what != wanted::requests) return ids;
  const auto listed = at.ask("requests.list", json{{"filter", json::object()}, {"limit", most_requests}});
  if (!listed) return ids;
  for (const auto& request : array_in(*listed, "requests")) ids.push_back(text_in(request, "id"));
  return ids;
}

/// Silent whatever happens: a shell is no place for complaints.
exit_code print_words(context& at, const CLI::App& program, const std::vector<std::string>& words) {
  auto found = complete(program, words);
  if (found.what == wanted::files) {
    std::cout << files_mark << std::endl;
    return exit_code::ok;
  }
  if (found.what != wanted::nothing && found.what != wanted::words) {
    at.timeout_s = longest_wait_s;
    at.flags.project = value_among(words, {"--project", "-p"});
    at.flags.server = value_among(words, {"--server"});
    at.flags.server_key = value_among(words, {"--server-key"});
    at.flags.key_file = value_among(words, {"--key"});
    for (auto& id : ids_known_to_server(at, found.what))
      if (id.starts_with(words.back())) found.words.push_back(std::move(id));
  }
  std::sort(found.words.begin(), found.words.end());
  std::string before;
  for (const auto& word : found.words)
    if (word != before) std::cout << (before = word) << '\n';
  std::cout << std::flush;
  return exit_code::ok;
}

}  // namespace

void add_completion_command(CLI::App& program, context& at) {
  auto* completion = program.add_subcommand("completion", "Print what makes a shell complete commands, ids and files");
  const auto shell = std::make_shared<std::string>();
  completion->add_option("SHELL", *shell, "Which")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&at, shell] { at.action = [shell] { return print_script(*shell); }; });

  // The first word that is not known ends the reading of options: everything after "words" is left as it is.
  auto* words = program.add_subcommand("__complete", "What may come next")->group("")->prefix_command();
  words->fallthrough(false);
  words->callback([&at, &program, words] {
    auto typed = words->remaining();
    if (!typed.empty()) typed.erase(typed.begin());
    at.action = [&at, &program, typed] { return print_words(at, program, typed); };
  });
  program.add_subcommand("__manual", "The manual page")->group("")->callback([&at, &program] {
    at.action = [&program] {
      std::cout << manual_page(program) << std::flush;
      return exit_code::ok;
    };
  });
}

}  // namespace penstock::commands
