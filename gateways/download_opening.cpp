// `download.open`: the queue authorises and journals, the shards say where the bytes lie, the desk offers them.

#include <utility>

#include "gateways/command_gateway.hpp"
#include "gateways/site_answers.hpp"
#include "storage/key_wrap.hpp"

namespace penstock::gateways {
namespace {

using messages::errc;

/// Shards are asked for so many studies of one download at once.
constexpr std::size_t most_locations_in_flight = 8;

std::string opened_json(const download_opened& opened) {
  return json{{"download", opened.download},
              {"data_endpoint", opened.data_endpoint},
              {"ticket", opened.ticket},
              {"secret", opened.secret},
              {"key", opened.key},
              {"segment_bytes", opened.segment_bytes},
              {"objects", opened.objects},
              {"bytes", opened.bytes},
              {"expires", rfc3339(opened.expires_us)}}
      .dump();
}

}  // namespace

struct command_gateway::opening {
  call_ptr call;
  download_plan plan;
  std::size_t next_part = 0;
  std::size_t in_flight = 0;
  bool failed = false;
};

void command_gateway::on_download_open(const call_ptr& call) {
  auto wish = parse_download(call->who, call->envelope.args);
  if (!wish) return fail(call, wish.error());
  const auto queue = of_project(call, peers_.queues);
  if (!queue) return;
  auto what = std::make_shared<opening>();
  what->call = call;
  what->plan.project = call->envelope.project;
  what->plan.user = call->who.user;
  what->plan.key =
      wish->key ? wish->key
                : std::make_shared<const storage::secret_bytes>(storage::secret_bytes::random(storage::data_key_bytes));
  // Made before the download has its id, so the check is bound to the project.
  wish->command.key_check = storage::data_key_check(*what->plan.key, call->envelope.project);
  self_->request(queue, options_.answer_deadline, wish->command)
      .then([this, what](const messages::download_authorised& answer) { authorised(what, answer); },
            [this, call](const caf::error& problem) { fail(call, problem); });
}

void command_gateway::authorised(const opening_ptr& what, const messages::download_authorised& answer) {
  what->plan.download = answer.download;
  what->plan.series = answer.series;
  for (const auto& part : answer.parts) what->plan.studies.push_back({part, {}});
  if (what->plan.studies.empty()) return fail(what->call, messages::fail(errc::not_found, "nothing to download"));
  locate_more(what);
}

void command_gateway::locate_more(const opening_ptr& what) {
  auto& studies = what->plan.studies;
  while (!what->failed && what->in_flight < most_locations_in_flight && what->next_part < studies.size()) {
    const auto part = what->next_part++;
    const auto& wanted = studies[part].part;
    if (wanted.shard >= peers_.shards.size() || !peers_.shards[wanted.shard]) {
      what->failed = true;
      return fail(what->call, messages::fail(errc::internal, "download.open: a shard of the cache is not served"));
    }
    ++what->in_flight;
    self_
        ->request(peers_.shards[wanted.shard], options_.answer_deadline,
                  messages::locate_objects{wanted.pacs, wanted.study, wanted.instances})
        .then([this, what, part](const messages::objects_located& answer) { located(what, part, answer); },
              [this, what](const caf::error& problem) {
                if (!std::exchange(what->failed, true)) fail(what->call, problem);
              });
  }
}

void command_gateway::located(const opening_ptr& what, std::size_t part, const messages::objects_located& answer) {
  if (what->failed) return;
  --what->in_flight;
  what->plan.studies[part].objects = answer.objects;
  if (what->next_part < what->plan.studies.size()) return locate_more(what);
  if (what->in_flight == 0) prepare(what);
}

// A manifest may have a million lines, so it is written beside the loop.
void command_gateway::prepare(const opening_ptr& what) {
  const auto desk = downloads_;
  const bool taken = worker_.post([this, what, desk]() -> side_worker::completion {
    auto opened = std::make_shared<messages::result<download_opened>>(
        desk ? desk->open(what->plan) : messages::fail(errc::internal, "downloads are not served"));
    return [this, what, opened] {
      if (*opened) return succeed(what->call, opened_json(**opened));
      fail(what->call, opened->error());
    };
  });
  if (!taken) fail(what->call, messages::fail(errc::rate_limited, "too many downloads are being prepared; try again"));
}

}  // namespace penstock::gateways
