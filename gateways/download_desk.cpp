#include "gateways/download_desk.hpp"

#include <sys/stat.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "gateways/access_policy.hpp"
#include "storage/digest.hpp"

namespace penstock::gateways {
namespace {

using messages::located_object;
using nlohmann::json;

constexpr std::int64_t ticket_lifetime_us = std::chrono::microseconds{ticket_lifetime}.count();
/// Sessions whose end nobody has taken; the oldest are forgotten beyond.
constexpr std::size_t most_ended_kept = 4096;

bool in_dicom_order(const located_object& a, const located_object& b) {
  return std::tie(a.series_number, a.series, a.instance_number, a.instance) <
         std::tie(b.series_number, b.series, b.instance_number, b.instance);
}

std::string numeral(std::uint64_t value) { return std::to_string(value) + "\n"; }

/// Which bytes these are, as far as the file system can tell: where they lie, in which file, unchanged since when.
storage::content_digest digest_of(const located_object& object, const std::string& stamp) {
  return storage::sha256("penstock pack range\n" + object.pack + "\n", numeral(object.offset) + numeral(object.bytes),
                         stamp);
}

using series_filter = std::set<messages::dicom_uid>;

/// Every authorised instance once, located or not, in DICOM order; what was not located comes last. An instance of
/// which nothing is known is of no series that was asked for.
std::vector<located_object> ordered_objects(const download_study& study, const series_filter& series) {
  std::unordered_map<messages::dicom_uid, const located_object*> located;
  for (const auto& object : study.objects) located.emplace(object.instance, &object);
  std::vector<located_object> ordered;
  std::vector<located_object> absent;
  for (const auto& instance : study.part.instances) {
    const auto found = located.find(instance);
    if (!series.empty() && (found == located.end() || !series.contains(found->second->series))) continue;
    if (found != located.end() && found->second->problem.empty()) {
      ordered.push_back(*found->second);
      continue;
    }
    located_object missing;
    missing.instance = instance;
    if (found != located.end()) missing = *found->second;
    if (missing.problem.empty()) missing.problem = "not in the cache any more";
    absent.push_back(std::move(missing));
  }
  std::sort(ordered.begin(), ordered.end(), in_dicom_order);
  std::sort(absent.begin(), absent.end(), in_dicom_order);
  std::move(absent.begin(), absent.end(), std::back_inserter(ordered));
  return ordered;
}

json manifest_line(std::uint32_t index, const messages::dicom_uid& study, const located_object& object) {
  json line{{"index", index},
            {"StudyInstanceUID", study.reveal()},
            {"SeriesInstanceUID", object.series.reveal()},
            {"SOPInstanceUID", object.instance.reveal()}};
  if (!object.problem.empty()) {
    line["error"] = object.problem;
    return line;
  }
  line["PatientID"] = object.patient_id.reveal();
  line["SeriesNumber"] = object.series_number;
  line["InstanceNumber"] = object.instance_number;
  if (!object.modality.empty()) line["Modality"] = object.modality;
  line["plain_bytes"] = object.bytes;
  if (!object.dataset_sha256.empty()) line["dataset_sha256"] = object.dataset_sha256;
  return line;
}

/// Remembers the stamp of each pack: many objects lie in one.
class stamp_book {
 public:
  explicit stamp_book(const pack_stamp& stamp) : stamp_(stamp) {}
  const std::string& of(const std::string& pack) {
    const auto [at, fresh] = known_.try_emplace(pack);
    if (fresh) at->second = stamp_(pack);
    return at->second;
  }

 private:
  const pack_stamp& stamp_;
  std::unordered_map<std::string, std::string> known_;
};

std::string spelled(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

/// The manifest's text, line by line: a million objects are never held as JSON values.
class manifest_writer {
 public:
  explicit manifest_writer(const download_plan& plan) {
    text_ = spelled(json{{"project", plan.project}, {"download", plan.download}});
    text_.back() = ',';
    text_ += "\"objects\":[";
  }
  void add(const std::string& line) {
    if (text_.back() == '}') text_ += ',';
    text_ += line;
  }
  [[nodiscard]] std::string finish() { return std::move(text_) + "]}"; }

 private:
  std::string text_;
};

/// What a study of a download holds, in 32 bytes.
class study_fingerprint {
 public:
  void add(std::string_view part) {
    const auto length = numeral(part.size());
    sum_.update(std::as_bytes(std::span{length}));
    sum_.update(std::as_bytes(std::span{part}));
  }
  [[nodiscard]] std::string finish() { return storage::to_hex(sum_.finish()); }

 private:
  storage::sha256_stream sum_;
};

}  // namespace

std::string stamp_of_file(const std::string& pack) {
  struct stat about {};
  if (::stat(pack.c_str(), &about) != 0) return {};
  return std::to_string(about.st_ino) + ":" + std::to_string(about.st_mtim.tv_sec) + "." +
         std::to_string(about.st_mtim.tv_nsec);
}

prepared_download prepare_download(const download_plan& plan, const pack_stamp& stamp) {
  prepared_download prepared;
  auto& offer = prepared.offer;
  offer.download = plan.download;
  offer.project = plan.project;
  offer.user = plan.user;
  offer.key = plan.key->copy();
  stamp_book stamps{stamp};
  manifest_writer manifest{plan};
  const series_filter series(plan.series.begin(), plan.series.end());
  std::uint32_t index = 0;
  for (const auto& study : plan.studies) {
    study_fingerprint contents;
    messages::sealed_study sealed{study.part.pacs, study.part.study, study.part.version, 0, 0, {}};
    auto objects = ordered_objects(study, series);
    for (auto& object : objects) {
      ++index;
      if (object.problem.empty() && stamps.of(object.pack).empty()) object.problem = "its pack cannot be read";
      const auto line = spelled(manifest_line(index, study.part.study, object));
      manifest.add(line);
      contents.add(line);
      if (!object.problem.empty()) continue;
      offer.objects.push_back(
          {index, object.pack, object.offset, object.bytes, digest_of(object, stamps.of(object.pack))});
      contents.add(storage::as_text(offer.objects.back().digest));
      ++sealed.instances;
      sealed.bytes += object.bytes;
    }
    if (objects.empty()) continue;
    sealed.contents = contents.finish();
    prepared.studies.push_back(std::move(sealed));
  }
  offer.manifest = manifest.finish();
  return prepared;
}

download_desk::download_desk(download_desk_options options, download_tickets& tickets, download_outlets outlets)
    : options_(std::move(options)), tickets_(tickets), outlets_(std::move(outlets)) {}

messages::result<download_opened> download_desk::open(prepared_download prepared) {
  auto& offer = prepared.offer;
  download_opened opened;
  opened.download = offer.download;
  opened.data_endpoint = options_.data_endpoint;
  opened.key = storage::to_base64(offer.key.view());
  opened.segment_bytes = offer.segment_bytes;
  opened.objects = offer.objects.size() + 1;
  opened.bytes = sealed_bytes_of(offer);
  opened.expires_us = options_.utc_us() + ticket_lifetime_us;
  if (auto offered = outlets_.offer(std::move(offer)); !offered) return offered.error();
  auto ticket = tickets_.issue(opened.download);
  if (!ticket) {
    outlets_.withdraw(opened.download);
    return ticket.error();
  }
  opened.ticket = std::move(ticket->ticket);
  opened.secret = std::move(ticket->secret);
  return opened;
}

std::set<std::string> download_desk::users_who_lost_a_key(const conf::rules& rules) {
  std::set<std::string> lost;
  std::map<std::string, std::vector<std::string>> now;
  for (const auto& [id, user] : rules.users) now[id] = user.keys;
  const std::lock_guard lock{mutex_};
  for (const auto& [id, keys] : keys_) {
    const auto& left = now[id];
    const bool all =
        std::ranges::all_of(keys, [&](const std::string& key) { return std::ranges::find(left, key) != left.end(); });
    if (!all) lost.insert(id);
  }
  keys_ = std::move(now);
  return lost;
}

void download_desk::judge_again(const conf::rules& rules, std::chrono::year_month_day today,
                                const std::set<std::string>& changed) {
  const auto lost = users_who_lost_a_key(rules);
  const auto* rule = find_command("download.open");
  outlets_.withdraw_unless([&](const std::string& user, const std::string& project) {
    return !lost.contains(user) && !changed.contains(project) && authorise(rules, user, *rule, project, today).ok();
  });
}

void download_desk::session_ended(ended_download ended) {
  const std::lock_guard lock{mutex_};
  if (ended_.size() >= most_ended_kept) ended_.erase(ended_.begin());
  ended_.push_back(std::move(ended));
}

std::vector<ended_download> download_desk::take_ended() {
  const std::lock_guard lock{mutex_};
  return std::exchange(ended_, {});
}

}  // namespace penstock::gateways
