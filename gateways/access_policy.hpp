#pragma once
// Who may say what on the control socket: one table of commands and pure questions about the rules in force. What a
// person is not a member of and what does not exist give the same answer.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "conf/rules.hpp"
#include "messages/result.hpp"
#include "storage/state_directory.hpp"

namespace penstock::gateways {

enum class audience : std::uint8_t {
  anyone,          ///< with a key that the rules know
  member,          ///< of the project of the command
  working_member,  ///< the same, and the project has not expired: queries, retrieves or takes out
  admin,
  admin_of_project,  ///< an admin who names a project, be it in the rules or not: what it holds outlives it
  admin_or_auditor,
  member_or_admin  ///< of any project
};

/// What a command needs of the server's disk.
enum class appetite : std::uint8_t {
  none,    ///< it ends, frees or shows something
  little,  ///< it changes something that is there
  more     ///< it takes on something new
};

struct command_rule {
  std::string_view name;
  audience who = audience::anyone;
  bool needs_op = false;  ///< changes something
  appetite wants = appetite::none;
};

/// errc::disk_full when there is not so much room left.
[[nodiscard]] messages::result<void> judge_appetite(const command_rule& command, storage::room left);

/// Null for a command that this version does not have.
[[nodiscard]] const command_rule* find_command(std::string_view name);

/// errc::not_found, project_expired or not_permitted.
[[nodiscard]] messages::result<void> authorise(const conf::rules& rules, std::string_view user,
                                               const command_rule& command, std::string_view project,
                                               std::chrono::year_month_day today);

/// False for topics that do not exist, too.
[[nodiscard]] bool may_follow(const conf::rules& rules, std::string_view user, std::string_view topic,
                              std::chrono::year_month_day today);

/// PROJECT of "p/PROJECT/...", else nothing.
[[nodiscard]] std::string_view project_of_topic(std::string_view topic);

/// `progress` and `searches` are shown and forgotten; all other topics are kept in the journal.
[[nodiscard]] bool is_transient_topic(std::string_view topic);

}  // namespace penstock::gateways
