#include "messages/actor_errors.hpp"

#include <caf/atom.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

namespace penstock::messages {
namespace {

constexpr caf::atom_value category = caf::atom("penstock");

}  // namespace

caf::error to_caf(const failure& problem) {
  return caf::error{static_cast<std::uint8_t>(problem.code), category, caf::make_message(problem.context)};
}

failure from_caf(const caf::error& problem, const char* operation) {
  if (problem.category() == category) {
    const auto& context = problem.context();
    return {static_cast<errc>(problem.code()),
            context.match_elements<std::string>() ? context.get_as<std::string>(0) : std::string{operation}};
  }
  if (problem == caf::sec::request_timeout) return {errc::timed_out, std::string{operation} + ": no answer in time"};
  if (problem == caf::sec::request_receiver_down)
    return {errc::internal, std::string{operation} + ": the part that does this is restarting; try again"};
  return {errc::internal, std::string{operation} + ": code " + std::to_string(problem.code())};
}

}  // namespace penstock::messages
