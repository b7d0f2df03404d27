#pragma once
// Downloads on this machine: what lies where, what is in it, and its images. Everything that takes time is answered
// later, by the loop; no decrypted byte is ever written anywhere.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "tools/client/user_key.hpp"
#include "tools/penstock/attributes.hpp"
#include "tools/penstock/image_decoder.hpp"

namespace penstock::console {

using messages::result;

/// A folder with images, as far as it can be known without a key.
struct local_folder {
  std::string path;
  bool sealed = true;
  std::string state;    ///< of a sealed one: "receiving", "complete", "incomplete"
  std::string project;  ///< of a sealed one
  std::uint64_t images = 0;
  std::uint64_t bytes = 0;
  bool operator==(const local_folder&) const = default;
};

struct local_image {
  std::size_t object = 0;
  std::string label;
};
struct local_series {
  std::string label;
  std::vector<local_image> images;
};
struct local_study {
  std::string label;
  std::vector<local_series> series;
};
struct local_patient {
  std::string label;
  std::vector<local_study> studies;
};
using folder_content = std::vector<local_patient>;

/// What opens a sealed folder; both empty: the user's own key, where that is a holder.
struct folder_key {
  client::secret_text passphrase;
  std::string key_file;
  [[nodiscard]] bool empty() const { return passphrase.empty() && key_file.empty(); }
};

struct image_place {
  std::string folder;
  std::size_t object = 0;
  bool operator==(const image_place&) const = default;
};

struct removed_files {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t left = 0;  ///< files that are none of the download's, and stay
};

class local_files {
 public:
  template <class T>
  using then = std::function<void(const result<T>&)>;

  virtual ~local_files() = default;
  /// The folders with images in `root`, and `root` itself when it is one. errc::not_found when there is no such folder.
  virtual void find(const std::string& root, then<std::vector<local_folder>> found) = 0;
  /// errc::not_permitted when a passphrase or key file is needed, errc::authentication_failed when it is a wrong one.
  virtual void open(const std::string& folder, const folder_key& key, then<folder_content> opened) = 0;
  /// Of a folder that is open.
  virtual void draw(const image_place& which, const commands::rendering& how, then<commands::decoded_image> drawn) = 0;
  virtual void read_attributes(const image_place& which, then<std::vector<commands::attribute>> read) = 0;
  /// Removes the files of a download, and no others. errc::held_by_another while it is under way.
  virtual void remove(const local_folder& folder, then<removed_files> removed) = 0;
  /// Bytes that may still be written where `folder` is or would be.
  virtual void measure_room(const std::string& folder, then<std::uint64_t> measured) = 0;
  virtual void call_after(std::chrono::milliseconds wait, std::function<void()> call) = 0;
};

/// What is in a folder of the readable layout, or of any other: the last three directories are patient, study, series.
[[nodiscard]] folder_content content_of_paths(const std::vector<std::string>& relative_paths);
/// "0001/0002/000003.sealed", the record, the index, and what is under way of them.
[[nodiscard]] bool is_file_of_sealed_download(const std::string& relative_path);

}  // namespace penstock::console
