#pragma once
// One list of the members of a message serves everybody: CAF's inspection, the JSON rows on disk, the tests.

#include <concepts>
#include <string_view>
#include <tuple>
#include <type_traits>

/// Placed inside a struct, names its members once. `fields()` ties them; `field_names` spells them "a, b, c" in order.
#define PENSTOCK_FIELDS(...)                               \
  auto fields() { return std::tie(__VA_ARGS__); }          \
  auto fields() const { return std::tie(__VA_ARGS__); }    \
  static constexpr std::string_view field_names = #__VA_ARGS__

namespace penstock::messages {

template <class T>
concept described = std::is_class_v<T> && requires(T& x) {
  x.fields();
  { T::field_names } -> std::convertible_to<std::string_view>;
};

template <class T>
constexpr bool carries_floats(T*) {
  return false;
}
template <class... Ts>
constexpr bool carries_floats(std::tuple<Ts&...>*) {
  return (std::is_floating_point_v<std::remove_cv_t<Ts>> || ...);
}

/// CAF finds this by argument-dependent lookup. CAF 0.17.6 never finishes writing an infinite double, so messages carry
/// integers in named units only.
template <class Inspector, described T>
typename Inspector::result_type inspect(Inspector& f, T& x) {
  using tied = decltype(x.fields());
  static_assert(!carries_floats(static_cast<tied*>(nullptr)), "use integers with a unit in the name");
  return std::apply([&](auto&... members) { return f(members...); }, x.fields());
}

}  // namespace penstock::messages
