#include "tests/console/golden.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace penstock::console::testing {

bool looks_like(const canvas& drawn, const std::string& name) {
  const auto path = std::string{PENSTOCK_SOURCE_DIR} + "/tests/golden/console/" + name + ".txt";
  const auto text = drawn.text();
  if (const char* rewrite = std::getenv("PENSTOCK_REWRITE_GOLDEN"); rewrite != nullptr && *rewrite != '\0') {
    std::ofstream{path} << text;
    return true;
  }
  std::ostringstream expected;
  expected << std::ifstream{path}.rdbuf();
  if (expected.str() == text) return true;
  BOOST_TEST_MESSAGE(path << " is not what was drawn:\n" << text);
  return false;
}

}  // namespace penstock::console::testing
