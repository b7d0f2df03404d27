#pragma once
// Inbound DICOM: accepts connections, hands each to a `penstock-dimse` child, and decides what may be stored where. A
// poll loop with a thread of its own that is a `dicom_listener_actor`. The bytes of a peer are read only by its child.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "conf/rules.hpp"
#include "conf/tls_files.hpp"
#include "messages/interfaces.hpp"
#include "messages/result.hpp"

namespace caf {
class actor_system;
}

namespace penstock::gateways {

struct dicom_listener_options {
  std::filesystem::path program;  ///< penstock-dimse
  std::string ae_title = "PENSTOCK";
  std::string bind_address = "127.0.0.1";  ///< IPv4
  std::uint16_t port = 0;                  ///< 0: any free one
  std::size_t most_associations = 64;      ///< connections that wait to speak included; more are closed at once
  std::size_t most_associations_per_peer = 4;
  std::uint64_t child_memory_bytes = std::uint64_t{1} << 30;
  /// On the same port, for who begins a TLS handshake and has a certificate of this `ca`; none: they are turned away.
  std::optional<conf::tls_files> tls{};
  conf::rules_ptr rules{};  ///< at start; they say which PACS must not send in the clear
  /// A connection costs a process only when it has begun an A-ASSOCIATE-RQ (PS3.8 section 9.3.2) or a TLS handshake
  /// within this time.
  std::chrono::milliseconds first_word_patience{5'000};
  /// After `stop_arrivals`: children that then still hold a part are killed.
  std::chrono::milliseconds close_patience{5'000};
};

class dicom_listener {
 public:
  /// Listens before it returns. errc::held_by_another when the port is taken, bad_configuration for a bad address or
  /// when the program is not there.
  static messages::result<std::unique_ptr<dicom_listener>> start(caf::actor_system& system,
                                                                 dicom_listener_options options);
  /// Kills the children that are left. Must go before the actor system.
  ~dicom_listener();
  dicom_listener(const dicom_listener&) = delete;
  dicom_listener& operator=(const dicom_listener&) = delete;

  [[nodiscard]] messages::dicom_listener_actor handle() const;
  [[nodiscard]] std::uint16_t port() const;

 private:
  class loop;
  explicit dicom_listener(std::unique_ptr<loop> running);
  std::unique_ptr<loop> loop_;
};

}  // namespace penstock::gateways
