#pragma once
// Reads a TOML file strictly: every access names what is expected, whatever is not asked for is a fault, and every
// fault has its line and column. Accesses never stop the reading; a value with a fault reads as absent. The TOML
// library stays inside toml_reader.cpp.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/fault.hpp"

namespace penstock::conf {

struct position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

template <class T>
struct placed {
  T value;
  position at;
};

enum class presence : std::uint8_t { optional, required };

/// One table of the file. Cheap to copy; lives as long as any section of its document.
class section {
 public:
  /// The top of the document; nothing when the text is no TOML (then there is a fault). `faults` must outlive all
  /// sections.
  static std::optional<section> parse(std::string_view toml, const std::string& file, std::vector<fault>& faults);

  [[nodiscard]] bool has(std::string_view key) const;

  /// Text of 1 to `longest` bytes without control characters.
  [[nodiscard]] std::optional<std::string> text(std::string_view key, presence needed, std::size_t longest = 200);
  /// As text, but "" is allowed.
  [[nodiscard]] std::optional<std::string> any_text(std::string_view key, presence needed, std::size_t longest = 200);
  [[nodiscard]] std::optional<std::uint32_t> number(std::string_view key, presence needed, std::uint32_t least,
                                                    std::uint32_t most);
  [[nodiscard]] std::optional<bool> yes_or_no(std::string_view key);
  [[nodiscard]] std::optional<std::chrono::year_month_day> date(std::string_view key, presence needed);
  /// Units as in units.hpp; within the range.
  [[nodiscard]] std::optional<std::chrono::milliseconds> duration(std::string_view key, presence needed,
                                                                  std::chrono::milliseconds least,
                                                                  std::chrono::milliseconds most);
  [[nodiscard]] std::optional<std::uint64_t> size(std::string_view key, presence needed, std::uint64_t least);
  /// A list of texts, each with its place; empty when absent.
  [[nodiscard]] std::vector<placed<std::string>> texts(std::string_view key, presence needed, std::size_t most);

  /// A table under that key.
  [[nodiscard]] std::optional<section> table(std::string_view key, presence needed = presence::optional);
  /// A list of tables under that key.
  [[nodiscard]] std::vector<section> tables(std::string_view key, presence needed, std::size_t most);
  /// All tables inside the table under that key, by name: `[pacs.a]`, `[pacs.b]`. Anything else in there is a fault,
  /// and so is a name that is no valid id.
  [[nodiscard]] std::vector<placed<std::pair<std::string, section>>> named(std::string_view key, std::size_t most);

  /// Where the value of `key` stands; where the table stands when there is none.
  [[nodiscard]] position at(std::string_view key) const;
  /// The table as TOML text again.
  [[nodiscard]] std::string as_toml() const;

  /// A fault at the value of `key`: "key: message".
  void fault_at(std::string_view key, const std::string& message) const;
  void fault_at(position where, const std::string& message) const;

  /// Every key that nobody asked for is a fault. To be called once when the section is read.
  void refuse_unknown_keys() const;

 private:
  struct content;
  explicit section(std::shared_ptr<content> held) : held_(std::move(held)) {}

  std::shared_ptr<content> held_;
};

}  // namespace penstock::conf
