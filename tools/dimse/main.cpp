// penstock-dimse: one DICOM association, then exit. Started by penstockd, never by hand; messages/DIMSE_CHANNEL.md.

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmnet/dul.h>
#include <dcmtk/oflog/oflog.h>

#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <exception>
#include <string_view>

#include "tools/dimse/jobs.hpp"
#include "tools/dimse/sandbox.hpp"

namespace {

using namespace penstock;
using std::chrono::milliseconds;

constexpr int channel_descriptor = 3;
constexpr int peer_descriptor = 4;
constexpr milliseconds job_patience{10'000};
/// A watchdog for what no deadline of ours covers, such as a name server that does not answer.
constexpr unsigned outbound_grace_s = 60;

enum exit_code : int { finished = 0, peer_trouble = 1, misuse = 2, no_sandbox = 3 };

/// What the child keeps to besides what its kind of job demands; from its only argument.
struct allowance {
  std::uint64_t memory_bytes = dimse::sandbox_limits{}.memory_bytes;
};

constexpr std::uint64_t outbound_cpu_s = 600;
constexpr std::uint64_t inbound_cpu_s = 6 * 3'600;

unsigned seconds(std::uint64_t ms) { return static_cast<unsigned>(ms / 1000); }

unsigned whole_time_s(const messages::dimse_peer& peer) {
  return seconds(std::uint64_t{peer.connect_timeout_ms} + peer.association_timeout_ms + peer.response_timeout_ms);
}
unsigned whole_time_s(const messages::echo_job& job) { return whole_time_s(job.peer); }
unsigned whole_time_s(const messages::find_job& job) { return whole_time_s(job.peer) + seconds(job.total_timeout_ms); }
unsigned whole_time_s(const messages::move_job& job) { return whole_time_s(job.peer) + seconds(job.total_timeout_ms); }

template <class Job>
dimse::sandbox_limits limits_of(const Job&, const allowance& most) {
  return {.memory_bytes = most.memory_bytes, .cpu_s = outbound_cpu_s, .may_connect = true};
}

/// What C-GET brings is written by the child that asks.
dimse::sandbox_limits limits_of(const messages::move_job& job, const allowance& most) {
  if (!job.get) return {.memory_bytes = most.memory_bytes, .cpu_s = outbound_cpu_s, .may_connect = true};
  return {.memory_bytes = most.memory_bytes,
          .cpu_s = inbound_cpu_s,
          .file_bytes = messages::accept_job{}.max_pack_bytes,
          .may_connect = true};
}

template <class Job>
int run_outbound(dimse::session& with, const std::string& text, const allowance& most) {
  const auto job = storage::decode_dimse<Job>(text);
  if (!job || !messages::check(*job)) return misuse;
  dimse::drop_inheritance(peer_descriptor);
  ::alarm(whole_time_s(*job) + outbound_grace_s);
  if (!dimse::enter_sandbox(limits_of(*job, most))) return no_sandbox;
  return dimse::run(with, *job) ? finished : peer_trouble;
}

int run_inbound(dimse::session& with, const std::string& text, const allowance& most) {
  const auto job = storage::decode_dimse<messages::accept_job>(text);
  if (!job || !messages::check(*job)) return misuse;
  if (!dimse::enter_sandbox(
          {.memory_bytes = most.memory_bytes, .cpu_s = inbound_cpu_s, .file_bytes = job->max_pack_bytes}))
    return no_sandbox;
  return dimse::run(with, *job, peer_descriptor) ? finished : peer_trouble;
}

int run_job(const allowance& most) {
  dimse::session session{storage::descriptor{channel_descriptor}};
  if (session.wait(-1, 0, dimse::steady::now() + job_patience, true) != dimse::wake::message) return misuse;
  const auto packet = session.parent.next();
  if (packet->kind == messages::echo_job::kind) return run_outbound<messages::echo_job>(session, packet->text, most);
  if (packet->kind == messages::find_job::kind) return run_outbound<messages::find_job>(session, packet->text, most);
  if (packet->kind == messages::move_job::kind) return run_outbound<messages::move_job>(session, packet->text, most);
  if (packet->kind == messages::accept_job::kind) return run_inbound(session, packet->text, most);
  return misuse;
}

}  // namespace

int main(int count, char** arguments) {
  dimse::drop_inheritance(peer_descriptor + 1);
  allowance most;
  if (count > 1) {
    const std::string_view text{arguments[1]};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), most.memory_bytes);
    if (problem != std::errc{} || end != text.data() + text.size()) return misuse;
  }
  OFLog::configure(OFLogger::OFF_LOG_LEVEL);
  dcmDisableGethostbyaddr.set(OFTrue);
  if (!dcmDataDict.isDictionaryLoaded()) return misuse;
  try {
    return run_job(most);
  } catch (const std::exception&) {
    return peer_trouble;
  }
}
