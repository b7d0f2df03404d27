#pragma once
// What there is to choose from in a listing, for a panel of filters: the values of each field with how often they are
// met, or its least and its greatest. A field is counted over what all *other* fields of the filter accept, so that
// choosing MR does not make CT vanish from the choices. Pure.

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "actors/listing.hpp"
#include "actors/row_filter.hpp"
#include "messages/result.hpp"

namespace penstock::actors {

class facet_counts {
 public:
  static constexpr std::size_t most_fields = 32;
  /// Told of one field, the most frequent first; what the others come to is "other".
  static constexpr std::size_t most_values_told = 500;
  /// Remembered of one field. What is met for the first time after that is part of "other".
  static constexpr std::size_t most_values_kept = 100'000;

  /// `fields` empty: all of the table. errc::bad_request names what is wrong. `table` must be static.
  [[nodiscard]] static messages::result<facet_counts> open(const std::string& filter,
                                                           const std::vector<std::string>& fields,
                                                           const listed_table& table);

  void add(const nlohmann::json& item);
  /// {"facets":{FIELD:{"values":[{"value","count"}],"other":n} or {"least","greatest"}},"total": items that the whole
  /// filter accepts}. What is absent or empty is in no count.
  [[nodiscard]] std::string finish() const;

 private:
  struct counted_field {
    const listed_field* field = nullptr;
    std::map<std::string, std::uint64_t, std::less<>> values{};
    std::uint64_t other = 0;
    field_value least{};
    field_value greatest{};
    nlohmann::json least_item{};  ///< as items spell it
    nlohmann::json greatest_item{};
  };

  explicit facet_counts(row_filter filter) : filter_(std::move(filter)) {}
  static void count(counted_field& into, const nlohmann::json& item);
  static void count_value(counted_field& into, std::string_view value);
  [[nodiscard]] static nlohmann::json told(const counted_field& counted);

  row_filter filter_;
  std::vector<counted_field> counted_;
  std::uint64_t total_ = 0;
};

}  // namespace penstock::actors
