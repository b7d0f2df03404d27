// `download.open`: the queue says which instances they are, the shards where the bytes lie, the desk writes the
// manifest; the queue records what will leave, and only then there is an offer, a ticket and an answer.

#include <utility>

#include "gateways/command_gateway.hpp"
#include "gateways/site_answers.hpp"
#include "storage/key_wrap.hpp"

namespace penstock::gateways {
namespace {

using messages::errc;

/// Shards are asked for so many studies of one download at once.
constexpr std::size_t most_locations_in_flight = 8;
/// Studies that an error names.
constexpr std::size_t most_studies_named = 1000;

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

/// `key` is the one that seals: the client's, or made here.
struct command_gateway::opening {
  call_ptr call;
  messages::authorise_download command;
  std::shared_ptr<const storage::secret_bytes> key;
  bool key_is_known = false;  ///< the client has brought it
  download_plan plan;
  std::shared_ptr<prepared_download> prepared;
  std::size_t next_part = 0;
  std::size_t in_flight = 0;
  bool failed = false;
};

void command_gateway::on_download_open(const call_ptr& call) {
  auto wish = parse_download(call->who, call->envelope.args);
  if (!wish) return fail(call, wish.error());
  auto what = std::make_shared<opening>();
  what->call = call;
  what->command = std::move(wish->command);
  what->key_is_known = wish->key != nullptr;
  what->key =
      wish->key ? wish->key
                : std::make_shared<const storage::secret_bytes>(storage::secret_bytes::random(storage::data_key_bytes));
  ask_to_open(what);
}

void command_gateway::ask_to_open(const opening_ptr& what) {
  const auto queue = of_project(what->call, peers_.queues);
  if (!queue) return;
  auto& command = what->command;
  if (!command.resume.empty()) command.key_check = storage::data_key_check(*what->key, command.resume);
  self_->request(queue, options_.answer_deadline, command)
      .then([this, what](const messages::download_authorised& answer) { authorised(what, answer); },
            [this, what](const caf::error& problem) { refuse_to_open(what, problem); });
}

/// Whoever tries keys, or ids of other people's downloads, is counted.
void command_gateway::refuse_to_open(const opening_ptr& what, const caf::error& problem) {
  const auto code = messages::from_caf(problem, "download.open").code;
  const bool resumes = !what->command.resume.empty();
  if (resumes && (code == errc::not_permitted || code == errc::not_found)) on_refusal_(what->call->who.user, code);
  fail(what->call, problem);
}

/// A repeated operation goes on with the download that it has opened, if the client can still show the key.
void command_gateway::open_again(const opening_ptr& what, const std::string& download) {
  if (!what->key_is_known) {
    const messages::failure told{errc::conflict,
                                 "this operation has opened a download already, and its key is told only once; open it "
                                 "anew under another op, or bring a key of your own with it"};
    return fail(what->call, told, json{{"download", download}});
  }
  what->command = {what->call->who, {}, {}, {}, download, {}};
  what->plan = {};
  what->prepared.reset();
  what->next_part = 0;
  ask_to_open(what);
}

void command_gateway::tell_changed(const opening_ptr& what, const std::string& download,
                                   const std::vector<messages::dicom_uid>& studies) {
  auto uids = json::array();
  for (std::size_t n = 0; n < studies.size() && n < most_studies_named; ++n) uids.push_back(studies[n].reveal());
  const auto which = studies.size() == 1 ? std::string{"a study"} : std::to_string(studies.size()) + " studies";
  const messages::failure told{
      errc::conflict, which + " of the download can no longer be had from the repository as then; open a new one"};
  fail(what->call, told, json{{"download", download}, {"studies", uids}});
}

void command_gateway::authorised(const opening_ptr& what, const messages::download_authorised& answer) {
  if (answer.repeated) return open_again(what, answer.download);
  if (!answer.gone.empty()) return tell_changed(what, answer.download, answer.gone);
  if (answer.parts.empty()) return fail(what->call, messages::fail(errc::not_found, "nothing to download"));
  auto& plan = what->plan;
  plan.download = answer.download;
  plan.project = what->call->envelope.project;
  plan.user = what->call->who.user;
  plan.key = what->key;
  plan.series = answer.series;
  for (const auto& part : answer.parts) plan.studies.push_back({part, {}});
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
  work_beside(what, [this, what]() -> side_worker::completion {
    what->prepared = std::make_shared<prepared_download>(prepare_download(what->plan));
    return [this, what] { record(what); };
  });
}

void command_gateway::record(const opening_ptr& what) {
  const auto& prepared = *what->prepared;
  if (prepared.studies.empty())
    return fail(what->call, messages::fail(errc::not_found, "nothing of the list is in this project's repository"));
  if (auto sound = check_offer(prepared.offer); !sound) return fail(what->call, sound.error());
  const auto queue = of_project(what->call, peers_.queues);
  if (!queue) return;
  messages::record_download command;
  command.who = what->call->who;
  command.download = what->plan.download;
  command.resumed = !what->command.resume.empty();
  command.key_check = storage::data_key_check(*what->key, command.download);
  command.studies = prepared.studies;
  command.series = what->command.series;
  command.instances = what->command.instances;
  self_->request(queue, options_.answer_deadline, std::move(command))
      .then([this, what](const messages::download_recorded& answer) { recorded(what, answer); },
            [this, what](const caf::error& problem) { refuse_to_open(what, problem); });
}

void command_gateway::recorded(const opening_ptr& what, const messages::download_recorded& answer) {
  if (answer.download != what->plan.download) return open_again(what, answer.download);
  if (!answer.changed.empty()) return tell_changed(what, answer.download, answer.changed);
  const auto desk = downloads_;
  work_beside(what, [this, what, desk]() -> side_worker::completion {
    auto opened = std::make_shared<messages::result<download_opened>>(
        desk ? desk->open(std::move(*what->prepared)) : messages::fail(errc::internal, "downloads are not served"));
    return [this, what, opened] {
      if (!*opened) return fail(what->call, opened->error());
      // Rules that came between the record and the offer have found nothing to withdraw.
      if (auto allowed = admit(*what->call); !allowed) {
        downloads_->withdraw(what->plan.download);
        return fail(what->call, allowed.error());
      }
      succeed(what->call, opened_json(**opened));
    };
  });
}

void command_gateway::work_beside(const opening_ptr& what, side_worker::job work) {
  if (worker_.post(std::move(work))) return;
  fail(what->call, messages::fail(errc::rate_limited, "too many downloads are being prepared; try again"));
}

}  // namespace penstock::gateways
