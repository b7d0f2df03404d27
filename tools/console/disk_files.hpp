#pragma once
// The downloads of this machine's disk: read in a thread, decoded in a sandboxed process.

#include <filesystem>
#include <memory>
#include <string>

#include "tools/console/background.hpp"
#include "tools/console/local_files.hpp"
#include "tools/penstock/context.hpp"

namespace penstock::console {

class disk_files : public local_files {
 public:
  /// Folders whose keys are in memory at a time; the one not used for longest is closed.
  static constexpr std::size_t most_open_folders = 32;

  /// `program` is the penstock that decodes; `changed` is called after each answer: something may look different.
  disk_files(event_loop& loop, const commands::context& at, std::filesystem::path program,
             std::function<void()> changed);
  ~disk_files() override;

  void find(const std::string& root, then<std::vector<local_folder>> found) override;
  void open(const std::string& folder, const folder_key& key, then<folder_content> opened) override;
  void draw(const image_place& which, const commands::rendering& how, then<commands::decoded_image> drawn) override;
  void read_attributes(const image_place& which, then<std::vector<commands::attribute>> read) override;
  void remove(const local_folder& folder, then<removed_files> removed) override;
  void measure_room(const std::string& folder, then<std::uint64_t> measured) override;
  void call_after(std::chrono::milliseconds wait, std::function<void()> call) override;

 private:
  class shelf;
  /// `work` runs in the thread; its result is given to `then` by the loop.
  template <class T, class Work>
  void run(Work work, then<T> give);

  event_loop& loop_;
  std::function<void()> changed_;
  std::shared_ptr<shelf> shelf_;
  background thread_;
};

}  // namespace penstock::console
