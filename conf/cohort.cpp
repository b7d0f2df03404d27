#include "conf/cohort.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <tuple>

#include "conf/text_file.hpp"

namespace penstock::conf {
namespace {

using messages::medical_record_number;
using messages::protected_text;

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr std::string_view rows_header = "# rows: ";
constexpr std::string_view two_columns = "issuer,mrn";
constexpr std::string_view three_columns = "issuer,mrn,subject";

/// Walks over the lines of a text whose last line ends in a newline.
class line_reader {
 public:
  explicit line_reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }
  std::string_view next() {
    const auto end = rest_.find('\n');
    auto line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(rest_.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return line;
  }
  [[nodiscard]] std::string_view peek() const { return line_reader{*this}.next(); }
  [[nodiscard]] std::uint32_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::uint32_t number_ = 0;
};

class cohort_parser {
 public:
  cohort_parser(std::string_view text, const std::string& name, std::vector<fault>& faults)
      : lines_(text), name_(name), faults_(faults) {}

  std::vector<cohort_patient> parse() {
    const auto announced = read_header();
    read_column_names();
    std::vector<cohort_patient> rows;
    std::size_t count = 0;
    while (!lines_.done() && faults_.size() < max_faults) {
      auto row = read_row(lines_.next());
      if (row) rows.push_back(std::move(*row));
      if (++count > max_cohort_rows) {
        add(1, "more than " + std::to_string(max_cohort_rows) + " rows");
        break;
      }
    }
    if (announced && faults_.empty() && *announced != count)
      add(1, "the header announces " + std::to_string(*announced) + " rows, the file has " + std::to_string(count));
    return rows;
  }

 private:
  void add(std::uint32_t column, std::string message) {
    faults_.push_back({name_, std::max(lines_.number(), 1U), column, std::move(message)});
  }

  std::optional<std::size_t> read_header() {
    const auto line = lines_.next();
    const auto digits = line.substr(std::min(rows_header.size(), line.size()));
    std::size_t rows = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), rows);
    if (line.starts_with(rows_header) && problem == std::errc{} && end == digits.data() + digits.size()) return rows;
    add(1, "expected \"# rows: N\" as the first line");
    return std::nullopt;
  }

  void read_column_names() {
    if (lines_.done()) return;
    const auto names = lines_.peek();
    if (names == two_columns || names == three_columns) {
      columns_ = names == two_columns ? 2 : 3;
      lines_.next();
    } else {
      columns_ =
          std::clamp<std::size_t>(1 + static_cast<std::size_t>(std::count(names.begin(), names.end(), ',')), 2, 3);
    }
  }

  std::optional<cohort_patient> read_row(std::string_view line) {
    std::array<std::string_view, 3> values;
    std::uint32_t column = 1;
    for (std::size_t i = 0; i < columns_; ++i) {
      const auto end = i + 1 < columns_ ? line.find(',') : line.size();
      if (end == std::string_view::npos || (i + 1 == columns_ && line.find(',') != std::string_view::npos)) {
        add(column, "expected " + std::to_string(columns_) + " columns separated by commas");
        return std::nullopt;
      }
      values[i] = line.substr(0, end);
      if (!check_value(i, values[i], column)) return std::nullopt;
      column += static_cast<std::uint32_t>(end + 1);
      line.remove_prefix(std::min(line.size(), end + 1));
    }
    return cohort_patient{{protected_text{std::string{values[1]}}, protected_text{std::string{values[0]}}},
                          protected_text{std::string{values[2]}}};
  }

  bool check_value(std::size_t index, std::string_view value, std::uint32_t column) {
    static constexpr std::array<std::string_view, 3> names{"issuer", "mrn", "subject"};
    const bool may_be_empty = index != 1;
    if ((value.empty() && may_be_empty) || (messages::is_exact_key(value) && value.find('"') == value.npos))
      return true;
    add(column, std::string{names[index]} +
                    ": expected 1 to 64 bytes without quotes, wildcard, backslash, control character or outer space");
    return false;
  }

  line_reader lines_;
  const std::string& name_;
  std::vector<fault>& faults_;
  std::size_t columns_ = 2;
};

}  // namespace

cohort::cohort(std::vector<cohort_patient> rows, std::string text)
    : patients_(std::move(rows)), text_(std::move(text)) {
  const auto before = patients_.size();
  std::stable_sort(patients_.begin(), patients_.end(), [](const auto& a, const auto& b) { return a.mrn < b.mrn; });
  const auto same = [](const auto& a, const auto& b) { return a.mrn == b.mrn; };
  patients_.erase(std::unique(patients_.begin(), patients_.end(), same), patients_.end());
  patients_.shrink_to_fit();
  duplicates_ = before - patients_.size();
}

const cohort_patient* cohort::find(const medical_record_number& mrn) const {
  const auto found = std::lower_bound(patients_.begin(), patients_.end(), mrn,
                                      [](const auto& patient, const auto& wanted) { return patient.mrn < wanted; });
  return found != patients_.end() && found->mrn == mrn ? &*found : nullptr;
}

loaded<std::shared_ptr<const cohort>> parse_cohort(std::string text, const std::string& name) {
  loaded<std::shared_ptr<const cohort>> result;
  std::string_view view = text;
  if (view.starts_with(byte_order_mark)) view.remove_prefix(byte_order_mark.size());
  if (!view.ends_with('\n')) {
    const auto line = static_cast<std::uint32_t>(1 + std::count(view.begin(), view.end(), '\n'));
    result.faults.push_back({name, line, 1, "the last line does not end in a newline: is the file cut off?"});
    return result;
  }
  auto rows = cohort_parser{view, name, result.faults}.parse();
  if (result.ok()) result.value = std::make_shared<const cohort>(std::move(rows), std::move(text));
  return result;
}

loaded<std::shared_ptr<const cohort>> load_cohort(const std::filesystem::path& file) {
  loaded<std::shared_ptr<const cohort>> result;
  auto text = read_text_file(file, max_cohort_bytes, result.faults);
  return text ? parse_cohort(std::move(*text), file.string()) : result;
}

}  // namespace penstock::conf
