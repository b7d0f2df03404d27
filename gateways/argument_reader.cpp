#include "gateways/argument_reader.hpp"

#include <charconv>
#include <limits>

namespace penstock::gateways {
namespace {

using nlohmann::json;

/// A whole number at or above zero, or its decimal digits as text.
std::optional<std::uint64_t> as_number(const json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (!value.is_string()) return std::nullopt;
  const auto& digits = value.get_ref<const std::string&>();
  std::uint64_t number = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stopped, problem] = std::from_chars(digits.data(), end, number);
  if (digits.empty() || stopped != end || problem != std::errc{}) return std::nullopt;
  return number;
}

}  // namespace

const json* argument_reader::find(const char* name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

const json* argument_reader::wanted(const char* name, presence need) {
  if (problem_) return nullptr;
  const auto* value = find(name);
  if (value == nullptr && need != presence::optional) complain(std::string{name} + ": missing");
  return value;
}

bool argument_reader::has(const char* name) const { return find(name) != nullptr; }

void argument_reader::complain(const std::string& what) {
  if (!problem_) problem_ = what;
}

void argument_reader::adopt(const argument_reader& inner, const std::string& prefix) {
  if (inner.problem_) complain(prefix + "." + *inner.problem_);
}

std::string argument_reader::text(const char* name, presence need, std::size_t most_bytes) {
  const auto* value = wanted(name, need);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    complain(std::string{name} + ": expected a text");
    return {};
  }
  const auto& text = value->get_ref<const std::string&>();
  if (need == presence::required && text.empty()) complain(std::string{name} + ": empty");
  if (text.size() > most_bytes) complain(std::string{name} + ": over " + std::to_string(most_bytes) + " bytes");
  return text;
}

std::string argument_reader::name(const char* field, presence need) {
  auto found = text(field, need, 64);
  if (ok() && !found.empty() && !messages::is_valid_name(found)) complain(std::string{field} + ": not a valid id");
  return found;
}

messages::dicom_uid argument_reader::uid(const char* name, presence need) {
  auto found = text(name, need, 128);
  if (ok() && !found.empty() && !messages::is_valid_uid(found)) complain(std::string{name} + ": not a valid UID");
  return messages::dicom_uid{std::move(found)};
}

std::string argument_reader::cursor(const char* name) {
  const auto* value = wanted(name, presence::optional);
  if (value != nullptr && value->is_number_unsigned()) return std::to_string(value->get<std::uint64_t>());
  return text(name, presence::optional, 1024);
}

bool argument_reader::flag(const char* name) {
  const auto* value = wanted(name, presence::optional);
  if (value == nullptr) return false;
  if (!value->is_boolean()) complain(std::string{name} + ": expected true or false");
  return value->is_boolean() && value->get<bool>();
}

std::uint64_t argument_reader::number(const char* name, std::optional<std::uint64_t> otherwise, std::uint64_t least,
                                      std::uint64_t most) {
  const auto* value = wanted(name, otherwise ? presence::optional : presence::required);
  if (value == nullptr) return otherwise.value_or(0);
  const auto number = as_number(*value);
  if (!number || *number < least || *number > most) {
    const auto upper =
        most == std::numeric_limits<std::uint64_t>::max() ? std::string{} : " to " + std::to_string(most);
    complain(std::string{name} + ": expected a whole number, " + std::to_string(least) +
             (upper.empty() ? " or more" : upper));
    return 0;
  }
  return *number;
}

const json* argument_reader::array(const char* name, presence need, std::size_t most) {
  const auto* value = wanted(name, need);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    complain(std::string{name} + ": expected a list");
    return nullptr;
  }
  if (need == presence::required && value->empty()) complain(std::string{name} + ": empty");
  if (value->size() > most) complain(std::string{name} + ": over " + std::to_string(most) + " items");
  return ok() ? value : nullptr;
}

const json* argument_reader::object(const char* name) {
  const auto* value = wanted(name, presence::optional);
  if (value == nullptr || value->is_object()) return value;
  complain(std::string{name} + ": expected an object");
  return nullptr;
}

std::vector<std::string> argument_reader::texts(const char* name, presence need, std::size_t most,
                                                std::size_t most_bytes) {
  std::vector<std::string> found;
  const auto* list = array(name, need, most);
  if (list == nullptr) return found;
  found.reserve(list->size());
  for (const auto& item : *list) {
    if (!item.is_string() || item.get_ref<const std::string&>().size() > most_bytes) {
      complain(std::string{name} + "[" + std::to_string(found.size()) + "]: expected a text of at most " +
               std::to_string(most_bytes) + " bytes");
      return {};
    }
    found.push_back(item.get<std::string>());
  }
  return found;
}

std::vector<messages::dicom_uid> argument_reader::uids(const char* name, presence need, std::size_t most) {
  std::vector<messages::dicom_uid> found;
  for (auto& text : texts(name, need, most, 128)) {
    if (!messages::is_valid_uid(text)) {
      complain(std::string{name} + "[" + std::to_string(found.size()) + "]: not a valid UID");
      return {};
    }
    found.emplace_back(std::move(text));
  }
  return found;
}

std::vector<std::uint64_t> argument_reader::numbers(const char* name, std::size_t most) {
  std::vector<std::uint64_t> found;
  const auto* list = array(name, presence::required, most);
  if (list == nullptr) return found;
  for (const auto& item : *list) {
    const auto number = as_number(item);
    if (!number) {
      complain(std::string{name} + "[" + std::to_string(found.size()) + "]: not an id");
      return {};
    }
    found.push_back(*number);
  }
  return found;
}

}  // namespace penstock::gateways
