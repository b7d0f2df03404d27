#pragma once
// How hard a passphrase is to guess: a simple estimate, and a word for it. Pure.

#include <cstddef>
#include <string_view>

#include "messages/result.hpp"

namespace penstock::commands {

constexpr std::size_t least_passphrase_characters = 8;
/// From so many bits on. 2^40 guesses at half a second each (Argon2id) are 17,000 years of one processor core.
constexpr double fair_passphrase_bits = 40;
constexpr double strong_passphrase_bits = 60;

/// Guesses that somebody needs who tries words, dates, runs of the keyboard and repetitions first, as a power of two.
[[nodiscard]] double passphrase_bits(std::string_view passphrase);

/// "weak", "fair" or "strong".
[[nodiscard]] std::string_view word_for_strength(double bits);

/// errc::bad_request for what is too short, or among the first that anybody tries.
[[nodiscard]] messages::result<void> check_passphrase(std::string_view passphrase);

}  // namespace penstock::commands
