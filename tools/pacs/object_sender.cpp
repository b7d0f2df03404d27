#include "tools/pacs/object_sender.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "tools/pacs/transfer_syntaxes.hpp"

namespace penstock::pacs {
namespace {

constexpr std::chrono::milliseconds answer_patience{60'000};

stored outcome_of(std::uint32_t status) {
  constexpr std::uint32_t warning_class = 0xb;
  if (status == 0) return stored::completed;
  return status >> 12 == warning_class ? stored::warning : stored::failed;
}

}  // namespace

const accepted_context* object_sender::context_for(const instance& what) const {
  const auto fits = [&](const accepted_context& context) {
    if (context.abstract_syntax != what.sop_class_uid) return false;
    return what.file.empty() ? is_little_endian(context.transfer_syntax)
                             : context.transfer_syntax == what.transfer_syntax;
  };
  const auto found = std::ranges::find_if(association_.contexts(), fits);
  return found == association_.contexts().end() ? nullptr : &*found;
}

bytes object_sender::alter(bytes data, std::string_view transfer_syntax) const {
  const auto as = encoding_of(transfer_syntax);
  if (is_readable(transfer_syntax) && (then_.set || then_.absent)) {
    auto changed =
        altered(data, as, then_.set.value_or(dataset{}), then_.absent.value_or(std::vector<std::uint32_t>{}));
    if (changed) data = std::move(*changed);
  }
  if (then_.truncate.value_or(false)) data.resize(data.size() / 2 & ~std::size_t{1});
  return data;
}

std::optional<object_sender::prepared> object_sender::prepare(const object& what, std::uint32_t number) {
  const auto* context = context_for(*what.what);
  if (!context) return std::nullopt;
  auto data = dataset_of(what, encoding_of(context->transfer_syntax));
  if (!data) return std::nullopt;
  prepared made{context->id, {}, std::move(*data)};
  if (number < then_.alter_first.value_or(~0U)) made.data = alter(std::move(made.data), context->transfer_syntax);
  put(made.command, attributes::affected_sop_class_uid, what.what->sop_class_uid);
  put_number(made.command, attributes::command_field, static_cast<std::uint32_t>(command_field::c_store_rq));
  put_number(made.command, attributes::message_id, ++last_message_id_);
  put_number(made.command, attributes::priority, 0);
  put(made.command, attributes::affected_sop_instance_uid, what.what->sop_instance_uid);
  if (!originator_) return made;
  put(made.command, attributes::move_originator_ae_title, originator_->ae_title);
  put_number(made.command, attributes::move_originator_message_id, originator_->message_id);
  return made;
}

stored object_sender::send_once(const prepared& what) {
  alive_ = association_.send(what.context_id, what.command, what.data).ok();
  while (alive_) {
    const auto came = association_.receive(answer_patience);
    alive_ = came && *came;
    if (!alive_) break;
    if ((*came)->field() == command_field::c_store_rsp)
      return outcome_of(number((*came)->command, attributes::status).value_or(0xffff));
    if (on_other) on_other(**came);
  }
  return stored::failed;
}

stored object_sender::send(const object& what, std::uint32_t number) {
  const auto made = alive_ ? prepare(what, number) : std::nullopt;
  if (!made) return stored::failed;
  auto outcome = send_once(*made);
  for (std::uint32_t copy = 1; copy < then_.copies.value_or(1) && alive_; ++copy) outcome = send_once(*made);
  return outcome;
}

void object_sender::break_within(const object& what, breaking how) {
  if (const auto made = prepare(what, 0)) (void)association_.send_half(made->context_id, made->command, made->data);
  break_association(association_, how);
  alive_ = false;
}

void break_association(association& what, breaking how) {
  if (how == breaking::abort) what.abort();
  if (how == breaking::hang) what.wait_until_closed();
  what.close();
}

std::vector<proposed_context> contexts_for(const std::vector<object>& objects) {
  constexpr std::size_t most_contexts = 128;
  std::set<std::pair<std::string, std::string>> needed;  // "" stands for both of little endian
  for (const auto& each : objects)
    needed.emplace(each.what->sop_class_uid, each.what->file.empty() ? "" : each.what->transfer_syntax);
  std::vector<proposed_context> made;
  for (const auto& [sop_class, syntax] : needed) {
    if (made.size() == most_contexts) break;
    std::vector<std::string> syntaxes{syntax};
    if (syntax.empty()) syntaxes = {std::string{explicit_little_endian}, std::string{implicit_little_endian}};
    made.push_back({static_cast<std::uint8_t>(2 * made.size() + 1), sop_class, std::move(syntaxes)});
  }
  return made;
}

}  // namespace penstock::pacs
