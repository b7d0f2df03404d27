#pragma once
// Errors are values: a result is what was asked for, or a failure that says whose and which operation.

#include <string>
#include <utility>
#include <variant>

#include "messages/errc.hpp"

namespace penstock::messages {

/// What went wrong. `context` names the operation and the thing (a file of ours, a PACS id, a field), and never holds a
/// patient identifier or a secret: identifiers are of types that do not convert to text (ids.hpp).
struct failure {
  errc code = errc::internal;
  std::string context;

  /// "corrupt: open pack 000017: commit block of record 3: checksum"
  [[nodiscard]] std::string text() const { return to_string(code) + ": " + context; }
};

[[nodiscard]] inline failure fail(errc code, std::string context) { return {code, std::move(context)}; }

/// Holds a T or a failure. Reading the value of a failed result is a programming error and throws bad_variant_access.
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : held_(std::in_place_index<0>, std::move(value)) {}          // NOLINT(google-explicit-constructor)
  result(failure problem) : held_(std::in_place_index<1>, std::move(problem)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return held_.index() == 0; }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] T& value() & { return std::get<0>(held_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(held_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(held_)); }
  [[nodiscard]] const failure& error() const { return std::get<1>(held_); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, failure> held_;
};

/// For operations that yield nothing but their success.
template <>
class [[nodiscard]] result<void> {
 public:
  result() = default;
  result(failure problem) : held_(std::move(problem)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return held_.index() == 0; }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const failure& error() const { return std::get<1>(held_); }

 private:
  std::variant<std::monostate, failure> held_;
};

}  // namespace penstock::messages
