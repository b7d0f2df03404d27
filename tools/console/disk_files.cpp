#include "tools/console/disk_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <list>
#include <optional>

#include "tools/client/sealed_folder.hpp"
#include "tools/console/local_folder.hpp"
#include "tools/penstock/decoder_child.hpp"
#include "tools/penstock/open_folder.hpp"
#include "tools/penstock/sealed_key.hpp"
#include "tools/penstock/units.hpp"

namespace penstock::console {
namespace {

namespace fs = std::filesystem;
using commands::attribute;
using commands::decoded_image;
using commands::rendering;
using messages::errc;
using messages::fail;

/// One that is open: sealed, with its key; or in the clear, with its files.
struct open_folder {
  std::string path;
  std::optional<client::sealed_folder> sealed;
  std::vector<std::string> plain;
};

folder_content content_of(const client::sealed_folder& sealed) {
  std::map<std::string, local_patient> patients;
  const auto& objects = sealed.manifest().objects;
  for (const auto& [ordinal, study] : commands::summarise(sealed)) {
    local_study shown{"study " + std::to_string(ordinal), {}};
    for (const auto& [number, series] : study.series) {
      local_series one{std::to_string(series.number) + "  " + series.modality + "  " + commands::images(series.images),
                       {}};
      for (const auto object : series.objects)
        one.images.push_back({object, "image " + std::to_string(objects[object].instance_number)});
      shown.series.push_back(std::move(one));
    }
    auto& patient = patients[study.patient];
    patient.label = study.patient;
    patient.studies.push_back(std::move(shown));
  }
  folder_content content;
  for (auto& [id, patient] : patients) content.push_back(std::move(patient));
  return content;
}

result<client::opened_key> open_with(const commands::context& at, const folder_key& key,
                                     const client::download_record& record) {
  if (!key.key_file.empty()) return commands::open_key(at, {key.key_file, {}}, record);
  if (!key.passphrase.empty()) return commands::open_by_passphrase(key.passphrase, record);
  auto own = commands::open_by_own_key(at, record);
  return own ? std::move(own) : fail(errc::not_permitted, "it is sealed: its passphrase or key file opens it");
}

result<storage::secret_bytes> read_plain_file(const fs::path& path) {
  const auto file = client::open_for_reading(path);
  if (!file) return file.error();
  const auto bytes = client::size_of(*file);
  if (!bytes) return bytes.error();
  if (*bytes > client::largest_instance_bytes) return fail(errc::too_large, path.string());
  auto content = storage::secret_bytes::of_size(*bytes);
  if (auto read = client::read_at(*file, content.writable(), 0); !read) return read.error();
  return content;
}

}  // namespace

/// What the thread works with. No other touches it.
class disk_files::shelf {
 public:
  shelf(const commands::context& at, fs::path program) : at_(at), program_(std::move(program)) {}

  result<folder_content> open(const std::string& path, const folder_key& key) {
    const auto record = client::load_record(path);
    if (!record && record.error().code != errc::not_found) return record.error();
    open_folder made{path, std::nullopt, {}};
    if (record) {
      auto opened = open_with(at_, key, *record);
      if (!opened) return opened.error();
      auto sealed = client::sealed_folder::open(path, *record, std::move(opened->key));
      if (!sealed) return sealed.error();
      made.sealed = std::move(*sealed);
    } else {
      made.plain = plain_images_in(path);
    }
    auto content = made.sealed ? content_of(*made.sealed) : content_of_paths(made.plain);
    close(path);
    folders_.push_front(std::move(made));
    if (folders_.size() > most_open_folders) folders_.pop_back();
    return content;
  }

  /// A decoder has a limit on its time, and a broken image may end it: then a new one tries once more.
  result<decoded_image> draw(const image_place& which, const rendering& how) {
    const bool same = decoder_ && held_ && held_->first == which && decoder_has_ == which;
    if (auto taken = take(which); !taken) return taken.error();
    const bool fresh = !decoder_;
    if (auto started = need_decoder(); !started) return started.error();
    auto drawn = same ? decoder_->decode_again(how) : decoder_->decode(held_->second.view(), how);
    if (!drawn && !fresh) {
      decoder_.reset();
      if (auto started = need_decoder(); !started) return started.error();
      drawn = decoder_->decode(held_->second.view(), how);
    }
    decoder_has_ = which;
    if (!drawn) decoder_.reset();
    return drawn;
  }

  result<std::vector<attribute>> attributes(const image_place& which) {
    if (auto taken = take(which); !taken) return taken.error();
    if (auto started = need_decoder(); !started) return started.error();
    auto read = decoder_->attributes(held_->second.view());
    decoder_has_ = which;
    if (!read) decoder_.reset();
    return read;
  }

  void close(const std::string& path) {
    folders_.remove_if([&](const open_folder& one) { return one.path == path; });
    if (held_ && held_->first.folder == path) held_.reset();
  }

 private:
  result<void> need_decoder() {
    if (decoder_) return {};
    auto started = commands::decoder_child::start_program(program_);
    if (!started) return started.error();
    decoder_.emplace(std::move(*started));
    return {};
  }

  /// Brings the image's file into memory.
  result<void> take(const image_place& which) {
    if (held_ && held_->first == which) return {};
    const auto folder =
        std::find_if(folders_.begin(), folders_.end(), [&](const auto& one) { return one.path == which.folder; });
    if (folder == folders_.end()) return fail(errc::not_found, "the folder was closed; open it again");
    held_.reset();
    const auto objects = folder->sealed ? folder->sealed->manifest().objects.size() : folder->plain.size();
    if (which.object >= objects) return fail(errc::not_found, "there is no such image");
    auto file = folder->sealed ? folder->sealed->read(which.object)
                               : read_plain_file(fs::path{folder->path} / folder->plain[which.object]);
    if (!file) return file.error();
    held_.emplace(which, std::move(*file));
    return {};
  }

  const commands::context& at_;
  fs::path program_;
  std::list<open_folder> folders_;
  std::optional<commands::decoder_child> decoder_;
  std::optional<std::pair<image_place, storage::secret_bytes>> held_;
  image_place decoder_has_;
};

disk_files::disk_files(event_loop& loop, const commands::context& at, fs::path program, std::function<void()> changed)
    : loop_(loop),
      changed_(std::move(changed)),
      shelf_(std::make_shared<shelf>(at, std::move(program))),
      thread_(loop) {}

disk_files::~disk_files() = default;

template <class T, class Work>
void disk_files::run(Work work, then<T> give) {
  const auto job = [this, work = std::move(work), give]() -> background::finish {
    auto done = std::make_shared<result<T>>(work());
    return [this, done, give] {
      give(*done);
      changed_();
    };
  };
  if (!thread_.run(job)) give(fail(errc::rate_limited, "the disk is busy; try again"));
}

void disk_files::find(const std::string& root, then<std::vector<local_folder>> found) {
  run<std::vector<local_folder>>([root] { return find_folders(root); }, std::move(found));
}

void disk_files::open(const std::string& folder, const folder_key& key, then<folder_content> opened) {
  run<folder_content>([shelf = shelf_, folder, key] { return shelf->open(folder, key); }, std::move(opened));
}

void disk_files::draw(const image_place& which, const rendering& how, then<decoded_image> drawn) {
  run<decoded_image>([shelf = shelf_, which, how] { return shelf->draw(which, how); }, std::move(drawn));
}

void disk_files::read_attributes(const image_place& which, then<std::vector<attribute>> read) {
  run<std::vector<attribute>>([shelf = shelf_, which] { return shelf->attributes(which); }, std::move(read));
}

void disk_files::remove(const local_folder& folder, then<removed_files> removed) {
  run<removed_files>(
      [shelf = shelf_, folder] {
        shelf->close(folder.path);
        return remove_folder(folder);
      },
      std::move(removed));
}

void disk_files::measure_room(const std::string& folder, then<std::uint64_t> measured) {
  run<std::uint64_t>(
      [folder]() -> result<std::uint64_t> {
        fs::path there = folder;
        for (std::error_code error; !fs::exists(there, error) && there.has_relative_path();)
          there = there.parent_path();
        const auto space = client::space_at(there);
        if (!space) return space.error();
        return space->bytes;
      },
      std::move(measured));
}

void disk_files::call_after(std::chrono::milliseconds wait, std::function<void()> call) {
  loop_.call_after("cine", wait, [this, call = std::move(call)] {
    call();
    changed_();
  });
}

}  // namespace penstock::console
