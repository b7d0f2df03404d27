#include "actors/pack_intake.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <string_view>
#include <utility>

#include "storage/character_sets.hpp"
#include "storage/crc32c.hpp"
#include "storage/dataset_scanner.hpp"
#include "storage/digest.hpp"

namespace penstock::actors {
namespace {

using messages::errc;
using messages::fail;
using messages::protected_text;
using messages::result;
using storage::catalogued_instance;
using storage::pack_reader;
using storage::pack_record;
using storage::scan_state;
using storage::scanned_dataset;

/// An IS value (PS3.5 section 6.2): digits with a sign, padded with spaces; of several values the first. 0 when absent.
template <class Number>
Number number_in(std::string_view text) {
  const auto first = text.find_first_not_of(" +");
  if (first == std::string_view::npos) return 0;
  Number value = 0;
  std::from_chars(text.data() + first, text.data() + text.size(), value);
  return value;
}

/// What the pass over one record's bytes gathers.
struct record_pass {
  explicit record_pass(const pack_record& record) : scanner(record.transfer_syntax, record.dataset_bytes) {}

  void take_dataset(std::span<const std::byte> bytes) {
    digest.update(bytes);
    scanner.feed(bytes);
  }

  std::uint32_t checksum = 0;
  storage::sha256_stream digest;
  storage::dataset_scanner scanner;
};

/// Feeds [offset, end) of the file to `take`, a buffer at a time.
template <class Take>
result<void> each_piece(pack_reader& pack, std::uint64_t offset, std::uint64_t end, std::span<std::byte> buffer,
                        Take take) {
  while (offset < end) {
    const auto piece = buffer.first(std::min<std::uint64_t>(buffer.size(), end - offset));
    if (auto read = pack.read(offset, piece); !read) return read;
    take(piece);
    offset += piece.size();
  }
  return {};
}

result<void> pass_over(pack_reader& pack, const pack_record& record, std::span<std::byte> buffer, record_pass& pass) {
  const auto header = buffer.first(record.part10_offset - record.record_offset);
  if (auto read = pack.read(record.record_offset, header); !read) return read;
  pass.checksum = storage::checksum_of_header(header);
  const auto check = [&pass](std::span<const std::byte> piece) {
    pass.checksum = storage::crc32c(piece, pass.checksum);
  };
  if (auto meta = each_piece(pack, record.part10_offset, record.dataset_offset, buffer, check); !meta) return meta;
  const auto end = record.dataset_offset + record.dataset_bytes;
  auto dataset = each_piece(pack, record.dataset_offset, end, buffer, [&](std::span<const std::byte> piece) {
    check(piece);
    pass.take_dataset(piece);
  });
  pass.scanner.end();
  return dataset;
}

void describe(const scanned_dataset& found, catalogued_instance& row) {
  const auto text = [&](const std::string& raw) { return storage::to_utf8(found.specific_character_set, raw).text; };
  const auto hidden = [&](const protected_text& raw) { return protected_text{text(raw.reveal())}; };
  row.study = found.study_instance_uid;
  row.series = found.series_instance_uid;
  row.series_number = number_in<std::int64_t>(found.series_number);
  row.instance_number = number_in<std::int64_t>(found.instance_number);
  row.number_of_frames = number_in<std::uint32_t>(found.number_of_frames);
  row.modality = text(found.modality);
  row.patient_id = hidden(found.patient_id);
  row.issuer_of_patient_id = hidden(found.issuer_of_patient_id);
  row.patient_name = hidden(found.patient_name);
  row.study_date = text(found.study_date);
  row.study_time = text(found.study_time);
  row.accession_number = hidden(found.accession_number);
  row.study_description = protected_text{text(found.study_description)};
  row.series_description = protected_text{text(found.series_description)};
  row.rows = found.rows;
  row.columns = found.columns;
}

catalogued_instance located(const pack_record& record, const std::string& pacs, const std::string& pack_id) {
  catalogued_instance row;
  row.pacs = pacs;
  row.sop_instance = record.sop_instance;
  row.pack_id = pack_id;
  row.part10_offset = record.part10_offset;
  row.part10_bytes = record.part10_bytes;
  row.dataset_offset = record.dataset_offset;
  row.dataset_bytes = record.dataset_bytes;
  row.sop_class = record.sop_class.reveal();
  row.transfer_syntax = record.transfer_syntax;
  row.crc32c = record.crc32c;
  return row;
}

}  // namespace

result<void> take_in(const std::string& path, storage::file_system& files, const std::string& pacs,
                     const std::string& pack_id, pack_intake& into) {
  auto pack = pack_reader::open(path, files);
  if (!pack) return pack.error().code == errc::corrupt ? result<void>{} : result<void>{pack.error()};
  auto contents = pack->list();
  if (!contents) return contents.error();
  if (into.records.size() + contents->records.size() > most_records_of_a_study)
    return fail(errc::too_large, "read a pack: more than " + std::to_string(most_records_of_a_study) + " records");
  std::vector<std::byte> buffer(intake_buffer_bytes);
  for (const auto& record : contents->records) {
    record_pass pass{record};
    if (auto passed = pass_over(*pack, record, buffer, pass); !passed) return passed;
    auto& facts = into.records.emplace_back();
    auto& row = into.rows.emplace_back(located(record, pacs, pack_id));
    row.dataset_sha256 = storage::to_hex(pass.digest.finish());
    facts.bytes_sound = pass.checksum == record.crc32c;
    facts.readable = pass.scanner.state() == scan_state::complete && !pass.scanner.truncated();
    facts.recorded_instance = record.sop_instance;
    facts.dataset_sha256 = row.dataset_sha256;
    if (!facts.readable) continue;
    const auto& found = pass.scanner.found();
    facts.instance = found.sop_instance_uid;
    facts.study = found.study_instance_uid;
    describe(found, row);
  }
  return {};
}

}  // namespace penstock::actors
