#include "storage/pack_layout.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "storage/crc32c.hpp"

namespace penstock::storage {
namespace {

constexpr std::string_view file_magic = "PENSPACK";
constexpr std::string_view record_magic = "PENSRECD";
constexpr std::string_view commit_magic = "PENSCMIT";
static_assert(file_magic.size() == 8 && record_magic.size() == 8 && commit_magic.size() == 8);

constexpr std::size_t pack_id_position = 32;
constexpr std::size_t file_check_position = file_header_bytes - 4;
constexpr std::size_t header_check_position = 36;
constexpr std::size_t commit_check_position = commit_block_bytes - 4;

constexpr std::size_t preamble_bytes = 128;
constexpr std::string_view implementation_class = "2.25.46871595887485559787973700336304231819";
constexpr std::string_view implementation_version = "PENSTOCK";

template <class Integer>
void put(std::byte* into, Integer value) {
  for (std::size_t i = 0; i < sizeof value; ++i) into[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}

template <class Integer>
Integer get(const std::byte* from) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value = static_cast<Integer>(value | static_cast<Integer>(std::to_integer<Integer>(from[i]) << (8 * i)));
  return value;
}

void put_text(std::byte* into, std::string_view text) { std::memcpy(into, text.data(), text.size()); }

bool starts_with(const std::byte* bytes, std::string_view magic) {
  return std::memcmp(bytes, magic.data(), magic.size()) == 0;
}

std::string take_text(std::span<const std::byte>& from, std::byte length) {
  const auto bytes = std::to_integer<std::size_t>(length);
  std::string text{reinterpret_cast<const char*>(from.data()), bytes};
  from = from.subspan(bytes);
  return text;
}

/// One element of the file meta group, explicit VR little endian with a 16-bit length, padded to even (PS3.5 7.1.2).
void add_meta_element(std::vector<std::byte>& into, std::uint16_t element, std::string_view vr, std::string_view value,
                      char padding) {
  const auto padded = static_cast<std::uint16_t>(value.size() + value.size() % 2);
  const auto at = into.size();
  into.resize(at + 8 + padded, static_cast<std::byte>(padding));
  put<std::uint16_t>(&into[at], 0x0002);
  put<std::uint16_t>(&into[at + 2], element);
  put_text(&into[at + 4], vr);
  put<std::uint16_t>(&into[at + 6], padded);
  if (!value.empty()) put_text(&into[at + 8], value);
}

}  // namespace

pack_id new_pack_id() {
  pack_id id{};
  // At most 256 bytes come whole or not at all (getrandom(2)); without randomness nothing here may go on.
  if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) std::abort();
  return id;
}

encoded_file_header encode_file_header(const pack_id& id) {
  encoded_file_header bytes{};
  put_text(bytes.data(), file_magic);
  put<std::uint32_t>(&bytes[8], pack_version);
  put<std::uint32_t>(&bytes[12], file_header_bytes);
  std::copy(id.begin(), id.end(), bytes.begin() + pack_id_position);
  put(&bytes[file_check_position], crc32c(std::span{bytes}.first<file_check_position>()));
  return bytes;
}

std::optional<pack_id> decode_file_header(std::span<const std::byte, file_header_bytes> bytes) {
  const auto check = get<std::uint32_t>(&bytes[file_check_position]);
  if (!starts_with(bytes.data(), file_magic) || get<std::uint32_t>(&bytes[8]) != pack_version ||
      check != crc32c(bytes.first<file_check_position>()))
    return std::nullopt;
  pack_id id{};
  std::copy_n(bytes.begin() + pack_id_position, id.size(), id.begin());
  return id;
}

std::vector<std::byte> encode_record_header(const instance_identity& identity, std::uint32_t meta_bytes) {
  const std::array<std::string_view, 4> texts{identity.sop_class.reveal(), identity.sop_instance.reveal(),
                                              identity.transfer_syntax, identity.sending_ae};
  std::vector<std::byte> bytes(record_header_fixed_bytes);
  put_text(bytes.data(), record_magic);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    bytes[12 + i] = static_cast<std::byte>(texts[i].size());
    const auto* text = reinterpret_cast<const std::byte*>(texts[i].data());
    bytes.insert(bytes.end(), text, text + texts[i].size());
  }
  put<std::uint32_t>(&bytes[8], static_cast<std::uint32_t>(bytes.size()));
  put<std::uint32_t>(&bytes[24], meta_bytes);
  put(&bytes[header_check_position], checksum_of_header(bytes));
  return bytes;
}

std::uint32_t checksum_of_header(std::span<const std::byte> header) {
  constexpr std::array<std::byte, 8> no_length{};
  constexpr std::array<std::byte, 4> no_check{};
  auto sum = crc32c(header.first(part10_bytes_position));
  sum = crc32c(no_length, sum);
  sum = crc32c(header.subspan(24, header_check_position - 24), sum);
  sum = crc32c(no_check, sum);
  return crc32c(header.subspan(record_header_fixed_bytes), sum);
}

std::optional<record_header> decode_record_header(std::span<const std::byte> bytes) {
  if (bytes.size() < record_header_fixed_bytes || !starts_with(bytes.data(), record_magic)) return std::nullopt;
  const auto header_bytes = get<std::uint32_t>(&bytes[8]);
  std::size_t text_bytes = 0;
  for (std::size_t i = 12; i < 16; ++i) text_bytes += std::to_integer<std::size_t>(bytes[i]);
  if (header_bytes != record_header_fixed_bytes + text_bytes || header_bytes > bytes.size()) return std::nullopt;
  const auto header = bytes.first(header_bytes);
  if (checksum_of_header(header) != get<std::uint32_t>(&bytes[header_check_position])) return std::nullopt;
  auto texts = header.subspan(record_header_fixed_bytes);
  record_header decoded;
  decoded.identity.sop_class = messages::dicom_uid{take_text(texts, bytes[12])};
  decoded.identity.sop_instance = messages::dicom_uid{take_text(texts, bytes[13])};
  decoded.identity.transfer_syntax = take_text(texts, bytes[14]);
  decoded.identity.sending_ae = take_text(texts, bytes[15]);
  decoded.header_bytes = header_bytes;
  decoded.meta_bytes = get<std::uint32_t>(&bytes[24]);
  decoded.part10_bytes = get<std::uint64_t>(&bytes[part10_bytes_position]);
  return decoded;
}

encoded_commit_block encode_commit_block(const commit_block& block, const pack_id& id) {
  encoded_commit_block bytes{};
  put_text(bytes.data(), commit_magic);
  put(&bytes[8], block.record_offset);
  put(&bytes[16], block.part10_bytes);
  put(&bytes[24], block.dataset_bytes);
  put(&bytes[32], block.crc32c);
  put(&bytes[commit_check_position], crc32c(std::span{bytes}.first<commit_check_position>(), crc32c(id)));
  return bytes;
}

std::optional<commit_block> decode_commit_block(std::span<const std::byte, commit_block_bytes> bytes,
                                                const pack_id& id) {
  const auto check = get<std::uint32_t>(&bytes[commit_check_position]);
  if (!starts_with(bytes.data(), commit_magic) || check != crc32c(bytes.first<commit_check_position>(), crc32c(id)))
    return std::nullopt;
  return commit_block{get<std::uint64_t>(&bytes[8]), get<std::uint64_t>(&bytes[16]), get<std::uint64_t>(&bytes[24]),
                      get<std::uint32_t>(&bytes[32])};
}

std::vector<std::byte> encode_file_meta(const instance_identity& identity) {
  constexpr std::size_t group_length_bytes = 12;
  constexpr std::size_t version_bytes = 14;
  constexpr std::size_t length_at = preamble_bytes + 4;
  constexpr std::size_t version_at = length_at + group_length_bytes;
  std::vector<std::byte> bytes(version_at + version_bytes);
  put_text(&bytes[preamble_bytes], "DICM");
  put<std::uint16_t>(&bytes[version_at], 0x0002);
  put<std::uint16_t>(&bytes[version_at + 2], 0x0001);
  put_text(&bytes[version_at + 4], "OB");
  put<std::uint32_t>(&bytes[version_at + 8], 2);
  bytes[version_at + 13] = std::byte{1};
  add_meta_element(bytes, 0x0002, "UI", identity.sop_class.reveal(), '\0');
  add_meta_element(bytes, 0x0003, "UI", identity.sop_instance.reveal(), '\0');
  add_meta_element(bytes, 0x0010, "UI", identity.transfer_syntax, '\0');
  add_meta_element(bytes, 0x0012, "UI", implementation_class, '\0');
  add_meta_element(bytes, 0x0013, "SH", implementation_version, ' ');
  if (!identity.sending_ae.empty()) add_meta_element(bytes, 0x0016, "AE", identity.sending_ae, ' ');
  put<std::uint16_t>(&bytes[length_at], 0x0002);
  put_text(&bytes[length_at + 4], "UL");
  put<std::uint16_t>(&bytes[length_at + 6], 4);
  put<std::uint32_t>(&bytes[length_at + 8], static_cast<std::uint32_t>(bytes.size() - version_at));
  return bytes;
}

void put_u64(std::span<std::byte, 8> into, std::uint64_t value) { put(into.data(), value); }

}  // namespace penstock::storage
