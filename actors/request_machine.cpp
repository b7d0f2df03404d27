#include "actors/request_machine.hpp"

#include <algorithm>
#include <utility>

#include "actors/retry_policy.hpp"

namespace penstock::actors {

using namespace messages;

namespace {

/// After a start that was wasted before anything reached the PACS.
constexpr std::int64_t after_wasted_us = 2'000'000;

std::string missing_text(const study_settled& settled) {
  return std::to_string(settled.missing.size()) + " of " +
         std::to_string(settled.missing.size() + settled.present.size()) + " instances missing";
}

conclusion not_sent(const study_settled& settled, std::int64_t now_us) {
  conclusion end;
  end.waits_for = waiting_reason::retry_later;
  end.not_before_us = now_us + after_wasted_us;
  end.reason = settled.outcome.problem.empty() ? "not sent in time" : settled.outcome.problem;
  return end;
}

/// The rules, or a person, have stopped it; the PACS has not failed.
conclusion stopped(const study_settled& settled, std::int64_t now_us) {
  conclusion end;
  end.waits_for = waiting_reason::retry_later;
  end.not_before_us = now_us;
  end.reason = settled.outcome.problem.empty() ? "stopped" : settled.outcome.problem;
  return end;
}

retrieval_failure failure_of(const study_settled& settled) {
  retrieval_failure failure;
  const auto& outcome = settled.outcome;
  if (outcome.dimse_status != 0) {
    failure.kind = failure_kind::status;
    failure.dimse_status = static_cast<std::uint16_t>(outcome.dimse_status);
  } else {
    failure.kind = outcome.problem.empty() ? failure_kind::instances_missing : failure_kind::lost;
  }
  return failure;
}

}  // namespace

bool is_legal(request_state from, request_state to) {
  if (is_terminal(from)) return to == request_state::scheduled;
  if (from == request_state::processing) return to != request_state::processing;
  return to != request_state::incomplete;
}

void advance(request_row& row, request_state to, std::int64_t at_us, std::string reason) {
  row.state = to;
  if (is_terminal(to)) {
    row.ended_us = at_us;
    row.reason = waiting_reason::none;
    row.not_before_us = 0;
  }
  if (row.history.size() >= most_history_steps)
    row.history.erase(row.history.begin() + static_cast<std::ptrdiff_t>(most_history_steps / 2));
  row.history.push_back({to, at_us, std::move(reason)});
}

conclusion conclude(const request_row& row, const study_settled& settled, std::int64_t now_us) {
  conclusion end;
  if (!settled.present.empty() && settled.missing.empty()) {
    end.state = request_state::completed;
    end.burns_attempt = true;
    end.says_of_pacs = retrieval_end::well;
    end.reason = "all " + std::to_string(settled.present.size()) + " instances are here and check";
    return end;
  }
  if (!settled.outcome.sent) return not_sent(settled, now_us);
  if (settled.outcome.cancelled) return stopped(settled, now_us);
  const auto judged = judge(failure_of(settled));
  // What nothing came of may be the fault of the PACS; what came in part is more likely that of its study.
  if (settled.present.empty()) end.says_of_pacs = retrieval_end::failed;
  end.burns_attempt = true;
  end.reason = missing_text(settled);
  if (!judged.text.empty()) end.reason += "; " + judged.text;
  if (!settled.outcome.problem.empty()) end.reason += "; " + settled.outcome.problem;
  if (judged.park_pacs) {
    // Its turn comes again when a person has mended the PACS.
    end.says_of_pacs = retrieval_end::misconfigured;
    end.burns_attempt = false;
    end.waits_for = waiting_reason::retry_later;
    end.not_before_us = now_us;
    return end;
  }
  if (const auto delay = next_delay(judged.which, row.attempts + 1, 0)) {
    end.waits_for = waiting_reason::retry_later;
    end.not_before_us = now_us + std::chrono::microseconds{*delay}.count();
    return end;
  }
  end.state = settled.present.empty() ? request_state::failed : request_state::incomplete;
  return end;
}

}  // namespace penstock::actors
