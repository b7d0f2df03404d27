#pragma once
// Answers of a small control socket, for scripts of fake_server.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/client/fake_server.hpp"

namespace penstock::client::testing {

inline nlohmann::json greeting() {
  return {{"server", "Test Hospital"},
          {"version", "0"},
          {"protocol", 1},
          {"user", "amy"},
          {"roles", {"researcher"}},
          {"projects",
           {{{"id", "alz-brain"},
             {"title", "Brain"},
             {"irb", "1"},
             {"expires", "2027-03-31"},
             {"pacs", {"gh-rad"}},
             {"quota", 1000},
             {"used", 450}}}}};
}

inline text_frames ok_answer(const nlohmann::json& command, nlohmann::json ok) {
  return {"ANS", nlohmann::json{{"id", command.at("id")}, {"ok", std::move(ok)}}.dump()};
}

inline text_frames error_answer(const nlohmann::json& command, const std::string& code, const std::string& message) {
  return {"ANS", nlohmann::json{{"id", command.at("id")}, {"error", {{"code", code}, {"message", message}}}}.dump()};
}

inline std::string eight_bytes(std::uint64_t value) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[7 - i] = static_cast<char>(static_cast<std::uint8_t>(value >> 8 * i));
  return bytes;
}

inline std::string four_bytes(std::uint32_t value) { return eight_bytes(value).substr(4); }

inline text_frames event(const std::string& topic, std::uint64_t sequence,
                         const nlohmann::json& body = nlohmann::json::object()) {
  return {"EV", topic, eight_bytes(sequence), body.dump()};
}

}  // namespace penstock::client::testing
