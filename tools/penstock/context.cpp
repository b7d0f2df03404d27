#include "tools/penstock/context.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "tools/penstock/display_text.hpp"
#include "tools/penstock/terminal.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using nlohmann::json;

constexpr std::size_t page_items = 1000;

std::string advice_for(errc code) {
  switch (code) {
    case errc::not_found:
      return "What you asked for is not there, or not yours to see: 'penstock whoami' lists your projects.";
    case errc::unknown_command:
      return "The server is older than this program, or newer: 'penstock doctor' compares them.";
    case errc::not_permitted:
      return "Ask the administrator of the server whether your role allows this.";
    case errc::project_expired:
      return "The approval of the project has ended; ask its investigator to extend it.";
    case errc::quota_exceeded:
      return "Make room with 'penstock cache delete', or ask for a larger quota.";
    case errc::rate_limited:
      return "Wait a little and try again.";
    case errc::disk_full:
      return "The server's disk is full; its administrator has to make room. What ends or shows things still works.";
    case errc::shutting_down:
      return "The server is going down; try again in a minute.";
    case errc::authentication_failed:
      return "Is it the right passphrase or key file? If so, the data was altered: fetch it again.";
    case errc::no_space:
      return "Make room on the disk; a download can be continued with 'penstock download --resume DIR'.";
    default:
      return {};
  }
}

}  // namespace

result<void> context::choose_format() {
  if (format_name == "json") format = output_format::json;
  if (format_name == "jsonl") format = output_format::jsonl;
  if (format_name == "csv") format = output_format::csv;
  json = format == output_format::json || format == output_format::jsonl;
  const bool is_list = std::any_of(lists.begin(), lists.end(), [](const auto* command) { return command->parsed(); });
  if (format == output_format::csv && !is_list)
    return fail(errc::bad_request, "--output csv is for lists, such as 'requests list'; take --json here");
  return {};
}

result<client::settings> context::settings() const {
  return client::resolve_settings(flags, client::process_environment());
}

result<client::session*> context::server() {
  if (session_) return session_.get();
  auto chosen = settings();
  if (!chosen) return chosen.error();
  if (auto good = client::check_settings(*chosen); !good) return good.error();
  auto key = client::load_user_key(chosen->key_file);
  if (!key) return key.error();
  auto opened =
      client::session::open({chosen->server, chosen->server_key, std::move(*key), std::chrono::seconds{timeout_s}});
  if (!opened) return opened.error();
  session_ = std::move(*opened);
  return session_.get();
}

result<std::string> context::project() {
  auto chosen = settings();
  if (!chosen) return chosen.error();
  if (!chosen->project.empty()) return chosen->project;
  auto connected = server();
  if (!connected) return connected.error();
  const auto& projects = array_in((*connected)->greeting(), "projects");
  if (projects.size() == 1) return text_in(projects.front(), "id");
  if (projects.empty()) return fail(errc::not_found, "you are not a member of any project");
  std::string known;
  for (const auto& one : projects) known += (known.empty() ? "" : ", ") + text_in(one, "id");
  return fail(errc::bad_configuration, "which project? Name one with --project or PENSTOCK_PROJECT: " + known);
}

result<nlohmann::json> context::ask(const std::string& command, nlohmann::json args, const std::string& op,
                                    std::chrono::milliseconds extra_wait) {
  auto connected = server();
  if (!connected) return connected.error();
  auto name = project();
  if (!name) return name.error();
  return (*connected)->ask({command, *name, std::move(args), op, extra_wait});
}

void context::show(const table& rows) const { std::cout << rows.text(style_of_output()) << std::flush; }

void context::show(const nlohmann::json& document) const {
  std::cout << document.dump(format == output_format::jsonl ? -1 : 2, ' ', false,
                             nlohmann::json::error_handler_t::replace)
            << std::endl;
}

void context::say(const std::string& line) const {
  if (format == output_format::table) std::cout << line << std::endl;
}

exit_code context::report(const messages::failure& problem) const {
  std::cerr << "penstock: " << printable(problem.context) << "\n";
  if (const auto advice = advice_for(problem.code); !advice.empty()) std::cerr << advice << "\n";
  if (json) show(nlohmann::json{{"error", {{"code", name_of(problem.code)}, {"message", problem.context}}}});
  return exit_code_of(problem.code);
}

result<bool> confirmed(const context& at, const std::string& question) {
  if (at.yes) return true;
  auto answer = ask_for_line(question + " [y/N] ");
  if (!answer) return fail(errc::bad_request, "there is no terminal to ask on; give --yes when that is what you want");
  return *answer == "y" || *answer == "Y" || *answer == "yes";
}

std::string text_in(const json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::uint64_t number_in(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

std::string list_in(const json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_array()) return text_in(object, member);
  std::string joined;
  for (const auto& part : *found)
    joined += (joined.empty() ? "" : ",") + (part.is_string() ? part.get<std::string>() : part.dump());
  return joined;
}

const json& array_in(const json& object, const char* member) {
  static const json none = json::array();
  const auto found = object.find(member);
  return found != object.end() && found->is_array() ? *found : none;
}

std::string person_name(const std::string& dicom) {
  const auto alphabetic = dicom.substr(0, dicom.find('='));
  std::string shown;
  std::size_t begin = 0;
  for (int component = 0; begin <= alphabetic.size() && component < 3; ++component) {
    const auto end = std::min(alphabetic.find('^', begin), alphabetic.size());
    const auto part = alphabetic.substr(begin, end - begin);
    if (!part.empty()) shown += (shown.empty() ? "" : component == 1 ? ", " : " ") + part;
    begin = end + 1;
  }
  return shown;
}

result<json> ask_all_pages(context& at, const std::string& command, json args, const char* items, std::size_t most) {
  json all = json::array();
  json answer;
  args["limit"] = page_items;
  do {
    auto page = at.ask(command, args);
    if (!page) return page.error();
    answer = std::move(*page);
    for (const auto& item : array_in(answer, items)) all.push_back(item);
    const auto next = answer.find("next");
    if (next == answer.end() || next->is_null() || *next == "" || array_in(answer, items).empty()) break;
    args["cursor"] = *next;
  } while (all.size() < most);
  if (all.size() > most) all.erase(all.begin() + static_cast<std::ptrdiff_t>(most), all.end());
  answer[items] = std::move(all);
  answer.erase("next");
  return answer;
}

}  // namespace penstock::commands
