#include "tools/penstock/passphrase_strength.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string>

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;

/// What a word costs to guess: one of 16,000, and something for each letter beyond a short one's.
constexpr double bits_of_word = 14;
constexpr double bits_of_further_letter = 1.5;
constexpr std::size_t letters_of_short_word = 4;
constexpr double bits_of_letter = 4.7;
constexpr double bits_of_capital = 1;
constexpr double bits_of_digit = 3.3;
constexpr double bits_of_year = 7;
constexpr double bits_of_mark = 5;
constexpr double bits_of_space = 1;
/// The next of a run, or the same again.
constexpr double bits_of_expected = 0.5;
constexpr double bits_of_trivial = 19;

constexpr std::array<std::string_view, 6> rows_of_keys = {"qwertyuiop", "qwertzuiop", "asdfghjkl",
                                                          "zxcvbnm",    "yxcvbnm",    "1234567890"};
constexpr std::array<std::string_view, 14> first_guesses = {
    "password", "passwort", "passphrase", "penstock", "hospital", "radiology", "letmein",
    "welcome",  "iloveyou", "sunshine",   "princess", "football", "dragon",    "admin"};

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

std::size_t characters(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues_character));
}

std::string lower(std::string_view text) {
  std::string shown{text};
  std::transform(shown.begin(), shown.end(), shown.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return shown;
}

bool neighbours_on_keyboard(char a, char b) {
  return std::any_of(rows_of_keys.begin(), rows_of_keys.end(), [&](std::string_view row) {
    const auto at = row.find(a);
    const auto next = row.find(b);
    return at != std::string_view::npos && next != std::string_view::npos && (next == at + 1 || at == next + 1);
  });
}

/// Whether the character at `i` is what the ones before it lead to expect.
bool is_expected(std::string_view text, std::size_t i) {
  for (std::size_t period = 1; period <= 4 && 2 * period <= i + 1; ++period)
    if (text.substr(i + 1 - period, period) == text.substr(i + 1 - 2 * period, period)) return true;
  if (i < 2) return false;
  const int step = text[i] - text[i - 1];
  if (step == text[i - 1] - text[i - 2] && (step == 1 || step == -1)) return true;
  return neighbours_on_keyboard(text[i - 1], text[i]) && neighbours_on_keyboard(text[i - 2], text[i - 1]);
}

std::string without_what_is_expected(std::string_view text, double& bits) {
  std::string kept;
  const auto small = lower(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_expected(small, i))
      bits += bits_of_expected;
    else
      kept += text[i];
  }
  return kept;
}

double bits_of_letters(std::string_view run) {
  const auto count = static_cast<double>(run.size());
  const auto further = run.size() > letters_of_short_word ? count - letters_of_short_word : 0;
  const auto from = run.size() < letters_of_short_word ? run.begin() : run.begin() + 1;
  const bool capital_inside = std::any_of(from, run.end(), [](unsigned char c) { return std::isupper(c) != 0; });
  return std::min(count * bits_of_letter, bits_of_word + further * bits_of_further_letter) +
         (capital_inside ? bits_of_capital * count : 0);
}

double bits_of_digits(std::string_view run) {
  const bool year = run.size() == 4 && (run.starts_with("19") || run.starts_with("20"));
  return year ? bits_of_year : static_cast<double>(run.size()) * bits_of_digit;
}

}  // namespace

double passphrase_bits(std::string_view passphrase) {
  double bits = 0;
  const auto kept = without_what_is_expected(passphrase, bits);
  for (std::string_view rest = kept; !rest.empty();) {
    const auto kind = is_letter(rest.front()) ? is_letter : is_digit;
    std::size_t length = 0;
    while (length < rest.size() && kind(rest[length])) ++length;
    if (length == 0) {
      bits += rest.front() == ' ' ? bits_of_space : continues_character(rest.front()) ? 0 : bits_of_mark;
      length = 1;
    } else {
      bits +=
          is_letter(rest.front()) ? bits_of_letters(rest.substr(0, length)) : bits_of_digits(rest.substr(0, length));
    }
    rest.remove_prefix(length);
  }
  return bits;
}

std::string_view word_for_strength(double bits) {
  if (bits >= strong_passphrase_bits) return "strong";
  return bits >= fair_passphrase_bits ? "fair" : "weak";
}

messages::result<void> check_passphrase(std::string_view passphrase) {
  if (characters(passphrase) < least_passphrase_characters)
    return fail(errc::bad_request, "the passphrase is too short: take at least 8 characters, better a whole sentence");
  auto core = lower(passphrase);
  while (!core.empty() && !is_letter(core.back())) core.pop_back();
  const bool known = std::find(first_guesses.begin(), first_guesses.end(), core) != first_guesses.end();
  if (known || passphrase_bits(passphrase) < bits_of_trivial)
    return fail(errc::bad_request, "the passphrase is among the first that anybody tries: take a whole sentence");
  return {};
}

}  // namespace penstock::commands
