#include "storage/fence.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "storage/durable_file.hpp"
#include "storage/journal_reader.hpp"
#include "storage/utc_time.hpp"

namespace penstock::storage {

using messages::errc;
using messages::fail;
using messages::result;

namespace {

constexpr int fence_version = 1;
constexpr std::size_t fence_bytes_limit = 4096;

}  // namespace

std::string fence_text(const tree_checkpoint& reached) {
  const nlohmann::json fence{{"v", fence_version},
                             {"size", reached.size},
                             {"root", to_hex(reached.root)},
                             {"at_us", reached.at_us},
                             {"at", rfc3339_utc(reached.at_us)}};
  return fence.dump() + "\n";
}

result<tree_checkpoint> parse_fence(std::string_view text, const std::string& whose) {
  try {
    const auto json = nlohmann::json::parse(text);
    const auto root = from_hex(json.at("root").get<std::string>(), sizeof(tree_hash));
    if (json.at("v") != fence_version || !root) return fail(errc::corrupt, whose + ": its fence is not of version 1");
    tree_checkpoint fence{json.at("size").get<std::uint64_t>(), {}, json.at("at_us").get<std::int64_t>()};
    std::copy(root->begin(), root->end(), fence.root.begin());
    return fence;
  } catch (const nlohmann::json::exception&) {
    return fail(errc::corrupt, whose + ": not the JSON of a fence");
  }
}

result<void> write_fence(const std::filesystem::path& file, const tree_checkpoint& reached) {
  return replace_file(file, fence_text(reached));
}

result<std::optional<tree_checkpoint>> read_fence(const std::filesystem::path& file) {
  auto text = read_small_file(file, fence_bytes_limit);
  if (!text) return text.error();
  if (!text->has_value()) return std::optional<tree_checkpoint>{};
  auto fence = parse_fence(**text, "fence " + file.string());
  if (!fence) return fence.error();
  return std::optional{*fence};
}

std::filesystem::path fence_of_restored(const std::filesystem::path& file) { return file.string() + ".restored"; }

result<bool> take_restored_fence(const row_reader& core, const std::filesystem::path& file) {
  auto waits = read_fence(fence_of_restored(file));
  if (!waits || !*waits || !check_fence(core, **waits)) return false;
  if (::rename(fence_of_restored(file).c_str(), file.c_str()) != 0)
    return failure_of_errno("rename to " + file.string());
  if (auto synced = sync_directory(file.parent_path()); !synced) return synced.error();
  return true;
}

result<void> check_fence(const row_reader& core, const tree_checkpoint& fence) {
  auto head = read_head(core);
  if (!head) return head.error();
  if (head->size < fence.size)
    return fail(errc::corrupt, "journal was rolled back: it holds " + std::to_string(head->size) +
                                   " entries, its fence has seen " + std::to_string(fence.size) + " at " +
                                   rfc3339_utc(fence.at_us));
  auto root = root_at(fence.size, node_getter(core));
  if (!root) return root.error();
  if (*root != fence.root)
    return fail(errc::corrupt, "journal was altered: its root at " + std::to_string(fence.size) + " entries is " +
                                   to_hex(*root) + ", its fence has seen " + to_hex(fence.root));
  return {};
}

}  // namespace penstock::storage
