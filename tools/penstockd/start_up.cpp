#include "tools/penstockd/start_up.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <memory>
#include <vector>

#include "conf/text_file.hpp"

namespace penstock::server {

using namespace messages;

namespace {

constexpr std::size_t z85_key_characters = 40;
constexpr std::size_t most_key_file_bytes = 4096;
/// The group may read it (root gives it to the server's group), and nobody else anything.
constexpr mode_t readable_by_strangers = 0037;
constexpr const char* log_pattern = "%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v";

result<std::string> read_server_key(const std::filesystem::path& file) {
  std::vector<conf::fault> faults;
  const auto text = conf::read_text_file(file, most_key_file_bytes, faults);
  if (!text) return fail(errc::bad_configuration, conf::text_of(faults) + "\n`penstock keygen` makes the server's key");
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || (status.st_mode & readable_by_strangers) != 0)
    return fail(errc::bad_configuration,
                file.string() + ": the server's key is open to others; make it so: chmod 600 " + file.string());
  auto line = text->substr(0, text->find('\n'));
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  if (line.size() != z85_key_characters)
    return fail(errc::bad_configuration,
                file.string() + ":1:1: expected a CURVE secret key, 40 characters of Z85, on the first line");
  return line;
}

std::shared_ptr<spdlog::sinks::sink> sink_of(const conf::log_settings& log) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (log.file.empty())
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  else
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(log.file.string());
  sink->set_pattern(log_pattern);
  return sink;
}

}  // namespace

result<start_up> read_start_up(const std::filesystem::path& config) {
  start_up read;
  auto settings = conf::load_settings(config);
  if (!settings.ok()) return fail(errc::bad_configuration, conf::text_of(settings.faults));
  read.settings = std::move(settings.value);
  auto rules = conf::load_rules(read.settings.rules_file);
  if (!rules.ok()) return fail(errc::bad_configuration, conf::text_of(rules.faults));
  read.rules = std::move(rules.value);
  auto key = read_server_key(read.settings.server_key_file);
  if (!key) return key.error();
  read.server_secret_key = std::move(*key);
  return read;
}

result<void> open_log(const conf::log_settings& log) {
  try {
    // One sink in front, so that the file behind it can be exchanged while all threads write.
    auto front = std::make_shared<spdlog::sinks::dist_sink_mt>();
    front->add_sink(sink_of(log));
    auto logger = std::make_shared<spdlog::logger>("penstockd", std::move(front));
    logger->set_level(spdlog::level::from_str(log.level == "warning" ? "warn" : log.level));
    logger->set_pattern(log_pattern);
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
    return {};
  } catch (const spdlog::spdlog_ex& problem) {
    return fail(errc::bad_configuration, std::string{"log: "} + problem.what());
  }
}

result<void> reopen_log(const conf::log_settings& log) {
  try {
    auto sink = sink_of(log);
    for (const auto& each : spdlog::default_logger()->sinks())
      if (auto front = std::dynamic_pointer_cast<spdlog::sinks::dist_sink_mt>(each)) front->set_sinks({sink});
    return {};
  } catch (const spdlog::spdlog_ex& problem) {
    return fail(errc::io_error, std::string{"log: "} + problem.what());
  }
}

std::filesystem::path own_directory() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

}  // namespace penstock::server
