#include "storage/checkpoint_key.hpp"

#include "storage/durable_file.hpp"
#include "storage/key_file.hpp"

namespace penstock::storage {

using messages::errc;
using messages::result;

namespace {

/// Under its name it is whole or not there.
result<void> make_key(const std::filesystem::path& file) {
  const std::filesystem::path unfinished{file.string() + ".new"};
  std::error_code ignored;
  std::filesystem::remove(unfinished, ignored);
  if (auto made = create_key_file(unfinished); !made) return made.error();
  std::error_code problem;
  std::filesystem::rename(unfinished, file, problem);
  if (problem) return messages::fail(errc::io_error, "name key file: " + problem.message());
  return sync_directory(file.parent_path());
}

}  // namespace

result<std::shared_ptr<const checkpoint_signer>> open_checkpoint_key(const std::filesystem::path& file) {
  auto seed = load_key_file(file);
  if (!seed && seed.error().code == errc::not_found) {
    if (auto made = make_key(file); !made) return made.error();
    seed = load_key_file(file);
  }
  if (!seed) return messages::fail(seed.error().code, file.string() + ": " + seed.error().context);
  return std::make_shared<const checkpoint_signer>(*seed);
}

}  // namespace penstock::storage
