#pragma once
// What tabs have of this machine: downloads that are here, transfers that run, and the forms that begin them.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/console/form.hpp"
#include "tools/console/local_files.hpp"
#include "tools/console/tab.hpp"
#include "tools/console/transfer_queue.hpp"

namespace penstock::console {

struct local_side {
  local_files& files;
  transfer_queue& transfers;
  std::vector<std::string> connection;       ///< flags of penstock: whom to ask, as whom
  std::string download_folder;               ///< where downloads are, and new ones go
  std::map<std::string, folder_key> keys{};  ///< of folders, as they were typed; until the console ends
};

enum class keeping : std::uint8_t { passphrase, key_file, plain };

struct download_wish {
  std::vector<std::string> studies;
  std::string folder;
  keeping kept = keeping::passphrase;
  folder_key key{};
};

[[nodiscard]] transfer_order download_order(const local_side& local, const download_wish& wish);
[[nodiscard]] transfer_order resume_order(const local_side& local, const std::string& folder);
/// `viewer`: AE@HOST:PORT of this machine.
[[nodiscard]] transfer_order send_order(const local_side& local, const std::string& folder, const std::string& viewer);

/// "~/x" with the home directory.
[[nodiscard]] std::string with_home(const std::string& path, const std::string& home);
/// A name for a new folder: "alz-brain-20261122-163005".
[[nodiscard]] std::string new_folder_name(const std::string& project);

/// Asks how to keep these studies, and puts the download into the queue. `named`: "3 studies, 1.2 GiB".
void ask_to_download(desk& at, local_side& local, const std::string& project, std::vector<std::string> studies,
                     const std::string& named, std::uint64_t bytes);
/// Asks for what opens a sealed folder; `problem`: what was wrong with the last answer.
[[nodiscard]] std::unique_ptr<overlay> key_form(const std::string& folder, const std::string& problem,
                                                std::function<void(folder_key)> then);
void add_transfer(desk& at, local_side& local, transfer_order order, const std::string& said);

}  // namespace penstock::console
