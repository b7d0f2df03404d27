// crash_journal CORE FENCE [CATALOGUE]...: proves a journal that no server has open and prints it, one JSON object a
// line: {"verified"}, {"seq","leaf","ids"} for each entry, {"row","value"} for each state row, {"operation"} for each
// remembered one, {"event"} for each event, {"instance"} for each row of the catalogues. Give it copies: opening a
// database changes it.

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "storage/catalogue.hpp"
#include "storage/core_store.hpp"
#include "storage/journal_reader.hpp"
#include "storage/journal_verifier.hpp"

namespace {

using namespace penstock;
using nlohmann::json;

constexpr int damaged = 4;
constexpr std::size_t page = 1000;

void print(const json& line) { std::puts(line.dump(-1, ' ', false, json::error_handler_t::replace).c_str()); }

[[noreturn]] void give_up(const messages::failure& problem) {
  std::fprintf(stderr, "%s\n", problem.text().c_str());
  std::exit(damaged);
}

template <class T>
T value_of(messages::result<T> outcome) {
  if (!outcome) give_up(outcome.error());
  return std::move(outcome).value();
}

void print_entries(const storage::row_reader& core, std::uint64_t count) {
  for (std::uint64_t next = 1; next <= count;) {
    const auto entries = value_of(storage::read_entries(core, next, page));
    if (entries.empty()) give_up({messages::errc::corrupt, "entry " + std::to_string(next) + " is missing"});
    for (const auto& entry : entries) {
      json ids = json::object();
      for (const auto& field : value_of(storage::read_identifiers(core, entry.sequence)))
        ids[field.name] = field.value.reveal();
      print({{"seq", entry.sequence}, {"leaf", json::parse(entry.leaf)}, {"ids", ids}});
      next = entry.sequence + 1;
    }
  }
}

void print_rows(const storage::row_reader& core) {
  value_of(core.scan(storage::column::rows, {}, [](std::string_view key, std::string_view value) {
    const bool remembered = key.starts_with("op/");
    print({{remembered ? "operation" : "row", key}, {"value", value.empty() ? json{} : json::parse(value)}});
    return true;
  }));
}

void print_events(const storage::row_reader& core) {
  value_of(core.scan(storage::column::events, {}, [](std::string_view key, std::string_view value) {
    const auto topic = key.substr(0, key.find('\0'));
    std::uint64_t number = 0;
    for (const char byte : key.substr(topic.size() + 1)) number = number << 8 | static_cast<unsigned char>(byte);
    print({{"event", topic}, {"number", number}, {"value", json::parse(value)}});
    return true;
  }));
}

void print_catalogue(const char* directory) {
  const auto rows = value_of(storage::catalogue::open(directory));
  const auto scanned = rows.scan_studies([&](const storage::catalogued_study& study) {
    for (const auto& each : value_of(rows.instances_of(study.pacs, study.study)))
      print({{"instance", each.sop_instance.reveal()},
             {"pacs", study.pacs},
             {"pack", each.pack_id},
             {"offset", each.dataset_offset},
             {"bytes", each.dataset_bytes},
             {"sha256", each.dataset_sha256}});
    return true;
  });
  if (!scanned) give_up(scanned.error());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return EXIT_FAILURE;
  const auto core = value_of(storage::open_core_store({argv[1], argv[2], false}));
  const auto fence = value_of(storage::read_fence(argv[2]));
  const auto verified = value_of(storage::verify_journal(*core.store, fence));
  print({{"verified", verified.entries}, {"fence", fence ? fence->size : 0}, {"warnings", core.warnings}});
  print_entries(*core.store, verified.entries);
  print_rows(*core.store);
  print_events(*core.store);
  for (int i = 3; i < argc; ++i) print_catalogue(argv[i]);
}
