#include "actors/cache_shard.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "actors/instance_items.hpp"
#include "actors/shard_check.hpp"
#include "actors/study_settlement.hpp"
#include "messages/actor_errors.hpp"
#include "messages/type_ids.hpp"

namespace penstock::actors {
namespace {

using namespace messages;
using storage::catalogued_instance;

constexpr std::size_t most_parts_of_a_study = 4096;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

failure bad_request(const char* what) { return {errc::bad_request, what}; }

class cache_shard {
 public:
  using handle = cache_shard_actor;
  static constexpr const char* name = "cache_shard";

  cache_shard(handle::pointer self, cache_shard_options options) : self_(self), options_(std::move(options)) {
    pack_shelf shelf{options_.packs, *options_.files};
    if (auto prepared = shelf.prepare(); !prepared) give_up(prepared.error().text());
    storage_.emplace(shard_storage{std::move(shelf), open_catalogue(), options_.files});
    compare_at_start();
  }

  handle::behavior_type make_behavior() {
    return {
        [this](const reserve_pack& wanted) { return on_reserve_pack(wanted); },
        [this](settle_study& arrived) { return on_settle_study(arrived); },
        [this](const adopt_study& wanted) { return on_adopt_study(wanted); },
        [this](const locate_objects& wanted) { return on_locate_objects(wanted); },
        [this](const list_instances& asked) { return on_list_instances(asked); },
        [this](const forget_study& unclaimed) { return on_forget_study(unclaimed); },
        [this](const examine_cache& order) { return on_examine(order); },
        [this](const describe_shard&) { return on_describe_shard(); },
    };
  }

 private:
  /// This life is over before it serves anybody; the custodian starts the next one.
  [[noreturn]] void give_up(const std::string& why) const {
    spdlog::error("cache shard {}: {}", options_.number, why);
    throw std::runtime_error(why);
  }

  /// A damaged catalogue is set aside and made again: all it holds lies in the packs too.
  storage::catalogue open_catalogue() {
    if (options_.lives->condemned) set_catalogue_aside("a block of it failed its check");
    auto opened = storage::catalogue::open(options_.catalogue);
    if (!opened && opened.error().code == errc::corrupt) {
      set_catalogue_aside(opened.error().text());
      opened = storage::catalogue::open(options_.catalogue);
    }
    if (!opened) give_up(opened.error().text());
    return std::move(*opened);
  }

  void set_catalogue_aside(const std::string& why) {
    auto aside = options_.catalogue;
    aside += ".damaged";
    spdlog::error("cache shard {}: its catalogue is damaged, kept in {} and made again from the packs: {}",
                  options_.number, aside.string(), why);
    std::error_code problem;
    std::filesystem::remove_all(aside, problem);
    if (!problem) std::filesystem::rename(options_.catalogue, aside, problem);
    if (problem) give_up("set " + options_.catalogue.string() + " aside: " + problem.message());
    options_.lives->condemned = false;
    options_.lives->unfinished = catalogue_made_again{options_.number, why, aside.string(), 0, 0};
  }

  /// Nothing is served from a catalogue that lacks rows of packs which lie here: whoever looked would take them for
  /// lost. So this life ends when they cannot be read, and the next one goes on.
  void compare_at_start() {
    auto& lives = *options_.lives;
    if (lives.reconciled && !lives.unfinished) return;
    refuse_bare_shelf();
    auto done = look();
    if (!done && done.error().code == errc::corrupt && !lives.unfinished) {
      // The database must be closed before its files are moved.
      auto shelf = std::move(storage_->shelf);
      storage_.reset();
      set_catalogue_aside(done.error().text());
      storage_.emplace(shard_storage{std::move(shelf), open_catalogue(), options_.files});
      done = look();
    }
    if (!done && lives.unfinished) give_up("make the catalogue again: " + done.error().text());
    lives.reconciled = true;
    if (!done) return note(done.error());
    tell_compared(*done);
  }

  result<reconciliation> look() {
    // Later than the start, a study that has just settled may have no claim yet: then everything counts as claimed.
    const claim_check keep_all = [](const std::string&, const dicom_uid&) { return true; };
    const bool knows = options_.is_claimed && !options_.claims_may_be_missing;
    if (!options_.lives->reconciled) return reconcile(*storage_, knows ? options_.is_claimed : keep_all);
    reconciliation again;
    if (auto read = read_packs_again(*storage_, keep_all, again); !read) return read.error();
    return again;
  }

  /// Packs that are not mounted are not lost. What was fetched meanwhile would lie below the mounted disk.
  void refuse_bare_shelf() {
    const auto first = storage_->catalogue.study_after({}, {});
    const auto bare = storage_->shelf.is_bare();
    if (!first || !*first || !bare || !*bare) return;
    give_up("the catalogue lists packs, and " + options_.packs.string() +
            " holds none at all: is its disk mounted? Served again as soon as they are there; if they "
            "are lost for good, remove " +
            options_.catalogue.string() + ", and what projects held there is told lost");
  }

  void tell_compared(const reconciliation& done) {
    spdlog::info(
        "cache shard {}: {} unclaimed studies and {} packs removed, {} packs read again, {} packs lost, {} unreadable, "
        "{} out of reach",
        options_.number, done.unclaimed_studies, done.removed_packs, done.read_again, done.lost_packs,
        done.unreadable_packs, done.unreachable_packs);
    const auto bad = done.lost_packs + done.unreadable_packs + done.unreachable_packs;
    if (bad > 0)
      problem_ = std::to_string(done.lost_packs) + " packs lost, " + std::to_string(done.unreadable_packs) +
                 " unreadable, " + std::to_string(done.unreachable_packs) + " out of reach";
    auto totals = storage_->catalogue.totals();
    const bool nothing_here = totals && totals->studies == 0;
    auto news = options_.lives->unfinished;
    options_.lives->unfinished.reset();
    // Packs read again may be the second half of a catalogue that a predecessor began to make again.
    if (!news && (nothing_here || bad + done.read_again > 0 || options_.claims_may_be_missing))
      news = catalogue_made_again{options_.number, "", "", 0, 0};
    if (!news) return;
    if (!news->kept_in.empty())
      problem_ = "its catalogue was damaged, is kept in " + news->kept_in + " and was made again from the packs" +
                 (problem_.empty() ? "" : "; " + problem_);
    news->packs = done.read_again;
    news->unreadable = done.unreadable_packs + done.unreachable_packs;
    options_.news->tell(std::move(*news));
  }

  /// What a handler answers with. A catalogue that fails its checks serves nothing more: the next life makes it again.
  caf::error troubled(const failure& problem) {
    if (problem.code == errc::corrupt && !std::exchange(options_.lives->condemned, true)) {
      note(problem);
      begin_anew();
    }
    return to_caf(problem);
  }

  void note(const failure& problem) {
    problem_ = problem.text();
    spdlog::error("cache shard {}: {}", options_.number, problem_);
  }

  /// After a failed commit what is on the disk is known only when the store is opened again: by the next life.
  void begin_anew() { self_->quit(caf::make_error(caf::sec::runtime_error, std::string{"the catalogue has failed"})); }

  caf::result<pack_reserved> on_reserve_pack(const reserve_pack& wanted) {
    if (!is_valid_name(wanted.pacs)) return to_caf(bad_request("reserve a pack: pacs"));
    if (auto no = lacks_room()) return to_caf(*no);
    auto served = served_of(*storage_, wanted.pacs, wanted.study);
    if (!served) return to_caf(served.error());
    return pack_reserved{storage_->shelf.incoming().string(), pack_shelf::new_stem(),
                         judge_adoption(wanted.expected, wanted.patient, *served, {wanted.series, false}).missing};
  }

  /// Told to the log when it begins and when it ends.
  std::optional<failure> lacks_room() {
    std::error_code why;
    const auto room = std::filesystem::space(options_.packs, why);
    if (why) return failure{errc::io_error, "measure the room of the cache: " + why.message()};
    const bool lacks = room.available < options_.min_free_bytes;
    const auto text = std::to_string(room.available / mebibyte) + " MiB are free on the disk of the cache, " +
                      std::to_string(options_.min_free_bytes / mebibyte) + " MiB is the least (min_free_disk)";
    if (lacks && !std::exchange(lacked_room_, true))
      spdlog::warn("cache shard {}: {}: nothing is retrieved", options_.number, text);
    else if (!lacks && std::exchange(lacked_room_, false))
      spdlog::info("cache shard {}: {}: there is room again", options_.number, text);
    return lacks ? std::optional{failure{errc::no_space, text}} : std::nullopt;
  }

  caf::result<study_settled> on_settle_study(settle_study& arrived) {
    if (!is_valid_name(arrived.pacs)) return to_caf(bad_request("settle a study: pacs"));
    if (arrived.parts.size() > most_parts_of_a_study)
      return to_caf({errc::too_large, "settle a study: more than " + std::to_string(most_parts_of_a_study) + " parts"});
    std::vector<std::string> pack_ids;
    for (const auto& part : arrived.parts) {
      auto id = pack_shelf::pack_id_of_part(part);
      if (!id) return to_caf(bad_request("settle a study: name of a part"));
      pack_ids.push_back(std::move(*id));
    }
    settled_packs done;
    if (auto settled = settle_packs(*storage_, arrived.pacs, arrived.study, pack_ids, done); !settled) {
      note(settled.error());
      if (done.catalogue_failed) begin_anew();
      return settled.error().code == errc::corrupt ? troubled(settled.error()) : to_caf(settled.error());
    }
    if (done.refused > 0)
      spdlog::warn("cache shard {}: request {} of {}: {} objects refused", options_.number, arrived.request,
                   arrived.project, done.refused);
    return answer_settled(arrived, done);
  }

  caf::result<study_settled> answer_settled(settle_study& arrived, const settled_packs& done) {
    auto served = served_of(*storage_, arrived.pacs, arrived.study);
    if (!served) return troubled(served.error());
    study_settled answer;
    answer.project = arrived.project;
    answer.request = arrived.request;
    answer.permit = arrived.permit;
    answer.pacs = arrived.pacs;
    answer.study = arrived.study;
    answer.outcome = std::move(arrived.outcome);
    answer.outcome.refused += done.refused;
    auto found = compare(arrived.expected.empty() ? done.arrived : arrived.expected, *served);
    if (arrived.takes_unlisted && !arrived.expected.empty()) {
      auto unlisted = compare(done.arrived, arrived.expected).missing;
      answer.outcome.unlisted = unlisted.size();
      std::move(unlisted.begin(), unlisted.end(), std::back_inserter(found.present));
    }
    fill_in(std::move(found), *served, answer);
    return answer;
  }

  static void fill_in(presence found, const std::vector<catalogued_instance>& served, study_settled& answer) {
    summarise(served, found.present, answer);
    answer.present = std::move(found.present);
    answer.missing = std::move(found.missing);
  }

  caf::result<study_settled> on_adopt_study(const adopt_study& wanted) {
    // Nothing expected would be nothing missing, and so look like a whole study.
    if (wanted.expected.empty()) return to_caf(bad_request("adopt a study: expected"));
    auto served = served_of(*storage_, wanted.pacs, wanted.study);
    if (!served) return troubled(served.error());
    study_settled answer;
    answer.project = wanted.project;
    answer.request = wanted.request;
    answer.pacs = wanted.pacs;
    answer.study = wanted.study;
    fill_in(judge_adoption(wanted.expected, wanted.patient, *served, {wanted.series, wanted.held}), *served, answer);
    return answer;
  }

  caf::result<objects_located> on_locate_objects(const locate_objects& wanted) {
    auto packs = storage_->catalogue.packs_of(wanted.pacs, wanted.study);
    if (!packs) return troubled(packs.error());
    auto instances = storage_->catalogue.instances_of(wanted.pacs, wanted.study);
    if (!instances) return troubled(instances.error());
    std::unordered_map<std::string, std::string> problem_of;
    for (const auto& pack : *packs) {
      auto problem = problem_with(pack);
      if (!problem) return to_caf(problem.error());
      problem_of[pack.pack_id] = std::move(*problem);
    }
    std::unordered_map<dicom_uid, const catalogued_instance*> known;
    for (const auto& instance : *instances) known.emplace(instance.sop_instance, &instance);
    objects_located answer{options_.node, {}};
    for (const auto& uid : wanted.instances) {
      const auto found = known.find(uid);
      if (found == known.end())
        answer.objects.push_back(unknown_object(uid));
      else
        answer.objects.push_back(located(*found->second, problem_of[found->second->pack_id]));
    }
    return answer;
  }

  result<std::string> problem_with(const storage::catalogued_pack& pack) const {
    if (pack.state == storage::pack_state::quarantined) return std::string{"quarantined: a check of its pack failed"};
    auto gone = storage_->shelf.is_gone(pack.pacs, pack.pack_id);
    if (!gone) return gone.error();
    return std::string{*gone ? "its pack is missing" : ""};
  }

  static located_object unknown_object(const dicom_uid& uid) {
    located_object object;
    object.instance = uid;
    object.problem = "not in the cache";
    return object;
  }

  located_object located(const catalogued_instance& instance, const std::string& problem) const {
    return {.series = instance.series,
            .instance = instance.sop_instance,
            .patient_id = instance.patient_id,
            .pack = storage_->shelf.settled_path(instance.pacs, instance.pack_id).string(),
            .offset = instance.part10_offset,
            .bytes = instance.part10_bytes,
            .dataset_sha256 = instance.dataset_sha256,
            .series_number = instance.series_number,
            .instance_number = instance.instance_number,
            .modality = instance.modality,
            .problem = problem};
  }

  caf::result<answered> on_list_instances(const list_instances& asked) {
    auto instances = storage_->catalogue.instances_of(asked.pacs, asked.study);
    if (!instances) return troubled(instances.error());
    const nlohmann::json answer{{"items", instance_items(asked, std::move(*instances))}};
    return answered{answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
  }

  caf::result<study_forgotten> on_forget_study(const forget_study& unclaimed) {
    auto packs = storage_->catalogue.remove_study(unclaimed.pacs, unclaimed.study);
    if (!packs) {
      note(packs.error());
      if (packs.error().code != errc::corrupt) begin_anew();
      return troubled(packs.error());
    }
    study_forgotten answer;
    std::vector<std::string> ids;
    for (const auto& pack : *packs) {
      ids.push_back(pack.pack_id);
      answer.bytes += pack.pack_bytes;
    }
    // The rows are gone already: a pack that stays behind is removed at the next start of the process.
    if (auto gone = storage_->shelf.discard(unclaimed.pacs, ids); !gone) {
      note(gone.error());
      return to_caf(gone.error());
    }
    return answer;
  }

  /// `next` is a word that only the check under way knows: a shard that was started again begins anew.
  caf::result<cache_examined> on_examine(const examine_cache& order) {
    if (order.from.empty()) check_ = {};
    if (order.from != check_word_ && !order.from.empty())
      return to_caf({errc::conflict, "the shard was started again; begin its check anew"});
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{order.patience_ms};
    auto seen = check_.next_part(*storage_, order.repair, [end] { return std::chrono::steady_clock::now() >= end; });
    if (!seen) return troubled(seen.error());
    check_word_ = check_.is_over() ? std::string{} : pack_shelf::new_stem();
    seen->next = check_word_;
    return std::move(*seen);
  }

  caf::result<shard_described> on_describe_shard() {
    auto totals = storage_->catalogue.totals();
    if (!totals) return troubled(totals.error());
    return shard_described{totals->studies, totals->instances, totals->pack_bytes, problem_};
  }

  handle::pointer self_;
  cache_shard_options options_;
  std::optional<shard_storage> storage_;
  std::string problem_;
  shard_check check_;
  std::string check_word_;
  bool lacked_room_ = false;
};

}  // namespace

void shard_news::tell(catalogue_made_again news) {
  std::lock_guard lock{mutex_};
  waiting_.push_back({++last_number_, std::move(news), false});
  if (to_) to_(waiting_.back().what);
}

void shard_news::listen(listener to) {
  std::lock_guard lock{mutex_};
  to_ = std::move(to);
  for (const auto& each : waiting_) to_(each.what);
}

std::vector<shard_news::item> shard_news::waiting() const {
  std::lock_guard lock{mutex_};
  return waiting_;
}

void shard_news::journaled(std::uint64_t number) {
  std::lock_guard lock{mutex_};
  for (auto& each : waiting_)
    if (each.number == number) each.journaled = true;
}

void shard_news::dealt_with(std::uint64_t number) {
  std::lock_guard lock{mutex_};
  std::erase_if(waiting_, [number](const item& each) { return each.number == number; });
}

cache_shard_actor start_cache_shard(caf::actor_system& system, cache_shard_options options,
                                    custodian::observer on_restart, hosting where) {
  if (where == hosting::detached)
    return supervise<cache_shard, hosting::detached>(system, std::move(on_restart), std::move(options));
  return supervise<cache_shard>(system, std::move(on_restart), std::move(options));
}

}  // namespace penstock::actors
