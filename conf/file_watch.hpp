#pragma once
// Have files changed, and has whoever changes them finished? Asked again and again, at a steady pace. Looking at what
// the names lead to, not at events of a directory, sees every way in which files are replaced: written in place,
// renamed over, a link that is pointed elsewhere, on any file system.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace penstock::conf {

class file_watch {
 public:
  /// Whoever has read them may have read them just before they changed: they count as changed once.
  explicit file_watch(std::vector<std::filesystem::path> files) : files_(std::move(files)) {}

  /// True once for each change, when two looks in a row have seen the same: then nobody is in the middle of writing.
  [[nodiscard]] bool has_settled_change();

  /// From now on these; when they are others than before, they count as changed once.
  void watch(std::vector<std::filesystem::path> files);

 private:
  [[nodiscard]] std::string look() const;

  std::vector<std::filesystem::path> files_;
  std::string known_;
  std::string seen_;
};

}  // namespace penstock::conf
