#pragma once
// Names of things. What may identify a patient is a type without stream operator, formatter or conversion to text, so
// that writing one to a log, a path, a metric or an error does not compile; `reveal()` is the one, searchable way out.

#include <compare>
#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace caf::detail {
class stringification_inspector;
}

namespace penstock::messages {

/// Text that may identify a patient: MRN, issuer-qualified or not, name, accession number, birth date.
class protected_text {
 public:
  protected_text() = default;
  explicit protected_text(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] const std::string& reveal() const { return text_; }
  [[nodiscard]] std::string& reveal_for_writing() { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

  auto operator<=>(const protected_text&) const = default;

 private:
  std::string text_;
};

/// A Study, Series or SOP Instance UID as a peer or a user gave it; `is_valid_uid` says whether it is well formed.
class dicom_uid {
 public:
  dicom_uid() = default;
  explicit dicom_uid(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] const std::string& reveal() const { return text_; }
  [[nodiscard]] std::string& reveal_for_writing() { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

  auto operator<=>(const dicom_uid&) const = default;

 private:
  std::string text_;
};

/// CAF writes and reads the text; its own rendering of messages (in error texts) gets a placeholder.
template <class Inspector, class T>
  requires std::same_as<T, protected_text> || std::same_as<T, dicom_uid>
typename Inspector::result_type inspect(Inspector& f, T& x) {
  if constexpr (std::is_same_v<Inspector, caf::detail::stringification_inspector>) {
    std::string hidden = "(protected)";
    return f(hidden);
  } else {
    return f(x.reveal_for_writing());
  }
}

/// Patient ID with its issuer, which together are the medical record number. Compared exactly, never padded.
struct medical_record_number {
  protected_text patient_id;
  protected_text issuer;

  auto operator<=>(const medical_record_number&) const = default;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, medical_record_number& x) {
  return f(x.patient_id, x.issuer);
}

/// PS3.5 section 9.1: 1 to 64 characters of digits and dots, no empty component, no leading zero in a component.
[[nodiscard]] bool is_valid_uid(std::string_view text);

/// Ids that people give to projects, PACS, institutions and users in the rules file: 1 to 64 of [a-z0-9-_.], starting
/// with a letter or digit. They are safe in paths, logs, topics and metrics.
[[nodiscard]] bool is_valid_name(std::string_view text);

/// True when `text` may be sent as a DICOM query key with single value matching: 1 to 64 bytes, no wildcard (`*`, `?`),
/// no backslash, no control character, no leading or trailing space (PS3.4 section C.2.2.2, PS3.5 section 6.2).
[[nodiscard]] bool is_exact_key(std::string_view text);

/// `text` without the padding that DICOM allows at its end (space, NUL).
[[nodiscard]] std::string_view without_padding(std::string_view text);

}  // namespace penstock::messages

template <>
struct std::hash<penstock::messages::dicom_uid> {
  std::size_t operator()(const penstock::messages::dicom_uid& uid) const noexcept {
    return std::hash<std::string>{}(uid.reveal());
  }
};
