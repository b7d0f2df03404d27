#include "tools/penstockd/metrics.hpp"

#include <string_view>

namespace penstock::server {
namespace {

void add(std::string& text, std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
  text.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text.append("# TYPE ").append(name).append(" ").append(type).append("\n");
  text.append(name).append(" ").append(std::to_string(value)).append("\n");
}

}  // namespace

std::string prometheus_text(const metrics_sample& sample, const std::string& version) {
  std::string text = "# HELP penstock_info Version of the server.\n# TYPE penstock_info gauge\n";
  text += "penstock_info{version=\"" + version + "\"} 1\n";
  add(text, "penstock_uptime_seconds", "gauge", "Seconds since the server started.",
      static_cast<std::uint64_t>(sample.uptime_s));
  add(text, "penstock_journal_entries", "counter", "Entries in the journal.", sample.journal_entries);
  add(text, "penstock_state_free_bytes", "gauge", "Room on the file system of the state directory.",
      sample.free_disk_bytes);
  add(text, "penstock_state_read_only", "gauge", "1 while the disk is full and only what ends or shows things is done.",
      sample.read_only ? 1 : 0);
  add(text, "penstock_commands_total", "counter", "Commands on the control socket.", sample.control.commands);
  add(text, "penstock_commands_refused_total", "counter", "Commands answered with an error.",
      sample.control.commands_refused);
  add(text, "penstock_events_sent_total", "counter", "Events sent to subscribers.", sample.control.events_sent);
  add(text, "penstock_control_sessions", "gauge", "Sessions on the control socket.", sample.control.sessions);
  add(text, "penstock_handshakes_refused_total", "counter", "Connections refused by key or ticket.",
      sample.handshakes_refused);
  add(text, "penstock_download_sessions", "gauge", "Sessions on the data socket.", sample.downloads.sessions);
  add(text, "penstock_download_sealed_bytes_total", "counter", "Sealed bytes sent on the data socket.",
      sample.downloads.sealed_bytes_sent);
  add(text, "penstock_download_objects_failed_total", "counter", "Objects that could not be read for a download.",
      sample.downloads.objects_failed);
  return text;
}

}  // namespace penstock::server
