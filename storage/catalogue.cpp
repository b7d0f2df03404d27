#include "storage/catalogue.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "storage/codec.hpp"

namespace penstock::storage {

using messages::dicom_uid;
using messages::errc;
using messages::fail;
using messages::failure;
using messages::result;

namespace {

constexpr std::array states{
    std::pair{pack_state::settled, std::string_view{"settled"}},
    std::pair{pack_state::quarantined, std::string_view{"quarantined"}},
};

// Neither PACS ids, UIDs nor pack ids hold a NUL (put_study checks), so that one study's rows never lie among
// another's.
constexpr char separator = '\0';

std::string key_of(std::string_view pacs, const dicom_uid& study) {
  return std::string{pacs} + separator + study.reveal() + separator;
}
std::string key_of(const catalogued_pack& pack) { return key_of(pack.pacs, pack.study) + pack.pack_id; }
std::string key_of(const catalogued_instance& instance) {
  return key_of(instance.pacs, instance.study) + instance.series.reveal() + separator + instance.sop_instance.reveal();
}

bool usable(std::string_view part) { return !part.empty() && part.find(separator) == std::string_view::npos; }
bool usable(const catalogued_pack& pack) {
  return usable(pack.pacs) && usable(pack.study.reveal()) && usable(pack.pack_id);
}
bool usable(const catalogued_instance& instance) {
  return usable(instance.pacs) && usable(instance.study.reveal()) && usable(instance.series.reveal()) &&
         usable(instance.sop_instance.reveal());
}

/// All rows of type T under `prefix`.
template <class T>
result<std::vector<T>> read_all(const row_reader& store, column where, std::string prefix) {
  std::vector<T> rows;
  std::optional<failure> broken;
  auto end = store.scan(where, {.prefix = std::move(prefix)}, [&](std::string_view, std::string_view value) {
    auto row = decode<T>(value, "catalogue row");
    if (row)
      rows.push_back(std::move(*row));
    else
      broken = row.error();
    return row.ok();
  });
  if (broken) return *broken;
  if (!end) return end.error();
  return rows;
}

/// Rows of one study whose packs are all known.
result<void> check_study(const std::vector<catalogued_pack>& packs, const std::vector<catalogued_instance>& instances,
                         std::set<std::string>& known_packs) {
  const auto bad = [](const char* what) { return fail(errc::bad_request, std::string{"catalogue a study: "} + what); };
  const auto study = packs.empty() ? key_of(instances.front().pacs, instances.front().study)
                                   : key_of(packs.front().pacs, packs.front().study);
  for (const auto& pack : packs) {
    if (!usable(pack)) return bad("a pack lacks its ids");
    if (key_of(pack.pacs, pack.study) != study) return bad("packs of several studies");
    known_packs.insert(pack.pack_id);
  }
  for (const auto& instance : instances) {
    if (!usable(instance)) return bad("an instance lacks its ids");
    if (key_of(instance.pacs, instance.study) != study) return bad("instances of several studies");
    if (!known_packs.contains(instance.pack_id)) return bad("an instance lies in an unknown pack");
  }
  return {};
}

}  // namespace

std::string_view name_of(pack_state state) {
  for (const auto& [value, name] : states)
    if (value == state) return name;
  return "quarantined";
}

bool parse(std::string_view text, pack_state& into) {
  for (const auto& [value, name] : states)
    if (name == text) {
      into = value;
      return true;
    }
  into = pack_state::quarantined;
  return false;
}

result<catalogue> catalogue::open(const std::filesystem::path& directory) {
  row_store_options options;
  options.columns = {column::packs, column::instances};
  options.on_log_damage = log_damage::cut_at_damage;
  auto store = row_store::open(directory, options);
  if (!store) return store.error();
  return catalogue{std::move(*store)};
}

result<void> catalogue::put_study(const std::vector<catalogued_pack>& packs,
                                  const std::vector<catalogued_instance>& instances) {
  if (packs.empty() && instances.empty()) return {};
  std::set<std::string> known_packs;
  if (!instances.empty()) {
    auto before = packs_of(instances.front().pacs, instances.front().study);
    if (!before) return before.error();
    for (const auto& pack : *before) known_packs.insert(pack.pack_id);
  }
  if (auto checked = check_study(packs, instances, known_packs); !checked) return checked;
  row_batch batch;
  for (const auto& pack : packs) batch.put(column::packs, key_of(pack), encode(pack));
  for (const auto& instance : instances) batch.put(column::instances, key_of(instance), encode(instance));
  return store_->commit(batch);
}

result<std::vector<catalogued_pack>> catalogue::remove_study(std::string_view pacs, const dicom_uid& study) {
  auto packs = packs_of(pacs, study);
  if (!packs) return packs;
  row_batch batch;
  for (const auto where : {column::packs, column::instances}) {
    auto end = store_->scan(where, {.prefix = key_of(pacs, study)}, [&](std::string_view key, std::string_view) {
      batch.erase(where, std::string{key});
      return true;
    });
    if (!end) return end.error();
  }
  if (batch.empty()) return packs;
  if (auto removed = store_->commit(batch); !removed) return removed.error();
  return packs;
}

result<void> catalogue::quarantine_pack(std::string_view pacs, const dicom_uid& study, std::string_view pack_id) {
  auto packs = packs_of(pacs, study);
  if (!packs) return packs.error();
  for (auto& pack : *packs) {
    if (pack.pack_id != pack_id) continue;
    pack.state = pack_state::quarantined;
    row_batch batch;
    batch.put(column::packs, key_of(pack), encode(pack));
    return store_->commit(batch);
  }
  return fail(errc::not_found, "quarantine pack " + std::string{pack_id} + ": not catalogued");
}

result<std::vector<catalogued_pack>> catalogue::packs_of(std::string_view pacs, const dicom_uid& study) const {
  return read_all<catalogued_pack>(*store_, column::packs, key_of(pacs, study));
}

result<std::vector<catalogued_instance>> catalogue::instances_of(std::string_view pacs, const dicom_uid& study) const {
  return read_all<catalogued_instance>(*store_, column::instances, key_of(pacs, study));
}

result<std::optional<catalogued_instance>> catalogue::find_instance(std::string_view pacs, const dicom_uid& study,
                                                                    const dicom_uid& series,
                                                                    const dicom_uid& sop_instance) const {
  const auto key = key_of(pacs, study) + series.reveal() + separator + sop_instance.reveal();
  auto row = store_->get(column::instances, key);
  if (!row) return row.error();
  if (!row->has_value()) return std::optional<catalogued_instance>{};
  auto instance = decode<catalogued_instance>(**row, "catalogue row");
  if (!instance) return instance.error();
  return std::optional{std::move(*instance)};
}

result<void> catalogue::scan_studies(const std::function<bool(const catalogued_study&)>& visit) const {
  catalogued_study study;
  std::optional<failure> broken;
  bool wanted = true;
  auto end = store_->scan(column::packs, {}, [&](std::string_view, std::string_view value) {
    auto pack = decode<catalogued_pack>(value, "catalogue row");
    if (!pack) {
      broken = pack.error();
      return false;
    }
    if (study.packs > 0 && (pack->pacs != study.pacs || pack->study != study.study)) {
      wanted = visit(study);
      study = {};
    }
    study.pacs = pack->pacs;
    study.study = pack->study;
    ++study.packs;
    study.instances += pack->instances;
    study.pack_bytes += pack->pack_bytes;
    return wanted;
  });
  if (broken) return *broken;
  if (!end) return end.error();
  if (wanted && study.packs > 0) visit(study);
  return {};
}

result<std::optional<catalogued_study>> catalogue::study_after(std::string_view pacs, const dicom_uid& study) const {
  auto from = pacs.empty() ? std::string{} : key_of(pacs, study);
  if (!from.empty()) from.back() = static_cast<char>(separator + 1);
  std::optional<catalogued_study> found;
  std::optional<failure> broken;
  auto end =
      store_->scan(column::packs, {.from = std::move(from), .limit = 1}, [&](std::string_view, std::string_view value) {
        auto pack = decode<catalogued_pack>(value, "catalogue row");
        if (pack)
          found = catalogued_study{pack->pacs, pack->study, 0, 0, 0};
        else
          broken = pack.error();
        return false;
      });
  if (broken) return *broken;
  if (!end) return end.error();
  return found;
}

result<catalogue_totals> catalogue::totals() const {
  catalogue_totals totals;
  auto scanned = scan_studies([&](const catalogued_study& study) {
    ++totals.studies;
    totals.packs += study.packs;
    totals.instances += study.instances;
    totals.pack_bytes += study.pack_bytes;
    return true;
  });
  if (!scanned) return scanned.error();
  return totals;
}

}  // namespace penstock::storage
