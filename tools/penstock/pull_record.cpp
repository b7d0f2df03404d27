#include "tools/penstock/pull_record.hpp"

#include <algorithm>
#include <cstdio>
#include <set>

#include "storage/codec.hpp"
#include "tools/client/local_file.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;

/// Some 100,000 requests, each twice.
constexpr std::size_t largest_record_bytes = 8 * 1024 * 1024;

}  // namespace

result<void> save_pull(const std::filesystem::path& folder, const pull_record& record) {
  return client::replace_file(folder / pull_record_name, storage::to_json_value(record).dump(1) + "\n");
}

result<pull_record> load_pull(const std::filesystem::path& folder) {
  auto text = client::read_small_file(folder / pull_record_name, largest_record_bytes);
  if (!text && text.error().code == errc::not_found)
    return fail(errc::not_found, folder.string() + " holds no pull (there is no " + pull_record_name + ")");
  if (!text) return text.error();
  auto record = storage::decode<pull_record>(*text, pull_record_name);
  if (!record) return record;
  if (record->version != pull_record_version)
    return fail(errc::corrupt, (folder / pull_record_name).string() + " is of another version of Penstock");
  return record;
}

std::vector<std::string> not_in_a_batch(const pull_record& record) {
  std::set<std::string> taken;
  for (const auto& batch : record.batches) taken.insert(batch.requests.begin(), batch.requests.end());
  std::vector<std::string> left;
  std::copy_if(record.requests.begin(), record.requests.end(), std::back_inserter(left),
               [&](const auto& id) { return !taken.contains(id); });
  return left;
}

std::string next_folder(const pull_record& record) {
  char name[16];
  std::snprintf(name, sizeof name, "%04zu", record.batches.size() + 1);
  return name;
}

}  // namespace penstock::commands
