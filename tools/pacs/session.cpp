#include "tools/pacs/session.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "tools/pacs/exchange.hpp"
#include "tools/pacs/object_sender.hpp"
#include "tools/pacs/transfer_syntaxes.hpp"

namespace penstock::pacs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds handshake_patience{30'000};
constexpr milliseconds idle_patience{3'600'000};

constexpr std::array services{"1.2.840.10008.1.1",            // Verification
                              "1.2.840.10008.5.1.4.1.2.1.1",  // Patient Root: FIND, MOVE, GET
                              "1.2.840.10008.5.1.4.1.2.1.2", "1.2.840.10008.5.1.4.1.2.1.3",
                              "1.2.840.10008.5.1.4.1.2.2.1",  // Study Root: FIND, MOVE, GET
                              "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.5.1.4.1.2.2.3"};

std::optional<request_kind> kind_of(command_field field) {
  switch (field) {
    case command_field::c_echo_rq:
      return request_kind::echo;
    case command_field::c_find_rq:
      return request_kind::find;
    case command_field::c_move_rq:
      return request_kind::move;
    case command_field::c_get_rq:
      return request_kind::get;
    default:
      return std::nullopt;
  }
}

/// For a service the first that we can read; for objects of a C-GET the first in which we hold some.
std::string chosen_syntax(const world& in, const proposed_context& context, bool is_service) {
  for (const auto& syntax : context.transfer_syntaxes)
    if (is_service ? is_little_endian(syntax) : in.holds.has(context.abstract_syntax, syntax)) return syntax;
  const auto& all = context.transfer_syntaxes;
  const bool has_usual = std::ranges::find(all, explicit_little_endian) != all.end();
  return is_service || !has_usual ? "" : std::string{explicit_little_endian};
}

/// What was proposed, answered; `accepted` gets what may be used.
associate_accept answer_to(const world& in, const associate_request& request, std::vector<accepted_context>& accepted) {
  associate_accept answer{request.called_ae, request.calling_ae, association::most_pdu_bytes, {}, {}};
  for (const auto& role : request.roles)
    if (role.as_scp) answer.roles.push_back({role.sop_class, false, true});
  for (const auto& context : request.contexts) {
    const bool is_service = std::ranges::find(services, context.abstract_syntax) != services.end();
    const bool is_for_get =
        std::ranges::find(answer.roles, context.abstract_syntax, &role_selection::sop_class) != answer.roles.end();
    const auto syntax = is_service || is_for_get ? chosen_syntax(in, context, is_service) : "";
    if (!syntax.empty()) accepted.push_back({context.id, context.abstract_syntax, syntax});
    const auto refused = is_service || is_for_get ? context_result::transfer_syntaxes_not_supported
                                                  : context_result::abstract_syntax_not_supported;
    answer.contexts.push_back({context.id, syntax.empty() ? refused : context_result::acceptance,
                               syntax.empty() ? std::string{implicit_little_endian} : syntax});
  }
  return answer;
}

class session {
 public:
  session(server& by, connection accepted)
      : server_(by), counted_(by.count_association()), connection_(std::move(accepted)) {
    caller_.association = by.next_association_number();
    caller_.peer = connection_.peer();
  }

  void run() {
    auto opened = negotiate();
    if (!opened) return;
    const auto* how = serve(*opened);
    server_.log.write({{"event", "association over"},
                       {"association", caller_.association},
                       {"boottime_ns", boottime_ns()},
                       {"ended", how}});
  }

 private:
  std::optional<association> negotiate() {
    const auto pdu = connection_.read_pdu(handshake_patience);
    if (!pdu || pdu->type != pdu_type::associate_request) return std::nullopt;
    const auto read_at_ns = boottime_ns();
    const auto request = decode_associate_request(pdu->body);
    if (!request) return std::nullopt;
    caller_.calling_ae = request->calling_ae;
    caller_.called_ae = request->called_ae;
    request_facts facts;
    facts.kind = request_kind::associate;
    facts.calling_ae = request->calling_ae;
    logged_request logged{server_, caller_, read_at_ns, facts, {{"called_ae", request->called_ae}}};
    if (logged.then.delay) std::this_thread::sleep_for(*logged.then.delay);
    if (const auto reason = refusal(logged, *request)) {
      (void)connection_.send(encode(*reason));
      logged.end("rejected");
      return std::nullopt;
    }
    return accept(logged, *request);
  }

  [[nodiscard]] std::optional<associate_reject> refusal(const logged_request& logged,
                                                        const associate_request& request) const {
    const auto& said = logged.in->said;
    if (logged.then.reject) return logged.then.reject;
    if (said.most_associations > 0 && counted_.count() > said.most_associations) return local_limit_exceeded;
    if (!said.ae_title.empty() && said.ae_title != request.called_ae) return unknown_called_ae;
    return std::nullopt;
  }

  std::optional<association> accept(logged_request& logged, const associate_request& request) {
    std::vector<accepted_context> accepted;
    const auto answer = answer_to(*logged.in, request, accepted);
    const auto how = logged.then.break_with;
    const bool answered = how && *how != breaking::hang ? false : connection_.send(encode(answer)).ok();
    association opened{std::move(connection_), std::move(accepted), request.most_pdu_bytes};
    opened.pace(logged.then.bytes_per_second.value_or(0));
    logged.end(how ? word_for(*how) : answered ? "accepted" : "peer gone");
    if (how) break_association(opened, *how);
    if (how || !answered) return std::nullopt;
    return opened;
  }

  const char* serve(association& over) {
    for (;;) {
      auto came = over.receive(idle_patience);
      if (!came) return "peer gone";
      if (!*came) return "released";
      const auto kind = kind_of((*came)->field());
      if ((*came)->field() == command_field::c_cancel_rq) {
        note_late_cancel(**came);
        continue;
      }
      if (!kind || !over.context((*came)->context_id)) {
        over.abort();
        return "aborted: not a request that was negotiated";
      }
      exchange one{server_, caller_, over, std::move(**came), *kind};
      if (one.begin()) answer(one);
      if (!one.alive()) return "broken";
    }
  }

  void answer(exchange& one) {
    if (one.kind() == request_kind::echo) return one.finish(dimse_status::success);
    if (one.kind() == request_kind::find) return serve_find(one);
    serve_retrieval(server_, one);
  }

  /// It crossed the final response.
  void note_late_cancel(const message& came) {
    request_facts facts;
    facts.kind = request_kind::cancel;
    facts.calling_ae = caller_.calling_ae;
    logged_request{server_, caller_, came.read_at_ns, facts, {{"message_id", came.responds_to()}}}.end("too late");
  }

  server& server_;
  counted counted_;
  connection connection_;
  caller caller_;
};

}  // namespace

void serve(server& by, connection accepted) try {
  session{by, std::move(accepted)}.run();
} catch (const std::exception& problem) {
  std::fprintf(stderr, "penstock-pacs: a fault of the program ends an association: %s\n", problem.what());
}

}  // namespace penstock::pacs
