#include "tools/console/theme.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace penstock::console {
namespace {

constexpr std::array<std::string_view, 5> theme_names{"dark", "light", "contrast", "terminal", "mono"};

/// 0xRRGGBB, a number of the 16 colours, or what the terminal has by itself.
struct colour {
  enum class kind : std::uint8_t { own, named, rgb } is = kind::own;
  std::uint32_t value = 0;
};

struct look {
  colour text;
  colour ground;
  bool bold = false;
  bool underlined = false;
  bool reversed = false;
};

using looks = std::array<look, static_cast<std::size_t>(role::count)>;

constexpr colour own{};
constexpr colour rgb(std::uint32_t value) { return {colour::kind::rgb, value}; }
constexpr colour named(std::uint32_t value) { return {colour::kind::named, value}; }

// In the order of `role`. Grounds leave the text's own colour unless they bring one.
constexpr looks dark{{{rgb(0xd8dee9), rgb(0x14181f)},
                      {rgb(0x8a94a6), {}},
                      {rgb(0x7cc4ff), {}},
                      {rgb(0x8fd694), {}},
                      {rgb(0x7fd4e8), {}},
                      {rgb(0xf0c674), {}},
                      {rgb(0xff8a80), {}},
                      {rgb(0xffffff), rgb(0x2b3444), true},
                      {own, rgb(0x2f5d8a)},
                      {own, rgb(0x3a3f26)},
                      {own, rgb(0x1d2430)},
                      {rgb(0x5b9bd5), {}},
                      {rgb(0xf0c674), {}},
                      {rgb(0x8a94a6), {}}}};
constexpr looks light{{{rgb(0x1b1f24), rgb(0xfafafa)},
                       {rgb(0x5c6470), {}},
                       {rgb(0x0b5cad), {}},
                       {rgb(0x1a6b2a), {}},
                       {rgb(0x00697d), {}},
                       {rgb(0x8a5a00), {}},
                       {rgb(0xb3261e), {}},
                       {rgb(0x000000), rgb(0xd9e2ee), true},
                       {own, rgb(0xb7d6f5)},
                       {own, rgb(0xf6e8b8)},
                       {own, rgb(0xeceff3)},
                       {rgb(0x2f75b5), {}},
                       {rgb(0xb07200), {}},
                       {rgb(0x7a8594), {}}}};
constexpr looks contrast{{{rgb(0xffffff), rgb(0x000000)},
                          {rgb(0xffffff), {}},
                          {rgb(0x00ffff), {}, true},
                          {rgb(0x00ff00), {}, true},
                          {rgb(0x00ffff), {}, true},
                          {rgb(0xffff00), {}, true},
                          {rgb(0xff9090), {}, true},
                          {rgb(0x000000), rgb(0xffffff), true},
                          {rgb(0x000000), rgb(0xffff00), true},
                          {own, rgb(0x00007f), true},
                          {own, rgb(0x000000)},
                          {rgb(0xffffff), {}},
                          {rgb(0xffff00), {}},
                          {rgb(0x00ffff), {}}}};
constexpr looks terminal{{{own, own},
                          {named(8), {}},
                          {named(6), {}},
                          {named(2), {}},
                          {named(6), {}},
                          {named(3), {}},
                          {named(1), {}},
                          {own, own, true, true},
                          {own, own, false, false, true},
                          {own, own, true},
                          {own, own},
                          {named(4), {}},
                          {named(3), {}},
                          {named(8), {}}}};
constexpr looks mono{{{own, own},
                      {own, own},
                      {own, own},
                      {own, own},
                      {own, own},
                      {own, own, true},
                      {own, own, true},
                      {own, own, true, true},
                      {own, own, false, false, true},
                      {own, own, true},
                      {own, own},
                      {own, own},
                      {own, own, true},
                      {own, own}}};

const looks& looks_of(theme which) {
  switch (which) {
    case theme::light:
      return light;
    case theme::contrast:
      return contrast;
    case theme::terminal:
      return terminal;
    case theme::mono:
      return mono;
    default:
      return dark;
  }
}

std::uint32_t part(std::uint32_t value, int index) { return value >> (16 - 8 * index) & 0xff; }

std::uint32_t distance(std::uint32_t a, std::uint32_t b) {
  std::uint32_t sum = 0;
  for (int i = 0; i < 3; ++i) {
    const auto apart = static_cast<int>(part(a, i)) - static_cast<int>(part(b, i));
    sum += static_cast<std::uint32_t>(apart * apart);
  }
  return sum;
}

std::string parameters(const colour& one, bool ground, colour_depth depth) {
  if (one.is == colour::kind::own || depth == colour_depth::mono) return {};
  const auto first = std::string{ground ? ";4" : ";3"};
  const auto of_sixteen = [&](int number) {
    if (number < 8) return first + std::to_string(number);
    return (ground ? ";10" : ";9") + std::to_string(number - 8);
  };
  if (one.is == colour::kind::named) return of_sixteen(static_cast<int>(one.value));
  if (depth == colour_depth::sixteen) return of_sixteen(named_colour(one.value));
  if (depth == colour_depth::indexed) return first + "8;5;" + std::to_string(indexed_colour(one.value));
  auto text = first + "8;2";
  for (int i = 0; i < 3; ++i) text += ";" + std::to_string(part(one.value, i));
  return text;
}

}  // namespace

bool parse(std::string_view name, theme& into) {
  const auto found = std::find(theme_names.begin(), theme_names.end(), name);
  if (found == theme_names.end()) return false;
  into = static_cast<theme>(found - theme_names.begin());
  return true;
}

std::string_view name_of(theme which) { return theme_names.at(static_cast<std::size_t>(which)); }

theme next_theme(theme which) { return static_cast<theme>((static_cast<std::size_t>(which) + 1) % theme_names.size()); }

colour_depth depth_told_by(std::string_view no_color, std::string_view term, std::string_view colorterm) {
  if (!no_color.empty() || term == "vt100" || term == "vt220") return colour_depth::mono;
  if (colorterm == "truecolor" || colorterm == "24bit") return colour_depth::direct;
  if (term.find("256color") != std::string_view::npos || term.find("kitty") != std::string_view::npos)
    return colour_depth::indexed;
  return colour_depth::sixteen;
}

std::string sequence_of(const ink& ink_used, theme which, colour_depth depth) {
  const auto& table = depth == colour_depth::mono ? mono : looks_of(which);
  const auto of = [&](role one) { return table.at(static_cast<std::size_t>(one)); };
  const auto ground = of(ink_used.ground);
  const auto text = of(ink_used.text);
  const auto base = of(role::plain);
  const bool ground_brings_text = ink_used.ground != role::plain && ground.text.is != colour::kind::own;
  auto front = ground_brings_text ? ground.text : text.text;
  auto back = ground.ground.is != colour::kind::own ? ground.ground : base.ground;
  if (ink_used.text_rgb) front = rgb(*ink_used.text_rgb);
  if (ink_used.ground_rgb) back = rgb(*ink_used.ground_rgb);
  std::string sequence = "\x1b[0";
  if (ink_used.bold || text.bold || ground.bold) sequence += ";1";
  if (text.underlined || ground.underlined) sequence += ";4";
  if (text.reversed || ground.reversed) sequence += ";7";
  return sequence + parameters(front, false, depth) + parameters(back, true, depth) + "m";
}

int indexed_colour(std::uint32_t rgb_value) {
  constexpr std::array<std::uint32_t, 6> steps{0, 95, 135, 175, 215, 255};
  int cube = 16;
  std::uint32_t in_cube = 0;
  for (int i = 0; i < 3; ++i) {
    const auto value = part(rgb_value, i);
    std::size_t nearest = 0;
    for (std::size_t step = 1; step < steps.size(); ++step)
      if (std::abs(static_cast<int>(steps[step]) - static_cast<int>(value)) <
          std::abs(static_cast<int>(steps[nearest]) - static_cast<int>(value)))
        nearest = step;
    constexpr std::array<int, 3> weights{36, 6, 1};
    cube += weights[static_cast<std::size_t>(i)] * static_cast<int>(nearest);
    in_cube = in_cube << 8 | steps[nearest];
  }
  const auto grey = (part(rgb_value, 0) + part(rgb_value, 1) + part(rgb_value, 2)) / 3;
  const int ramp = std::clamp((static_cast<int>(grey) - 3) / 10, 0, 23);
  const auto level = static_cast<std::uint32_t>(8 + 10 * ramp);
  const auto on_ramp = level << 16 | level << 8 | level;
  return distance(on_ramp, rgb_value) < distance(in_cube, rgb_value) ? 232 + ramp : cube;
}

int named_colour(std::uint32_t rgb_value) {
  constexpr std::array<std::uint32_t, 16> sixteen{0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
                                                  0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00,
                                                  0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};
  const auto nearest = std::min_element(
      sixteen.begin(), sixteen.end(), [&](auto a, auto b) { return distance(a, rgb_value) < distance(b, rgb_value); });
  return static_cast<int>(nearest - sixteen.begin());
}

}  // namespace penstock::console
