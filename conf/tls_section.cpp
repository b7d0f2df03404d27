#include "conf/text_file.hpp"
#include "conf/tls_files.hpp"
#include "conf/toml_reader.hpp"

namespace penstock::conf {
namespace {

constexpr std::size_t longest_path = 4'000;
constexpr std::size_t longest_name = 255;

}  // namespace

void read_tls(section& from, const std::filesystem::path& file, bool may_name, std::optional<tls_files>& into) {
  auto tls = from.table("tls");
  if (!tls) return;
  bool whole = true;
  const auto path = [&](std::string_view key) {
    const auto text = tls->text(key, presence::required, longest_path);
    whole = whole && text;
    return text ? beside(file, *text) : std::filesystem::path{};
  };
  into = tls_files{path("ca"), path("certificate"), path("key")};
  if (may_name) into->name = tls->text("name", presence::optional, longest_name).value_or("");
  tls->refuse_unknown_keys();
  if (!whole) return;
  if (const auto problem = check_tls_files(*into)) tls->fault_at(problem->key, problem->problem);
}

}  // namespace penstock::conf
