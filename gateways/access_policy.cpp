#include "gateways/access_policy.hpp"

#include <algorithm>
#include <array>

#include "conf/rules_queries.hpp"

namespace penstock::gateways {
namespace {

using conf::user_role;
using messages::errc;
using messages::fail;

constexpr std::array commands = {
    command_rule{"hello", audience::anyone, false},
    command_rule{"pacs.list", audience::anyone, false},
    command_rule{"pacs.echo", audience::admin, false},
    command_rule{"patients.find", audience::working_member, false, appetite::more},
    command_rule{"studies.find", audience::working_member, false, appetite::more},
    command_rule{"series.find", audience::working_member, false, appetite::more},
    command_rule{"search.more", audience::member, false},
    command_rule{"search.cancel", audience::member, false},
    command_rule{"requests.submit", audience::working_member, true, appetite::more},
    command_rule{"requests.list", audience::member, false},
    command_rule{"requests.show", audience::member, false},
    command_rule{"requests.cancel", audience::member, true},
    command_rule{"requests.retry", audience::working_member, true, appetite::more},
    command_rule{"requests.delete", audience::member, true, appetite::little},
    command_rule{"requests.prioritise", audience::working_member, true, appetite::little},
    command_rule{"cache.list", audience::member, false},
    command_rule{"cache.facets", audience::member, false},
    command_rule{"cache.usage", audience::member, false},
    command_rule{"cache.delete", audience::member, true},
    command_rule{"cache.check", audience::admin, false},
    command_rule{"cache.purge", audience::admin_of_project, true},
    command_rule{"download.open", audience::working_member, true},
    command_rule{"download.exported", audience::member, true, appetite::little},
    command_rule{"governor.status", audience::member_or_admin, false},
    command_rule{"governor.simulate", audience::member_or_admin, false},
    command_rule{"governor.pause", audience::admin, true},
    command_rule{"governor.resume", audience::admin, true, appetite::little},
    command_rule{"governance.show", audience::admin_or_auditor, false},
    command_rule{"governance.check", audience::admin, false},
    command_rule{"governance.reload", audience::admin, true, appetite::little},
    command_rule{"audit.list", audience::admin_or_auditor, false},
    command_rule{"audit.proof", audience::anyone, false},
    command_rule{"audit.checkpoint", audience::anyone, false},
    command_rule{"server.status", audience::admin, false},
    command_rule{"server.backup", audience::admin, true, appetite::more},
};

bool has_role_named(const conf::user* who, user_role role) { return who != nullptr && conf::has_role(*who, role); }

messages::result<void> authorise_member(const conf::rules& rules, std::string_view user, std::string_view project_id,
                                        bool working, std::chrono::year_month_day today) {
  const auto* project = conf::find_project(rules, project_id);
  const auto* who = conf::find_user(rules, user);
  if (project == nullptr || who == nullptr || !conf::is_member(*project, user))
    return fail(errc::not_found, "no such project");
  if (!conf::training_in_force(rules, *who, today))
    return fail(errc::not_permitted, "your training has lapsed, or was never recorded");
  if (working && conf::is_expired(*project, today))
    return fail(errc::project_expired, "the approval of this project has ended");
  return {};
}

struct topic_parts {
  std::string_view project;
  std::string_view kind;
};

/// "p/PROJECT/KIND", else nothing in either.
topic_parts split_topic(std::string_view topic) {
  if (!topic.starts_with("p/")) return {};
  const auto slash = topic.find('/', 2);
  if (slash == std::string_view::npos) return {};
  return {topic.substr(2, slash - 2), topic.substr(slash + 1)};
}

constexpr std::array<std::string_view, 4> project_topics = {"requests", "cache", "progress", "searches"};

}  // namespace

const command_rule* find_command(std::string_view name) {
  const auto* found = std::find_if(commands.begin(), commands.end(), [&](const auto& c) { return c.name == name; });
  return found == commands.end() ? nullptr : found;
}

messages::result<void> authorise(const conf::rules& rules, std::string_view user, const command_rule& command,
                                 std::string_view project, std::chrono::year_month_day today) {
  const auto* who = conf::find_user(rules, user);
  const auto allowed = [](bool yes) {
    return yes ? messages::result<void>{}
               : messages::result<void>{fail(errc::not_permitted, "your role does not allow it")};
  };
  switch (command.who) {
    case audience::anyone:
      return allowed(who != nullptr);
    case audience::member:
      return authorise_member(rules, user, project, false, today);
    case audience::working_member:
      return authorise_member(rules, user, project, true, today);
    case audience::admin:
      return allowed(has_role_named(who, user_role::admin));
    case audience::admin_of_project:
      if (auto admin = allowed(has_role_named(who, user_role::admin)); !admin) return admin;
      if (!messages::is_valid_name(project)) return fail(errc::not_found, "no such project");
      return {};
    case audience::admin_or_auditor:
      return allowed(has_role_named(who, user_role::admin) || has_role_named(who, user_role::auditor));
    case audience::member_or_admin:
      return allowed(has_role_named(who, user_role::admin) || !conf::projects_of(rules, user).empty());
  }
  return allowed(false);
}

messages::result<void> judge_appetite(const command_rule& command, storage::room left) {
  const bool fits = command.wants == appetite::none || left == storage::room::ample ||
                    (command.wants == appetite::little && left == storage::room::scarce);
  if (fits) return {};
  return fail(errc::disk_full,
              left == storage::room::scarce
                  ? "the server's disk is nearly full: nothing new is taken on until there is room"
                  : "the server's disk is full: it only ends, frees and shows things until there is room");
}

bool may_follow(const conf::rules& rules, std::string_view user, std::string_view topic,
                std::chrono::year_month_day today) {
  const auto* who = conf::find_user(rules, user);
  if (topic == "governor") return has_role_named(who, user_role::admin);
  if (topic == "audit") return has_role_named(who, user_role::auditor);
  const auto [project, kind] = split_topic(topic);
  if (std::find(project_topics.begin(), project_topics.end(), kind) == project_topics.end()) return false;
  return authorise_member(rules, user, project, false, today).ok();
}

std::string_view project_of_topic(std::string_view topic) { return split_topic(topic).project; }

bool is_transient_topic(std::string_view topic) {
  const auto kind = split_topic(topic).kind;
  return kind == "progress" || kind == "searches";
}

}  // namespace penstock::gateways
