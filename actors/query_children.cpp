#include "actors/query_children.hpp"

#include <utility>

#include "actors/retry_policy.hpp"
#include "storage/dimse_channel.hpp"

namespace penstock::actors {

using namespace messages;

void query_children::ask(find_job job, asker who) {
  if (waiting_.size() >= most_waiting)
    return who(fail(errc::rate_limited, "query " + pacs_ + ": too many queries are waiting"));
  child next;
  next.answers.resize(job.queries.size());
  next.job = std::move(job);
  next.who = std::move(who);
  waiting_.push_back(std::move(next));
  start_next();
}

void query_children::start_next() {
  while (!waiting_.empty() && running_.size() < most_at_a_time) {
    const auto ticket = start_(waiting_.front().job);
    running_.emplace(ticket, std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

void query_children::on_row(const dimse_reported& report) {
  const auto found = running_.find(report.ticket);
  auto row = storage::decode_dimse<find_row>(report.message);
  if (found == running_.end() || !row || row->query >= found->second.answers.size()) return;
  found->second.answers[row->query].rows.push_back({std::move(row->attributes)});
}

void query_children::on_done(const dimse_reported& report) {
  const auto found = running_.find(report.ticket);
  const auto done = storage::decode_dimse<find_done>(report.message);
  if (found == running_.end() || !done || done->query >= found->second.answers.size()) return;
  auto& answer = found->second.answers[done->query];
  // Out of resources after some rows: these are not all.
  answer.truncated = done->truncated || ((done->dimse_status & 0xff00U) == 0xa700U && !answer.rows.empty());
  if (done->dimse_status == 0 || answer.truncated) return;
  retrieval_failure refusal;
  refusal.kind = failure_kind::status;
  refusal.dimse_status = static_cast<std::uint16_t>(done->dimse_status);
  const auto why = judge(refusal);
  found->second.refused = failure{why.which == failure_class::permanent ? errc::bad_request : errc::conflict,
                                  "query " + pacs_ + ": " + why.text};
}

void query_children::finish(std::uint64_t ticket, std::optional<failure> problem) {
  const auto found = running_.find(ticket);
  if (found == running_.end()) return;
  auto over = std::move(found->second);
  running_.erase(found);
  if (!problem) problem = over.refused;
  if (problem)
    over.who(*problem);
  else
    over.who(std::move(over.answers));
  start_next();
}

void query_children::fail_all(const failure& problem) {
  for (auto& [ticket, one] : std::exchange(running_, {})) one.who(problem);
  for (auto& one : std::exchange(waiting_, {})) one.who(problem);
}

}  // namespace penstock::actors
