#include "messages/searches.hpp"

#include <array>
#include <cstddef>

namespace penstock::messages {
namespace {

constexpr std::array<std::string_view, 4> kind_names{"patients", "studies_by_mrn", "studies_by_accession", "series"};
constexpr std::array<std::string_view, 8> outcome_names{"pending",   "invalid",     "duplicate", "not_permitted",
                                                        "not_found", "unavailable", "truncated", "found"};

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

std::string_view name_of(search_kind kind) { return kind_names.at(static_cast<std::size_t>(kind)); }
std::string_view name_of(search_outcome outcome) { return outcome_names.at(static_cast<std::size_t>(outcome)); }
bool parse(std::string_view text, search_kind& into) { return parse_in(kind_names, text, into); }
bool parse(std::string_view text, search_outcome& into) { return parse_in(outcome_names, text, into); }

}  // namespace penstock::messages
