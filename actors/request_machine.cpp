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

conclusion not_sent(const request_row& row, const study_settled& settled, std::int64_t now_us) {
  conclusion end;
  end.finest = row.finest;
  end.waits_for = waiting_reason::retry_later;
  end.not_before_us = now_us + after_wasted_us;
  end.reason = settled.outcome.problem.empty() ? "not sent in time" : settled.outcome.problem;
  return end;
}

/// The rules, or a person, have stopped it; the PACS has not failed.
conclusion stopped(const request_row& row, const study_settled& settled, std::int64_t now_us) {
  conclusion end;
  end.finest = row.finest;
  end.waits_for = waiting_reason::retry_later;
  end.not_before_us = now_us;
  end.reason = settled.outcome.problem.empty() ? "stopped" : settled.outcome.problem;
  return end;
}

retrieval_failure failure_of(const request_row& row, const study_settled& settled) {
  retrieval_failure failure;
  failure.availability = row.availability;
  const auto& outcome = settled.outcome;
  if (outcome.dimse_status != 0) {
    failure.kind = failure_kind::status;
    failure.dimse_status = static_cast<std::uint16_t>(outcome.dimse_status);
  } else if (outcome.problem.empty() && outcome.refused > 0) {
    failure.kind = failure_kind::identity_mismatch;
  } else {
    failure.kind = outcome.problem.empty() ? failure_kind::instances_missing : failure_kind::lost;
  }
  return failure;
}

/// Every expected instance is here. Whether that is all of the study only a whole list can say.
conclusion all_here(const request_row& row, const study_settled& settled) {
  const auto count = std::to_string(settled.present.size());
  conclusion end;
  end.burns_attempt = true;
  end.says_of_pacs = retrieval_end::well;
  end.finest = row.finest;
  if (settled.outcome.unlisted > 0) {
    end.state = request_state::incomplete;
    end.reason = count + " instances are here, of which the PACS had not listed " +
                 std::to_string(settled.outcome.unlisted) + ": it may hold more; a retry lists them anew";
    return end;
  }
  end.state = request_state::completed;
  end.reason = "all " + count + " instances are here and check";
  return end;
}

conclusion unproven(const request_row& row, const study_settled& settled) {
  conclusion end;
  end.burns_attempt = true;
  end.says_of_pacs = retrieval_end::well;
  end.state = request_state::incomplete;
  end.reason = std::to_string(settled.present.size()) +
               " instances are here and check, but nothing proves that these are all: " + row.unproven;
  return end;
}

/// It brought what it asked for. What else lacks is asked for next, under another permit.
conclusion next_part(const request_row& row, const study_settled& settled, std::int64_t now_us) {
  conclusion end;
  end.says_of_pacs = retrieval_end::well;
  end.finest = row.finest;
  end.waits_for = waiting_reason::retry_later;
  end.not_before_us = now_us;
  end.reason = "all " + std::to_string(settled.outcome.asked) + " instances asked for are here; " +
               std::to_string(settled.missing.size()) + " more are asked for next";
  return end;
}

bool refuses_level(const study_settled& settled, const verdict& judged) {
  const auto& outcome = settled.outcome;
  if (outcome.level == retrieve_level::study || outcome.asked_missing < outcome.asked) return false;
  if (outcome.dimse_status == 0) return outcome.problem.empty() && outcome.refused == 0;
  // Some PACS answer "unable to process" to whatever they do not offer.
  const bool unable = (outcome.dimse_status & 0xf000U) == 0xc000U;
  return (judged.which == failure_class::permanent || unable) && !judged.park_pacs;
}

conclusion coarser(const study_settled& settled, const verdict& judged, std::int64_t now_us) {
  const bool by_instance = settled.outcome.level == retrieve_level::instance;
  conclusion end;
  end.waits_for = waiting_reason::retry_later;
  end.not_before_us = now_us;
  end.finest = by_instance ? retrieve_level::series : retrieve_level::study;
  end.reason = std::string{"the PACS does not send single "} + (by_instance ? "instances" : "series") +
               (judged.text.empty() ? "" : ": " + judged.text) + "; whole " +
               (by_instance ? "series are" : "studies are") + " asked for next";
  return end;
}

}  // namespace

bool is_legal(request_state from, request_state to) {
  const bool holds = from == request_state::completed || from == request_state::incomplete;
  if (is_terminal(from)) return to == request_state::scheduled || (holds && to == request_state::failed);
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
  const bool is_listed = row.expected > 0;
  if (is_listed && !settled.present.empty() && settled.missing.empty()) return all_here(row, settled);
  if (!settled.outcome.sent) return not_sent(row, settled, now_us);
  if (settled.outcome.cancelled) return stopped(row, settled, now_us);
  const auto judged = judge(failure_of(row, settled));
  if (!is_listed && !settled.present.empty() && settled.outcome.dimse_status == 0 && settled.outcome.problem.empty())
    return unproven(row, settled);
  if (settled.outcome.asked > 0 && settled.outcome.asked_missing == 0) return next_part(row, settled, now_us);
  if (refuses_level(settled, judged)) return coarser(settled, judged, now_us);
  conclusion end;
  end.finest = row.finest;
  // What nothing came of may be the fault of the PACS; what came in part is more likely that of its study.
  if (settled.present.empty()) end.says_of_pacs = retrieval_end::failed;
  end.burns_attempt = judged.which != failure_class::offline;
  end.burns_offline_try = !end.burns_attempt;
  end.reason = is_listed ? missing_text(settled) : std::to_string(settled.present.size()) + " instances are here";
  if (settled.outcome.refused > 0) end.reason += "; " + std::to_string(settled.outcome.refused) + " refused";
  if (!judged.text.empty()) end.reason += "; " + judged.text;
  if (!settled.outcome.problem.empty()) end.reason += "; " + settled.outcome.problem;
  if (judged.park_pacs) {
    // Its turn comes again when a person has mended the PACS.
    end.says_of_pacs = retrieval_end::misconfigured;
    end.burns_attempt = end.burns_offline_try = false;
    end.waits_for = waiting_reason::retry_later;
    end.not_before_us = now_us;
    return end;
  }
  if (const auto delay = next_delay(judged.which, row.attempts + 1, row.offline_tries + 1)) {
    end.waits_for = waiting_reason::retry_later;
    end.not_before_us = now_us + std::chrono::microseconds{*delay}.count();
    return end;
  }
  end.state = settled.present.empty() ? request_state::failed : request_state::incomplete;
  return end;
}

bool goes_on_following(request_row& row, std::uint64_t present, std::int64_t now_us) {
  if (row.follow_every_s == 0) return false;
  if (present > row.received || row.gained_us == 0) row.gained_us = now_us;
  if (now_us - row.gained_us >= std::int64_t{row.follow_quiet_s} * 1'000'000) return false;
  row.reason = waiting_reason::following;
  row.not_before_us = now_us + std::int64_t{row.follow_every_s} * 1'000'000;
  row.enumerated = false;
  row.attempts = 0;
  row.error.clear();
  return true;
}

conclusion set_back(const request_row& row, std::string why, std::int64_t now_us) {
  conclusion end;
  end.burns_attempt = true;
  end.finest = row.finest;
  end.reason = std::move(why);
  if (const auto delay = next_delay(failure_class::transient, row.attempts + 1, 0)) {
    end.waits_for = waiting_reason::retry_later;
    end.not_before_us = now_us + std::chrono::microseconds{*delay}.count();
  } else {
    end.state = request_state::failed;
  }
  return end;
}

}  // namespace penstock::actors
