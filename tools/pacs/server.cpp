#include "tools/pacs/server.hpp"

#include <algorithm>
#include <cstdio>

namespace penstock::pacs {

using messages::errc;
using messages::fail;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

messages::result<void> server::load() {
  auto made = std::make_shared<world>();
  if (!options_.script_file.empty()) {
    auto read = read_script(options_.script_file);
    if (!read.ok()) return fail(errc::bad_configuration, conf::text_of(read.faults));
    made->said = std::move(read.value);
  }
  auto& said = made->said;
  said.directories.insert(said.directories.end(), options_.directories.begin(), options_.directories.end());
  for (const auto& [ae_title, where] : options_.destinations) said.destinations[ae_title] = where;
  std::size_t skipped = 0;
  auto filled = fill_catalogue(said, skipped);
  if (!filled) return filled.error();
  if (skipped > 0) std::fprintf(stderr, "penstock-pacs: %zu files are no DICOM files and left out\n", skipped);
  made->holds = std::move(*filled);
  made->faults = std::make_unique<fault_book>(said.faults, said.seed);
  const std::lock_guard lock{mutex_};
  world_ = std::move(made);
  return {};
}

std::shared_ptr<const world> server::now() const {
  const std::lock_guard lock{mutex_};
  return world_;
}

milliseconds server::recall_time(const nearline_rule& rule, const std::string& study_uid, bool recall) {
  const std::lock_guard lock{mutex_};
  const auto now = steady_clock::now();
  auto found = back_on_line_.find(study_uid);
  if (found == back_on_line_.end() && !recall) return std::max(rule.recall, milliseconds{1});
  if (found == back_on_line_.end()) found = back_on_line_.emplace(study_uid, now + rule.recall).first;
  return std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(found->second - now));
}

const nearline_rule* nearline_rule_for(const world& in, const study& of) {
  const auto meets = [&](const nearline_rule& rule) {
    return (rule.study_uid.empty() || rule.study_uid == of.uid()) && (rule.mrn.empty() || rule.mrn == of.patient_id());
  };
  const auto found = std::ranges::find_if(in.said.nearline, meets);
  return found == in.said.nearline.end() ? nullptr : &*found;
}

}  // namespace penstock::pacs
