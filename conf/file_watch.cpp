#include "conf/file_watch.hpp"

#include <sys/stat.h>

#include <utility>

namespace penstock::conf {
namespace {

/// What differs when another file is there or other bytes are in it; a file that cannot be read has a text of its own.
std::string fingerprint(const std::filesystem::path& file) {
  struct stat is {};
  if (::stat(file.c_str(), &is) != 0) return "absent;";
  std::string text;
  for (const auto part : {static_cast<long long>(is.st_dev), static_cast<long long>(is.st_ino),
                          static_cast<long long>(is.st_size), static_cast<long long>(is.st_mtim.tv_sec),
                          static_cast<long long>(is.st_mtim.tv_nsec), static_cast<long long>(is.st_ctim.tv_sec),
                          static_cast<long long>(is.st_ctim.tv_nsec), static_cast<long long>(is.st_mode)})
    text += std::to_string(part) + ',';
  return text + ';';
}

}  // namespace

bool file_watch::has_settled_change() {
  auto now = look();
  const bool settled = now == seen_ && now != known_;
  seen_ = std::move(now);
  if (settled) known_ = seen_;
  return settled;
}

void file_watch::watch(std::vector<std::filesystem::path> files) {
  if (files == files_) return;
  files_ = std::move(files);
  known_.clear();
  seen_.clear();
}

std::string file_watch::look() const {
  std::string all;
  for (const auto& file : files_) all += file.string() + '=' + fingerprint(file);
  return all;
}

}  // namespace penstock::conf
