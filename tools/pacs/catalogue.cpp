#include "tools/pacs/catalogue.hpp"

#include <utility>

#include "tools/pacs/transfer_syntaxes.hpp"

namespace penstock::pacs {

void catalogue::add(study made) {
  if (!by_uid_.try_emplace(made.uid(), studies_.size()).second) return;
  for (const auto& member : made.members)
    for (const auto& one : member.instances) {
      sent_as_.emplace(one.sop_class_uid, one.transfer_syntax);
      if (one.file.empty()) sent_as_.emplace(one.sop_class_uid, implicit_little_endian);
    }
  studies_.push_back(std::move(made));
}

const study* catalogue::find(const std::string& study_uid) const {
  const auto found = by_uid_.find(study_uid);
  return found == by_uid_.end() ? nullptr : &studies_[found->second];
}

messages::result<catalogue> fill_catalogue(const script& from, std::size_t& skipped) {
  catalogue made;
  for (const auto& patient : from.patients) add_generated(patient, made);
  for (const auto& directory : from.directories)
    if (auto added = add_directory(directory, made, skipped); !added) return added.error();
  return made;
}

}  // namespace penstock::pacs
