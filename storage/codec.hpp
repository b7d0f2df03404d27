#pragma once
// Rows and channel messages as JSON: every struct with PENSTOCK_FIELDS is written as an object whose keys are the
// members' names, and read leniently: unknown keys are skipped, missing ones keep their default, so that a version may
// add fields.

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "messages/fields.hpp"
#include "messages/ids.hpp"
#include "messages/result.hpp"

namespace penstock::storage {

/// Enums that spell themselves: `std::string_view name_of(E)`, and `bool parse(std::string_view, E&)` for the way back.
template <class E>
concept named_enum = std::is_enum_v<E> && requires(E& e, std::string_view text) {
  { name_of(e) } -> std::convertible_to<std::string_view>;
  { parse(text, e) } -> std::same_as<bool>;
};

template <class T>
nlohmann::json to_json_value(const T& value);
template <class T>
void from_json_value(const nlohmann::json& from, T& into);

namespace detail {

/// Calls `visit(name, member)` for each member, splitting the spelled list "a, b, c".
template <class T, class Visit>
void for_each_field(T& object, Visit visit) {
  std::string_view rest = std::remove_const_t<T>::field_names;
  auto next_name = [&rest] {
    const auto end = rest.find(',');
    const auto name = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(rest.find_first_not_of(" \n\\", end + 1));
    return name;
  };
  std::apply([&](auto&... members) { (visit(next_name(), members), ...); }, object.fields());
}

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_string_map : std::false_type {};
template <class T>
struct is_string_map<std::map<std::string, T>> : std::true_type {};

}  // namespace detail

template <class T>
nlohmann::json to_json_value(const T& value) {
  if constexpr (messages::described<T>) {
    auto object = nlohmann::json::object();
    detail::for_each_field(value, [&](std::string_view name, const auto& member) {
      object.emplace(std::string{name}, to_json_value(member));
    });
    return object;
  } else if constexpr (std::is_same_v<T, messages::protected_text> || std::is_same_v<T, messages::dicom_uid>) {
    return value.reveal();
  } else if constexpr (std::is_same_v<T, messages::medical_record_number>) {
    return nlohmann::json{{"patient_id", value.patient_id.reveal()}, {"issuer", value.issuer.reveal()}};
  } else if constexpr (named_enum<T>) {
    return std::string{name_of(value)};
  } else if constexpr (detail::is_vector<T>::value) {
    auto array = nlohmann::json::array();
    for (const auto& item : value) array.push_back(to_json_value(item));
    return array;
  } else if constexpr (detail::is_string_map<T>::value) {
    auto object = nlohmann::json::object();
    for (const auto& [key, item] : value) object.emplace(key, to_json_value(item));
    return object;
  } else {
    return nlohmann::json(value);
  }
}

template <class T>
void from_json_value(const nlohmann::json& from, T& into) {
  if constexpr (messages::described<T>) {
    if (!from.is_object()) return;
    detail::for_each_field(into, [&](std::string_view name, auto& member) {
      if (auto found = from.find(name); found != from.end()) from_json_value(*found, member);
    });
  } else if constexpr (std::is_same_v<T, messages::protected_text> || std::is_same_v<T, messages::dicom_uid>) {
    into = T{from.get<std::string>()};
  } else if constexpr (std::is_same_v<T, messages::medical_record_number>) {
    into = {messages::protected_text{from.value("patient_id", "")}, messages::protected_text{from.value("issuer", "")}};
  } else if constexpr (named_enum<T>) {
    static_cast<void>(parse(from.get<std::string>(), into));  // an unknown word keeps the default
  } else if constexpr (detail::is_vector<T>::value) {
    into.clear();
    for (const auto& item : from) from_json_value(item, into.emplace_back());
  } else if constexpr (detail::is_string_map<T>::value) {
    into.clear();
    for (const auto& [key, item] : from.items()) from_json_value(item, into[key]);
  } else {
    into = from.get<T>();
  }
}

/// One row or message. Text that is not UTF-8 is written with the replacement character rather than refused.
template <messages::described T>
[[nodiscard]] std::string encode(const T& object) {
  return to_json_value(object).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The struct that `text` spells; errc::corrupt when it is not JSON or a member has the wrong type. `what` names the
/// kind of row for the error text.
template <messages::described T>
[[nodiscard]] messages::result<T> decode(std::string_view text, std::string_view what) {
  try {
    T object;
    from_json_value(nlohmann::json::parse(text), object);
    return object;
  } catch (const nlohmann::json::exception&) {
    return messages::fail(messages::errc::corrupt, "decode " + std::string{what});
  }
}

}  // namespace penstock::storage
