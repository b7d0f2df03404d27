#include "messages/requests.hpp"

#include <array>
#include <cstddef>

namespace penstock::messages {
namespace {

constexpr std::array<std::string_view, 6> state_names{"scheduled",  "processing", "completed",
                                                      "incomplete", "failed",     "cancelled"};
constexpr std::array<std::string_view, 8> reason_names{
    "none",       "identity_unverified", "not_enumerated",  "ready",
    "quota_full", "retry_later",         "project_expired", "following"};
constexpr std::array<std::string_view, 3> priority_names{"low", "normal", "high"};
constexpr std::array<std::string_view, 3> level_names{"study", "series", "instance"};

template <class E, std::size_t N>
bool parse_in(const std::array<std::string_view, N>& names, std::string_view text, E& into) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) {
      into = static_cast<E>(i);
      return true;
    }
  return false;
}

}  // namespace

std::string_view name_of(request_state state) { return state_names.at(static_cast<std::size_t>(state)); }
std::string_view name_of(waiting_reason reason) { return reason_names.at(static_cast<std::size_t>(reason)); }
std::string_view name_of(request_priority priority) { return priority_names.at(static_cast<std::size_t>(priority)); }
std::string_view name_of(retrieve_level level) { return level_names.at(static_cast<std::size_t>(level)); }

bool parse(std::string_view text, request_state& into) { return parse_in(state_names, text, into); }
bool parse(std::string_view text, waiting_reason& into) { return parse_in(reason_names, text, into); }
bool parse(std::string_view text, request_priority& into) { return parse_in(priority_names, text, into); }
bool parse(std::string_view text, retrieve_level& into) { return parse_in(level_names, text, into); }

}  // namespace penstock::messages
