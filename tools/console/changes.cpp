#include "tools/console/changes.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tools/client/local_file.hpp"
#include "tools/penstock/context.hpp"

namespace penstock::console {

using nlohmann::json;

std::vector<std::vector<std::string>> parts_of(const std::vector<std::string>& ids) {
  std::vector<std::vector<std::string>> parts;
  for (std::size_t begin = 0; begin < ids.size(); begin += most_at_once) {
    const auto end = std::min(begin + most_at_once, ids.size());
    parts.emplace_back(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                       ids.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return parts;
}

std::string outcome_line(const json& answer, const std::string& done) {
  std::size_t good = 0;
  std::size_t bad = 0;
  std::string why;
  for (const auto& row : commands::array_in(answer, "rows")) {
    const auto outcome = commands::text_in(row, "outcome");
    if (outcome == done) {
      ++good;
      continue;
    }
    ++bad;
    if (why.empty()) why = outcome + " " + commands::text_in(row, "message");
  }
  auto text = std::to_string(good) + " " + done;
  if (bad != 0) text += "; " + std::to_string(bad) + " not: " + why;
  return text;
}

void send_change(desk& at, const std::string& project, const std::string& command, json args, const std::string& done) {
  at.say("asking…", role::busy);
  at.ask({command, project, std::move(args), client::new_op(), {}}, [&at, done](const messages::result<json>& answer) {
    if (!answer) return at.say(answer.error().context, role::bad);
    const auto line = outcome_line(*answer, done);
    at.say(line, line.find("; ") == std::string::npos ? role::good : role::warning);
  });
}

std::string count_of(std::size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string write_new_file(const std::string& path, std::string_view text) {
  const client::file_descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (file.get() < 0) return std::strerror(errno);
  while (!text.empty()) {
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return std::strerror(errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace penstock::console
