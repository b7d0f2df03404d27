#pragma once
// A storage SCU made by hand, just enough to send small objects to a listener on this machine.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "storage/descriptor.hpp"

namespace penstock::gateways::testing {

inline constexpr std::string_view mr_storage = "1.2.840.10008.5.1.4.1.1.4";

inline storage::descriptor connect_to(std::uint16_t port) {
  storage::descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const timeval patience{10, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error("connect");
  return socket;
}

class dicom_sender {
 public:
  explicit dicom_sender(std::uint16_t port, std::string called = "PENSTOCK") : socket_(connect_to(port)) {
    called.resize(16, ' ');
    const auto context = std::string{"\x01\0\0\0", 4} + item(0x30, mr_storage) + item(0x40, "1.2.840.10008.1.2.1");
    const auto user = item(0x51, big(131072, 4)) + item(0x52, "1.2.3");
    const auto body = big(1, 2) + big(0, 2) + called + "SENDER          " + std::string(32, '\0') +
                      item(0x10, "1.2.840.10008.3.1.1.1") + item(0x20, context) + item(0x50, user);
    send_pdu(1, body);
    accepted_ = receive_pdu().first == 2;
  }

  [[nodiscard]] bool accepted() const { return accepted_; }

  /// The DIMSE status that comes back.
  std::uint16_t store(const std::string& study, const std::string& sop, const std::string& patient) {
    const auto rest = part(0x0002, uid(mr_storage)) + part(0x0100, little(1, 2)) +
                      part(0x0110, little(++messages_, 2)) + part(0x0700, little(0, 2)) + part(0x0800, little(0, 2)) +
                      part(0x1000, uid(sop));
    send_data(3, part(0x0000, little(rest.size(), 4)) + rest);
    send_data(2, element(0x0008, 0x0016, "UI", uid(mr_storage)) + element(0x0008, 0x0018, "UI", uid(sop)) +
                     element(0x0010, 0x0020, "LO", patient + std::string(patient.size() % 2, ' ')) +
                     element(0x0020, 0x000d, "UI", uid(study)) + element(0x0020, 0x000e, "UI", uid("1.2.9")));
    const auto [type, body] = receive_pdu();
    if (type != 4) throw std::runtime_error("no answer");
    const auto at = body.find(std::string{"\0\0\0\x09\x02\0\0\0", 8});
    return static_cast<std::uint16_t>(static_cast<unsigned char>(body.at(at + 8)) |
                                      static_cast<unsigned char>(body.at(at + 9)) << 8);
  }

  void release() {
    send_pdu(5, big(0, 4));
    (void)receive_pdu();
    socket_.reset();
  }
  void vanish() { socket_.reset(); }

 private:
  static std::string little(std::uint64_t value, std::size_t bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i);
    return out;
  }
  static std::string big(std::uint64_t value, std::size_t bytes) {
    const auto reversed = little(value, bytes);
    return {reversed.rbegin(), reversed.rend()};
  }
  static std::string item(int type, std::string_view body) {
    return std::string{static_cast<char>(type), '\0'} + big(body.size(), 2) + std::string{body};
  }
  static std::string uid(std::string_view text) { return std::string{text} + std::string(text.size() % 2, '\0'); }
  static std::string part(std::uint16_t number, const std::string& value) {
    return little(0, 2) + little(number, 2) + little(value.size(), 4) + value;
  }
  static std::string element(std::uint16_t group, std::uint16_t number, const char* vr, const std::string& value) {
    return little(group, 2) + little(number, 2) + vr + little(value.size(), 2) + value;
  }
  void send_data(int control, const std::string& data) {
    send_pdu(4, big(data.size() + 2, 4) + '\x01' + static_cast<char>(control) + data);
  }
  void send_pdu(int type, const std::string& body) {
    const auto all = std::string{static_cast<char>(type), '\0'} + big(body.size(), 4) + body;
    if (::send(socket_.get(), all.data(), all.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(all.size()))
      throw std::runtime_error("send");
  }
  std::string receive(std::size_t bytes) {
    std::string out(bytes, '\0');
    if (bytes != 0 && ::recv(socket_.get(), out.data(), bytes, MSG_WAITALL) != static_cast<ssize_t>(bytes))
      throw std::runtime_error("the peer has closed");
    return out;
  }
  std::pair<int, std::string> receive_pdu() {
    const auto head = receive(6);
    std::uint32_t length = 0;
    std::memcpy(&length, &head[2], sizeof length);
    return {head[0], receive(ntohl(length))};
  }

  storage::descriptor socket_;
  bool accepted_ = false;
  std::uint64_t messages_ = 0;
};

}  // namespace penstock::gateways::testing
