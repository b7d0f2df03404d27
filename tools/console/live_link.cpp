#include "tools/console/live_link.hpp"

#include <algorithm>

namespace penstock::console {
namespace {

using client::question;
using messages::errc;
using messages::fail;
using nlohmann::json;
using std::chrono::milliseconds;

}  // namespace

live_link::live_link(client::session& server, live_project& project, event_loop& loop, std::function<void()> changed)
    : server_(server), project_(project), loop_(loop), changed_(std::move(changed)) {}

void live_link::watch_descriptors() {
  for (const int descriptor : server_.descriptors()) {
    loop_.watch(descriptor, [] {});  // `pump` looks at the end of the turn
    descriptors_.push_back(descriptor);
  }
}

void live_link::begin() {
  if (!project_.project().empty()) {
    server_.subscribe(project_.requests_topic(), 0, true);
    server_.subscribe(project_.cache_topic(), 0, true);
    server_.subscribe(project_.progress_topic(), 0, false);
  }
  watch_descriptors();
  become_live();
}

void live_link::follow(const std::string& topic, event_handler then) {
  followed_[topic] = std::move(then);
  server_.subscribe(topic, 0, false);
}

void live_link::become_live() {
  health_ = link_health::live;
  problem_.clear();
  retry_ = first_retry;
  loop_.cancel("retry");
  read_all_again();
  changed_();
}

void live_link::read_all_again() {
  if (health_ != link_health::live || project_.project().empty()) return;
  read(listing::requests, project_.begin(listing::requests));
  read(listing::holdings, project_.begin(listing::holdings));
  read_usage();
}

void live_link::read(listing which, question what) {
  ask(std::move(what), [this, which](const messages::result<json>& page) {
    if (!page) {
      problem_ = page.error().context;
      return;
    }
    if (auto next = project_.learn_page(which, *page)) read(which, std::move(*next));
  });
}

void live_link::read_usage() {
  ask({"cache.usage", project_.project(), json::object(), "", {}}, [this](const messages::result<json>& usage) {
    if (usage) project_.learn_usage(*usage);
  });
}

void live_link::ask(question what, answer_handler then) {
  if (health_ != link_health::live)
    return then(fail(errc::timed_out, "there is no connection to the server; nothing was sent"));
  if (pending_.size() >= most_questions)
    return then(fail(errc::rate_limited, "the server has not answered the last questions yet; try again"));
  const auto id = server_.send(what);
  if (id.empty()) return then(fail(errc::timed_out, "the connection to the server is lost; nothing was sent"));
  pending_[id] = {event_loop::clock::now(), std::move(then)};
  if (!loop_.has_timer("silence")) loop_.call_after("silence", longest_silence, [this] { check_silence(); });
}

void live_link::check_silence() {
  if (pending_.empty() || health_ == link_health::lost) return;
  auto oldest = event_loop::clock::now();
  for (const auto& [id, one] : pending_) oldest = std::min(oldest, one.since);
  if (event_loop::clock::now() - oldest >= longest_silence) return lose("the server does not answer");
  loop_.call_at("silence", oldest + longest_silence, [this] { check_silence(); });
}

void live_link::lose(const std::string& why) {
  for (const int descriptor : descriptors_) loop_.forget(descriptor);
  descriptors_.clear();
  health_ = link_health::lost;
  problem_ = why;
  const auto unanswered = std::exchange(pending_, {});
  for (const auto& [id, one] : unanswered)
    one.then(fail(errc::timed_out, "the connection was lost before the answer came: it may have been done"));
  loop_.call_after("retry", retry_, [this] { try_again(); });
  retry_ = std::min(2 * retry_, longest_retry);
  changed_();
}

void live_link::try_again() {
  if (auto begun = server_.begin_again(); !begun) return lose(begun.error().context);
  watch_descriptors();
  health_ = link_health::connecting;
  pending_[server_.hello_id()] = {event_loop::clock::now(), [this](const messages::result<json>& hello) {
                                    if (hello) return become_live();
                                    if (health_ == link_health::connecting) lose(hello.error().context);
                                  }};
  loop_.call_after("silence", longest_silence, [this] { check_silence(); });
}

void live_link::take_answer(const client::answer& one) {
  const auto found = pending_.find(one.id);
  if (found == pending_.end()) return;
  const auto then = std::move(found->second.then);
  pending_.erase(found);
  then(one.outcome);
}

/// False when there was none.
bool live_link::take_event() {
  auto event = server_.next_event(milliseconds{0});
  if (!event) {
    lose(event.error().context);
    return false;
  }
  if (!*event) return false;
  if (const auto followed = followed_.find((*event)->topic); followed != followed_.end()) {
    followed->second(**event);
    return true;
  }
  if ((*event)->kind == client::event_kind::revoked) problem_ = "you may no longer see this project";
  project_.learn_event(**event);
  return true;
}

void live_link::pump() {
  if (descriptors_.empty()) return;
  std::size_t taken = 0;
  for (; taken < most_messages_a_turn; ++taken) {
    if (auto answer = server_.next_answer())
      take_answer(*answer);
    else if (!take_event())
      break;
    if (descriptors_.empty()) return;
  }
  if (taken == 0) return;
  heard_ = std::chrono::system_clock::now();
  // Descriptors tell once: what is left would wait for the next message.
  if (taken == most_messages_a_turn) loop_.call_after("more", milliseconds{0}, [] {});
  keep_timers();
  changed_();
}

/// Both end by themselves when nothing comes any more.
void live_link::keep_timers() {
  if (!loop_.has_timer("wish")) loop_.call_after("wish", wish_pause, [this] { read_wished(); });
  if (!loop_.has_timer("positions"))
    loop_.call_after("positions", waiting_interval, [this] {
      if (health_ != link_health::live || project_.reading(listing::requests) || !project_.anything_waits()) return;
      read(listing::requests, project_.refresh(listing::requests));
    });
}

void live_link::read_wished() {
  if (health_ != link_health::live) return;
  bool any = false;
  for (const auto which : {listing::requests, listing::holdings}) {
    if (!project_.take_wish(which)) continue;
    read(which, project_.refresh(which));
    any = true;
  }
  if (any) read_usage();
}

}  // namespace penstock::console
