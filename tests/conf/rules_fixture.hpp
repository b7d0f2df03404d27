#pragma once

#include <string>

#include "conf/rules.hpp"
#include "tests/conf/scratch.hpp"

namespace penstock::test {

inline const std::string amy_key(40, 'a');
inline const std::string raj_key(40, 'r');

/// A small rules file that loads. Tests replace one piece of it by another.
inline std::string small_rules() {
  return R"(version = 1
timezone = "Europe/Berlin"

[institution.gh]
name = "General Hospital"

[pacs.gh-rad]
institution = "gh"
department = "Radiology"
ae_title = "GHPACS"
host = "127.0.0.1"
port = 104
mrn = [{ pattern = '^\d{7}$', issuer = "GH", input_pad = 7 }, { pattern = '^X\d+$', issuer = "GHX" }]

[[pacs.gh-rad.window]]
name = "clinic"
days = ["mon-fri"]
hours = "07:00-19:00"
concurrent = 1
per_minute = 2

[user.amy]
name = "Amy"
keys = [")" +
         amy_key +
         R"("]
roles = ["researcher", "admin"]

[project.alz]
title = "Alzheimer"
irb = "2014P1"
valid_through = 2027-03-31
legal_basis = "waiver"
members = ["amy"]
pacs = ["gh-rad"]
patients = "alz.csv"
cache_quota = "10 GiB"
)";
}

/// Rules files with their cohort, in a directory of their own.
struct rules_fixture {
  scratch directory;
  std::filesystem::path file = directory.root() / "governance.toml";

  rules_fixture() { directory.write("alz.csv", "# rows: 2\nissuer,mrn\nGH,0000001\nGHX,X2\n"); }

  [[nodiscard]] conf::loaded<conf::rules_ptr> read(const std::string& text) const {
    return conf::parse_rules(text, file);
  }
  /// small_rules() with `from`, which must be there, replaced by `to`.
  [[nodiscard]] static std::string changed(const std::string& from, const std::string& to) {
    auto text = small_rules();
    return text.replace(text.find(from), from.size(), to);
  }
};

}  // namespace penstock::test
