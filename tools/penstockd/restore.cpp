#include "tools/penstockd/restore.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "conf/settings.hpp"
#include "storage/core_backup.hpp"
#include "storage/state_directory.hpp"
#include "storage/utc_time.hpp"

namespace penstock::server {

using namespace messages;

namespace {

constexpr std::size_t fewest_shards = 1;

/// What was not given stands in the settings.
result<void> complete(restore_order& order, bool needs_state) {
  if (!order.from.empty() && (!needs_state || !order.to.empty())) return {};
  auto loaded = conf::load_settings(order.config);
  if (!loaded.ok())
    return fail(errc::bad_configuration,
                conf::text_of(loaded.faults) + "\nWithout settings, say where: --from BACKUPS --to STATE");
  order.shards = loaded.value.cache_shards;
  if (order.from.empty()) order.from = loaded.value.backup.directory;
  if (order.to.empty()) order.to = loaded.value.state_directory;
  if (order.from.empty())
    return fail(errc::bad_configuration, order.config.string() + ": [backup] directory is not set; say --from BACKUPS");
  return {};
}

std::string described(const storage::core_backup& one) {
  return "backup " + std::to_string(one.number) + " of " + storage::rfc3339_utc(one.at_us) + ", " +
         std::to_string(one.reached.size) + " entries, " + std::to_string(one.bytes) + " bytes";
}

}  // namespace

result<void> show_backups(restore_order order) {
  if (auto known = complete(order, false); !known) return known.error();
  auto all = storage::list_backups(order.from);
  if (!all) return all.error();
  for (const auto& one : *all) std::puts(described(one).c_str());
  if (all->empty()) std::printf("no backup in %s\n", order.from.c_str());
  return {};
}

result<void> restore_state(restore_order order) {
  if (auto known = complete(order, true); !known) return known.error();
  storage::state_directory_options options;
  options.root = order.to;
  options.shards = std::max(order.shards, fewest_shards);
  while (std::filesystem::exists(order.to / "shards" / std::to_string(options.shards))) ++options.shards;
  auto state = storage::state_directory::open(options);
  if (!state) return state.error();
  auto done = storage::restore_core(order.from, order.number, *state);
  if (!done) return state->with_room(done.error());
  std::printf("restored to %s: %s\n", order.to.c_str(), described(done->from).c_str());
  std::printf("the whole journal was proven, entry by entry: %llu entries\n",
              static_cast<unsigned long long>(done->entries));
  std::printf("%s\n", done->missing.c_str());
  if (!done->replaced.empty()) std::printf("what was there is kept in %s\n", done->replaced.c_str());
  std::puts(
      "not in a backup: images, settings, rules, lists of patients, the server's key.\n"
      "Start penstockd. It looks by itself for what projects hold: what is not in the cache any more ends as\n"
      "cache_lost, and is fetched again by `penstock requests retry`. Images that were fetched after the backup\n"
      "stay for a week, whoever claims them. For a day the PACS' limits count as used up where starts may be missing.");
  return {};
}

}  // namespace penstock::server
