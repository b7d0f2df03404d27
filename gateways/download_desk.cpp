#include "gateways/download_desk.hpp"

#include <sys/stat.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "conf/rules_queries.hpp"
#include "storage/digest.hpp"

namespace penstock::gateways {
namespace {

using messages::located_object;
using nlohmann::json;

constexpr std::int64_t ticket_lifetime_us = std::chrono::microseconds{ticket_lifetime}.count();
/// A download can be resumed for so long; then there is nothing left to withdraw.
constexpr std::int64_t download_lifetime_us = std::int64_t{24} * 3600 * 1'000'000;

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

}  // namespace

std::string stamp_of_file(const std::string& pack) {
  struct stat about {};
  if (::stat(pack.c_str(), &about) != 0) return {};
  return std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino) + ":" +
         std::to_string(about.st_mtim.tv_sec) + "." + std::to_string(about.st_mtim.tv_nsec);
}

download_offer offer_of(const download_plan& plan, const pack_stamp& stamp) {
  download_offer offer;
  offer.download = plan.download;
  offer.project = plan.project;
  offer.key = plan.key->copy();
  stamp_book stamps{stamp};
  auto lines = json::array();
  const series_filter series(plan.series.begin(), plan.series.end());
  std::uint32_t index = 0;
  for (const auto& study : plan.studies) {
    for (auto& object : ordered_objects(study, series)) {
      ++index;
      if (object.problem.empty() && stamps.of(object.pack).empty()) object.problem = "its pack cannot be read";
      lines.push_back(manifest_line(index, study.part.study, object));
      if (!object.problem.empty()) continue;
      offer.objects.push_back(
          {index, object.pack, object.offset, object.bytes, digest_of(object, stamps.of(object.pack))});
    }
  }
  offer.manifest = json{{"project", plan.project}, {"download", plan.download}, {"objects", std::move(lines)}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  return offer;
}

download_desk::download_desk(download_desk_options options, download_tickets& tickets, offer_function offer,
                             withdraw_function withdraw)
    : options_(std::move(options)), tickets_(tickets), offer_(std::move(offer)), withdraw_(std::move(withdraw)) {}

messages::result<download_opened> download_desk::open(const download_plan& plan) {
  auto offer = offer_of(plan, stamp_of_file);
  const auto now_us = options_.utc_us();
  download_opened opened;
  opened.download = plan.download;
  opened.data_endpoint = options_.data_endpoint;
  opened.key = storage::to_base64(plan.key->view());
  opened.segment_bytes = offer.segment_bytes;
  opened.objects = offer.objects.size() + 1;
  opened.bytes = sealed_bytes_of(offer);
  opened.expires_us = now_us + ticket_lifetime_us;
  if (auto offered = offer_(std::move(offer)); !offered) return offered.error();
  auto ticket = tickets_.issue(plan.download);
  if (!ticket) return ticket.error();
  opened.ticket = std::move(ticket->ticket);
  opened.secret = std::move(ticket->secret);
  remember(plan, now_us);
  return opened;
}

void download_desk::remember(const download_plan& plan, std::int64_t now_us) {
  std::lock_guard lock{mutex_};
  std::erase_if(open_, [&](const auto& each) { return now_us - each.second.at_us > download_lifetime_us; });
  open_[plan.download] = {plan.project, plan.user, now_us};
}

void download_desk::rules_changed(const conf::rules& rules) {
  std::vector<std::string> over;
  {
    std::lock_guard lock{mutex_};
    for (const auto& [download, who] : open_) {
      const auto* project = conf::find_project(rules, who.project);
      if (project == nullptr || !conf::is_member(*project, who.user)) over.push_back(download);
    }
    for (const auto& download : over) open_.erase(download);
  }
  for (const auto& download : over) withdraw_(download);
}

}  // namespace penstock::gateways
