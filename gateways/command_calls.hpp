#pragma once
// How a command gateway passes a call on: the templates that its sources share. For command_gateway.cpp and
// governance_commands.cpp only.

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "gateways/command_gateway.hpp"

namespace penstock::gateways {

/// Nobody waits longer for a line of somebody else's state.
inline constexpr std::chrono::milliseconds gather_deadline{2'000};

using texts_by_id = std::map<std::string, std::string, std::less<>>;

template <class Handle>
Handle command_gateway::of_project(const call_ptr& call, const handles_by_id<Handle>& from) {
  const auto found = from.find(call->envelope.project);
  if (found != from.end() && found->second) return found->second;
  fail(call, messages::fail(messages::errc::rate_limited, "this project is not served yet; try again"));
  return Handle{};
}

template <class Handle, class Command>
void command_gateway::forward(const call_ptr& call, const Handle& to, const messages::result<Command>& command,
                              std::chrono::milliseconds extra_wait) {
  if (!command) return fail(call, command.error());
  if (!to)
    return fail(call, messages::fail(messages::errc::internal, call->envelope.command + ": not served yet; try again"));
  self_->request(to, options_.answer_deadline + extra_wait, *command)
      .then([this, call](const messages::answered& a) { succeed(call, a.json); },
            [this, call](const caf::error& problem) { fail(call, problem); });
}

template <class Handle, class Question>
void command_gateway::gather(const std::map<std::string, Handle, std::less<>>& whom, const Question& question,
                             std::chrono::milliseconds deadline, std::function<void(texts_by_id)> done) {
  struct gathering {
    std::size_t open = 0;
    texts_by_id answers;
    std::function<void(texts_by_id)> done;
    void one_less() {
      if (--open == 0) done(std::move(answers));
    }
  };
  auto state = std::make_shared<gathering>();
  state->done = std::move(done);
  state->open = whom.size() + 1;
  for (const auto& [id, handle] : whom) {
    if (!handle) {
      state->one_less();
      continue;
    }
    self_->request(handle, std::min(deadline, options_.answer_deadline), question)
        .then(
            [state, name = id](const messages::answered& a) {
              state->answers.emplace(name, a.json);
              state->one_less();
            },
            [state](const caf::error&) { state->one_less(); });
  }
  state->one_less();
}

}  // namespace penstock::gateways
