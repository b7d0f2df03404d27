#pragma once
// The text of /metrics: Prometheus' exposition format 0.0.4, from counters that need no actor.

#include <cstdint>
#include <string>

#include "gateways/control_gateway.hpp"
#include "gateways/download_gateway.hpp"

namespace penstock::server {

struct metrics_sample {
  std::int64_t uptime_s = 0;
  std::uint64_t journal_entries = 0;
  std::uint64_t free_disk_bytes = 0;
  bool read_only = false;
  gateways::control_statistics control;
  gateways::download_statistics downloads;
  std::uint64_t handshakes_refused = 0;
};

[[nodiscard]] std::string prometheus_text(const metrics_sample& sample, const std::string& version);

}  // namespace penstock::server
