#pragma once
// A control socket and a data socket that send one sealed download, as messages/WIRE.md says.

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "tests/client/control_script.hpp"
#include "tests/client/sealed_download.hpp"

namespace penstock::client::testing {

class download_site {
 public:
  download_site(std::vector<test_instance> instances, const std::string& client_key) : sent_(std::move(instances)) {
    data_ = fake_server::with_tickets([this](const text_frames& message) { return on_data(message); });
    control_ = fake_server::with_curve([this](const text_frames& message) { return on_command(message); });
    control_->allow(client_key);
  }

  [[nodiscard]] const sealed_download& sent() const { return sent_; }
  fake_server& control() { return *control_; }
  fake_server& data() { return *data_; }
  /// The most credit that a connection held.
  [[nodiscard]] std::uint64_t most_credit() const { return most_credit_; }
  /// Every connection is closed after so many messages.
  void close_after(std::size_t messages) { close_after_ = messages; }
  void alter_segment(std::size_t number) { altered_ = number; }
  /// The next `download.open` are refused so.
  void refuse_to_open(int times, const std::string& code) {
    refusal_ = code;
    refusals_ = times;
  }
  /// The data socket says `CLOSED` after so many messages, once.
  void end_session_after(std::size_t messages, const std::string& code) {
    closing_ = code;
    close_after_ = messages;
  }
  /// What the last `download.open` asked for, and what the server says it holds in place of the truth.
  nlohmann::json last_wish;
  std::uint64_t announced_bytes = 0;
  /// Answers to commands other than `hello` and `download.open`; to one that names a `run`, under "COMMAND RUN".
  std::map<std::string, nlohmann::json> answers;

 private:
  std::vector<text_frames> on_command(const text_frames& message) {
    if (message[0] != "CMD") return {};
    const auto command = nlohmann::json::parse(message.at(1));
    auto name = command.at("do").get<std::string>();
    if (command.contains("args") && command.at("args").contains("run"))
      name += " " + command.at("args").at("run").get<std::string>();
    if (name == "hello") return {ok_answer(command, greeting())};
    if (name == "download.open") {
      last_wish = command.at("args");
      if (refusals_ > 0 && refusals_-- > 0) return {error_answer(command, refusal_, "not now")};
      return {ok_answer(command, opened())};
    }
    if (const auto found = answers.find(name); found != answers.end()) return {ok_answer(command, found->second)};
    return {error_answer(command, "not_found", "not there")};
  }

  nlohmann::json opened() {
    const auto ticket = "ticket" + std::to_string(++tickets_);
    data_->allow(ticket + ":secret");
    const auto& facts = sent_.facts();
    return {{"download", facts.download},
            {"data_endpoint", data_->endpoint()},
            {"ticket", ticket},
            {"secret", "secret"},
            {"key", storage::to_base64(facts.key.view())},
            {"segment_bytes", facts.segment_bytes},
            {"objects", facts.objects},
            {"bytes", announced_bytes != 0 ? announced_bytes : facts.bytes}};
  }

  std::vector<text_frames> on_data(const text_frames& message) {
    if (message[0] == "OPEN") {
      prepare(message.size() == 3 ? nlohmann::json::parse(message[2]) : nlohmann::json::object());
      return {};
    }
    credit_ += static_cast<std::uint8_t>(message.at(1).back());
    most_credit_ = std::max<std::uint64_t>(most_credit_, credit_);
    std::vector<text_frames> out;
    for (; credit_ > 0 && next_ < queue_.size(); --credit_) {
      if (next_ == close_after_) {
        if (closing_.empty()) return out.push_back({}), out;
        close_after_ = SIZE_MAX;
        return out.push_back({"CLOSED", nlohmann::json{{"code", closing_}}.dump()}), out;
      }
      out.push_back(queue_[next_++]);
    }
    return out;
  }

  void prepare(const nlohmann::json& from) {
    queue_.clear();
    next_ = 0;
    credit_ = 0;
    const auto object = from.value("object", 0U);
    const auto first = from.value("segment", std::uint64_t{0});
    auto announced = UINT32_MAX;
    for (std::size_t i = 0; i < sent_.segments().size(); ++i) {
      const auto& one = sent_.segments()[i];
      if (one.object < object || (one.object == object && one.segment < first)) continue;
      if (std::exchange(announced, one.object) != one.object)
        queue_.push_back({"OBJ", four_bytes(one.object), eight_bytes(sent_.sealed_bytes()[one.object])});
      std::string bytes{one.bytes.begin(), one.bytes.end()};
      if (i == altered_) bytes.back() = static_cast<char>(bytes.back() ^ 1);
      queue_.push_back({"SEG", four_bytes(one.object), eight_bytes(one.segment), bytes});
    }
    queue_.push_back({"END"});
  }

  sealed_download sent_;
  std::vector<text_frames> queue_;
  std::size_t next_ = 0;
  std::uint64_t credit_ = 0;
  std::atomic<std::uint64_t> most_credit_{0};
  std::size_t close_after_ = SIZE_MAX;
  std::size_t altered_ = SIZE_MAX;
  std::string closing_;
  std::string refusal_;
  int refusals_ = 0;
  int tickets_ = 0;
  std::unique_ptr<fake_server> data_;
  std::unique_ptr<fake_server> control_;
};

}  // namespace penstock::client::testing
