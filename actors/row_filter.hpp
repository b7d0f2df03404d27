#pragma once
// Filter and order of a listing as clients spell them (messages/WIRE.md, "Filter F" and "sort"), over JSON items whose
// fields a table names. Pure. What is unknown or of the wrong type is errc::bad_request, and the text names the field.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "messages/result.hpp"

namespace penstock::actors {

/// How the values of a field compare.
enum class field_kind : std::uint8_t {
  text,     ///< byte by byte
  words,    ///< text; `in`, `list` and `like` look at each of the words that commas part
  number,   ///< an integer
  decimal,  ///< an integer that items spell as text, such as an id
  time,     ///< RFC 3339; a filter may give a day, which as upper bound includes all of it
  flag,     ///< true or false
  ranked    ///< one of the words of `ranks`, which sort in that order
};

/// A dot in `name` reaches into an object: "counts.expected".
struct listed_field {
  std::string_view name;
  field_kind kind = field_kind::text;
  std::span<const std::string_view> ranks = {};
};
using listed_fields = std::span<const listed_field>;

/// Nothing (absent or null) sorts before everything else.
using field_value = std::variant<std::monostate, std::int64_t, std::string>;

[[nodiscard]] const listed_field* find_field(listed_fields fields, std::string_view name);
/// The member of an item that is the field's, null when it is absent.
[[nodiscard]] const nlohmann::json& member_of(const nlohmann::json& item, const listed_field& field);
[[nodiscard]] field_value value_of(const nlohmann::json& item, const listed_field& field);
/// Calls `any` with the text, or with each of its words when the field has words, until it is true.
bool any_word(const listed_field& field, std::string_view text, const std::function<bool(std::string_view)>& any);

class row_filter {
 public:
  static constexpr std::size_t most_facets = 64;
  static constexpr std::size_t most_listed_values = 20'000;  ///< of one facet
  static constexpr std::size_t longest_pattern_bytes = 256;

  /// `filter` is a JSON object, or empty to accept everything. `fields` must outlive the filter.
  [[nodiscard]] static messages::result<row_filter> parse(std::string_view filter, listed_fields fields);

  /// Every facet accepts it. Absent values are accepted by none.
  [[nodiscard]] bool accepts(const nlohmann::json& item) const;

  struct verdict {
    bool accepted = false;
    const listed_field* refused_only_by = nullptr;  ///< the field of the only facet that does not accept it
  };
  [[nodiscard]] verdict judge(const nlohmann::json& item) const;

 private:
  /// Accepts what is listed, or within the bounds (both included), or like the pattern.
  struct facet {
    const listed_field* field = nullptr;
    std::unordered_set<std::string> texts;
    std::unordered_set<std::int64_t> numbers;
    field_value from;
    field_value to;
    std::optional<std::string> like;
  };

  [[nodiscard]] static messages::result<facet> parse_facet(const listed_field& field, const nlohmann::json& conditions);
  [[nodiscard]] static messages::result<void> parse_condition(const std::string& name, const nlohmann::json& wanted,
                                                              facet& into);
  [[nodiscard]] static bool accepts(const facet& facet, const field_value& value);

  std::vector<facet> facets_;
};

/// The fields of a total order, the most significant first.
class row_order {
 public:
  static constexpr std::size_t most_columns = 8;
  using key = std::vector<field_value>;

  /// `sort` is `[["field","asc"|"desc"],...]`, or empty for `otherwise` (the same JSON). `unique` names fields that
  /// together tell items apart; they come last, ascending.
  [[nodiscard]] static messages::result<row_order> parse(std::string_view sort, std::string_view otherwise,
                                                         listed_fields fields,
                                                         std::span<const std::string_view> unique);

  [[nodiscard]] key key_of(const nlohmann::json& item) const;
  [[nodiscard]] bool before(const key& one, const key& other) const;

  /// A key as JSON and back; nothing when `spelled` is no key of this order.
  [[nodiscard]] static nlohmann::json spell(const key& of);
  [[nodiscard]] std::optional<key> read(const nlohmann::json& spelled) const;

 private:
  struct sorted_field {
    const listed_field* field = nullptr;
    bool descending = false;
  };
  [[nodiscard]] bool has(const listed_field& field) const;

  std::vector<sorted_field> columns_;
};

/// `*` stands for any characters; the case of ASCII letters does not count.
[[nodiscard]] bool is_like(std::string_view text, std::string_view pattern);

}  // namespace penstock::actors
