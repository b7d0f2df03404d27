#pragma once
// Takes typed fields out of a JSON object and keeps the first complaint. For gateways' sources only.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "messages/ids.hpp"
#include "messages/result.hpp"

namespace penstock::gateways {

enum class presence : std::uint8_t { required, may_be_empty, optional };  ///< may_be_empty: but not absent

/// `object` must outlive the reader. A field that is null counts as absent. After the first complaint nothing is read.
class argument_reader {
 public:
  explicit argument_reader(const nlohmann::json& object) : object_(object) {}

  [[nodiscard]] bool has(const char* name) const;
  [[nodiscard]] std::string text(const char* name, presence need, std::size_t most_bytes);
  /// A name as of a PACS, an institution.
  [[nodiscard]] std::string name(const char* field, presence need);
  [[nodiscard]] messages::dicom_uid uid(const char* name, presence need);
  /// A text of at most 1 KiB, or a number as its digits: where a page begins, as an earlier answer gave it.
  [[nodiscard]] std::string cursor(const char* name);
  /// False when absent.
  [[nodiscard]] bool flag(const char* name);
  /// A number, or digits in a text.
  [[nodiscard]] std::uint64_t number(const char* name, std::optional<std::uint64_t> otherwise, std::uint64_t least,
                                     std::uint64_t most);
  /// Not empty if required; no text over `most_bytes`.
  [[nodiscard]] std::vector<std::string> texts(const char* name, presence need, std::size_t most,
                                               std::size_t most_bytes);
  [[nodiscard]] std::vector<messages::dicom_uid> uids(const char* name, presence need, std::size_t most);
  [[nodiscard]] std::vector<std::uint64_t> numbers(const char* name, std::size_t most);
  /// Null when absent or of another type (a complaint).
  [[nodiscard]] const nlohmann::json* array(const char* name, presence need, std::size_t most);
  [[nodiscard]] const nlohmann::json* object(const char* name);

  void complain(const std::string& what);
  /// `prefix` names where `inner` was, for example "items[3]".
  void adopt(const argument_reader& inner, const std::string& prefix);
  [[nodiscard]] bool ok() const { return !problem_; }

  /// The value, unless there was a complaint.
  template <class T>
  [[nodiscard]] messages::result<T> finish(T value) const {
    if (problem_) return messages::fail(messages::errc::bad_request, *problem_);
    return value;
  }

 private:
  [[nodiscard]] const nlohmann::json* find(const char* name) const;
  [[nodiscard]] const nlohmann::json* wanted(const char* name, presence need);

  const nlohmann::json& object_;
  std::optional<std::string> problem_;
};

}  // namespace penstock::gateways
