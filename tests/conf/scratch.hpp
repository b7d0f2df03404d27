#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace penstock::test {

/// A directory of its own for one test, removed at its end.
class scratch {
 public:
  scratch() {
    static std::atomic<int> count{0};
    root_ = std::filesystem::temp_directory_path() /
            ("penstock-conf-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(root_);
  }
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  std::filesystem::path write(const std::filesystem::path& name, std::string_view text) const {
    const auto file = root_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file, std::ios::binary} << text;
    return file;
  }

 private:
  std::filesystem::path root_;
};

}  // namespace penstock::test
