#include "tools/pacs/script.hpp"

#include <charconv>
#include <utility>

#include "conf/text_file.hpp"
#include "conf/toml_reader.hpp"
#include "tools/pacs/script_faults.hpp"

namespace penstock::pacs {
namespace {

using namespace std::chrono_literals;
using conf::presence;
using conf::section;

constexpr std::size_t most_script_bytes = std::size_t{16} << 20;
constexpr std::size_t most_tables = 100'000;
constexpr std::uint32_t most_instances = 100'000;
constexpr std::uint64_t most_instance_bytes = std::uint64_t{256} << 20;
constexpr std::uint64_t usual_instance_bytes = std::uint64_t{32} << 10;
constexpr std::size_t longest_uid = 50;  // leaves room for the numbers of series and instance

std::string da(const std::optional<std::chrono::year_month_day>& date, const std::string& otherwise) {
  if (!date) return otherwise;
  const auto number = static_cast<int>(date->year()) * 10'000 +
                      static_cast<int>(static_cast<unsigned>(date->month())) * 100 +
                      static_cast<int>(static_cast<unsigned>(date->day()));
  auto digits = std::to_string(number);
  return std::string(8 - std::min<std::size_t>(8, digits.size()), '0') + digits;
}

generated_study read_study(section& from) {
  generated_study made;
  made.study_uid = from.text("study_uid", presence::optional, longest_uid).value_or("");
  if (made.study_uid.find_first_not_of("0123456789.") != std::string::npos)
    from.fault_at("study_uid", "expected digits and points");
  made.date = da(from.date("date", presence::optional), "20240101");
  made.time = from.text("time", presence::optional, 14).value_or("120000");
  made.modality = from.text("modality", presence::optional, 16).value_or("CT");
  made.accession = from.any_text("accession", presence::optional, 16).value_or("");
  made.description = from.any_text("description", presence::optional, 64).value_or("");
  made.character_set = from.any_text("character_set", presence::optional).value_or("ISO_IR 192");
  if (!from_utf8(made.character_set, ""))
    from.fault_at("character_set", "expected a set that is known here, see README.md");
  made.count = from.number("count", presence::optional, 1, most_instances).value_or(1);
  made.series = from.number("series", presence::optional, 1, most_instances).value_or(1);
  made.instances = from.number("instances", presence::optional, 1, most_instances).value_or(1);
  made.instance_bytes = from.size("instance_size", presence::optional, 2).value_or(usual_instance_bytes);
  if (made.instance_bytes > most_instance_bytes) from.fault_at("instance_size", "at most 256 MiB");
  from.refuse_unknown_keys();
  return made;
}

generated_patient read_patient(section& from) {
  generated_patient made;
  made.mrn = from.any_text("mrn", presence::required, 64).value_or("");
  made.issuer = from.any_text("issuer", presence::optional, 64).value_or("");
  made.name = from.any_text("name", presence::optional).value_or("Invented^Patient");
  made.birth_date = da(from.date("birth_date", presence::optional), "");
  made.sex = from.any_text("sex", presence::optional, 16).value_or("");
  for (auto& study : from.tables("study", presence::optional, most_tables)) made.studies.push_back(read_study(study));
  from.refuse_unknown_keys();
  return made;
}

nearline_rule read_nearline(section& from) {
  nearline_rule made;
  made.study_uid = from.text("study", presence::optional, 64).value_or("");
  made.mrn = from.text("patient", presence::optional, 64).value_or("");
  made.recall = from.duration("recall", presence::required, 0ms, 24h).value_or(0ms);
  made.status = read_status(from, "status");
  from.refuse_unknown_keys();
  return made;
}

void read_places(section& top, const std::filesystem::path& file, script& into) {
  for (const auto& line : top.texts("destinations", presence::optional, most_tables)) {
    if (auto destination = parse_destination(line.value))
      into.destinations.insert(std::move(*destination));
    else
      top.fault_at(line.at, "destinations: expected texts such as \"PENSTOCK=127.0.0.1:11112\"");
  }
  for (const auto& path : top.texts("directories", presence::optional, most_tables))
    into.directories.push_back(conf::beside(file, path.value));
}

}  // namespace

std::optional<std::pair<std::string, host_port>> parse_destination(const std::string& text) {
  const auto equals = text.find('=');
  const auto colon = text.rfind(':');
  if (equals == std::string::npos || colon == std::string::npos || equals == 0 || equals > 16 || colon <= equals + 1)
    return std::nullopt;
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data() + colon + 1, end, port);
  if (problem != std::errc{} || stopped != end || port == 0) return std::nullopt;
  return std::pair{text.substr(0, equals), host_port{text.substr(equals + 1, colon - equals - 1), port}};
}

conf::loaded<script> read_script(const std::filesystem::path& file) {
  conf::loaded<script> made;
  const auto toml = conf::read_text_file(file, most_script_bytes, made.faults);
  if (!toml) return made;
  auto top = section::parse(*toml, file.string(), made.faults);
  if (!top) return made;
  auto& into = made.value;
  into.ae_title = top->text("ae_title", presence::optional, 16).value_or("");
  if (const auto port = top->number("port", presence::optional, 0, 65535))
    into.port = static_cast<std::uint16_t>(*port);
  into.most_associations = top->number("max_associations", presence::optional, 1, 10'000).value_or(0);
  into.seed = top->number("seed", presence::optional, 0, 0xffffffff).value_or(0);
  read_places(*top, file, into);
  for (auto& patient : top->tables("patient", presence::optional, most_tables))
    into.patients.push_back(read_patient(patient));
  for (auto& rule : top->tables("nearline", presence::optional, most_tables))
    into.nearline.push_back(read_nearline(rule));
  into.faults = read_faults(*top);
  top->refuse_unknown_keys();
  conf::sort_faults(made.faults, file.string());
  return made;
}

}  // namespace penstock::pacs
