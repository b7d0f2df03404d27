#pragma once
// Between the parts that read the rules file; not for others.

#include <string>
#include <vector>

#include "conf/rules.hpp"
#include "conf/toml_reader.hpp"

namespace penstock::conf {

/// An id in the file that must name something else in it.
struct reference {
  enum class target : std::uint8_t { institution, pacs, user };
  target to;
  std::string id;
  std::string key;
  position at;
};

/// What is being read. References are checked when all is there.
struct rules_reading {
  rules& into;
  std::vector<reference> references;
  std::vector<fault>& faults;
};

void read_institutions(section& top, rules_reading& reading);
void read_all_pacs(section& top, rules_reading& reading);
void read_users(section& top, rules_reading& reading);
void read_projects(section& top, rules_reading& reading);

template <class T>
void assign(T& into, std::optional<T> value) {
  if (value) into = std::move(*value);
}

}  // namespace penstock::conf
