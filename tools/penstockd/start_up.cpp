#include "tools/penstockd/start_up.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <fstream>

namespace penstock::server {

using namespace messages;

namespace {

constexpr std::size_t z85_key_characters = 40;

result<std::string> read_server_key(const std::filesystem::path& file) {
  std::ifstream stream{file};
  std::string line;
  if (!stream || !std::getline(stream, line))
    return fail(errc::bad_configuration, file.string() + ": cannot read the server's key; `penstock keygen` makes one");
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  if (line.size() != z85_key_characters)
    return fail(errc::bad_configuration,
                file.string() + ":1:1: expected a CURVE secret key, 40 characters of Z85, on the first line");
  return line;
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
    auto sink =
        log.file.empty()
            ? std::static_pointer_cast<spdlog::sinks::sink>(std::make_shared<spdlog::sinks::stderr_color_sink_mt>())
            : std::make_shared<spdlog::sinks::basic_file_sink_mt>(log.file.string());
    auto logger = std::make_shared<spdlog::logger>("penstockd", std::move(sink));
    logger->set_level(spdlog::level::from_str(log.level == "warning" ? "warn" : log.level));
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
    return {};
  } catch (const spdlog::spdlog_ex& problem) {
    return fail(errc::bad_configuration, std::string{"log: "} + problem.what());
  }
}

std::filesystem::path own_directory() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

}  // namespace penstock::server
