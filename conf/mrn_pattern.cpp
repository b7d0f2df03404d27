// g++ 12 with AddressSanitizer takes a union inside <regex> for uninitialised (GCC bug 105616).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <regex>

#include "conf/rules.hpp"

namespace penstock::conf {

struct mrn_pattern::compiled {
  std::regex expression;
};

std::optional<mrn_pattern> mrn_pattern::compile(const std::string& text) {
  try {
    // libstdc++'s own flag: a breadth-first matcher that cannot run away, and refuses what it cannot do.
    const auto flags = std::regex::ECMAScript | std::regex::optimize | std::regex_constants::__polynomial;
    mrn_pattern made;
    made.text_ = text;
    made.compiled_ = std::make_shared<const compiled>(compiled{std::regex{text, flags}});
    return made;
  } catch (const std::regex_error&) {
    return std::nullopt;
  }
}

bool mrn_pattern::matches(std::string_view mrn) const {
  if (!compiled_) return false;
  try {
    return std::regex_match(mrn.begin(), mrn.end(), compiled_->expression);
  } catch (const std::regex_error&) {
    return false;
  }
}

}  // namespace penstock::conf
