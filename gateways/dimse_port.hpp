#pragma once
// Outbound DICOM: starts a `penstock-dimse` child for each job of an owner, passes messages between the two, and ends
// it for certain. A poll loop with a thread of its own that is a `dimse_port_actor`.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "messages/interfaces.hpp"
#include "messages/result.hpp"

namespace caf {
class actor_system;
}

namespace penstock::gateways {

struct dimse_port_options {
  std::filesystem::path program;  ///< penstock-dimse
  std::uint64_t child_memory_bytes = std::uint64_t{1} << 30;
  std::size_t most_children = 64;  ///< one more is answered with `dimse_ended`
  /// After `stop_dimse`: how long a child may take to end its association politely, and then to abort it.
  std::chrono::milliseconds cancel_patience{12'000};
  std::chrono::milliseconds abort_patience{3'000};
};

class dimse_port {
 public:
  /// errc::bad_configuration when the program is not there.
  static messages::result<std::unique_ptr<dimse_port>> start(caf::actor_system& system, dimse_port_options options);
  /// Kills the children that are left. Must go before the actor system.
  ~dimse_port();
  dimse_port(const dimse_port&) = delete;
  dimse_port& operator=(const dimse_port&) = delete;

  [[nodiscard]] messages::dimse_port_actor handle() const;

 private:
  class loop;
  explicit dimse_port(std::unique_ptr<loop> running);
  std::unique_ptr<loop> loop_;
};

}  // namespace penstock::gateways
