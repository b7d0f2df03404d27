#include "storage/row_store.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/storage/store_fixture.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using test::require_ok;
using test::scratch_directory;
using test::value_of;

struct store_fixture {
  scratch_directory scratch;
  std::shared_ptr<row_store> store = open();

  std::shared_ptr<row_store> open() const {
    row_store_options options;
    options.columns = {column::rows, column::meta};
    return value_of(row_store::open(scratch / "store", options));
  }
  void put(const std::vector<std::string>& keys) {
    row_batch batch;
    for (const auto& key : keys) batch.put(column::rows, key, "value of " + key);
    require_ok(store->commit(batch));
  }
  std::vector<std::string> keys(const row_range& range, bool more = false) const {
    std::vector<std::string> found;
    const auto end = value_of(store->scan(column::rows, range, [&](std::string_view key, std::string_view) {
      found.emplace_back(key);
      return true;
    }));
    BOOST_TEST(end.visited == found.size());
    BOOST_TEST(end.more == more);
    return found;
  }
};

/// No file of this process may grow beyond `bytes` while it lives.
class file_size_limit {
 public:
  explicit file_size_limit(rlim_t bytes) {
    before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit tight{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &tight);
  }
  ~file_size_limit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;

 private:
  rlimit before_{};
  void (*before_handler_)(int) = nullptr;
};

/// What the process logs while it lives, instead of where it goes otherwise.
class log_listener {
 public:
  log_listener() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("heard", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)));
  }
  ~log_listener() { spdlog::set_default_logger(before_); }
  log_listener(const log_listener&) = delete;
  log_listener& operator=(const log_listener&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

using list = std::vector<std::string>;

BOOST_FIXTURE_TEST_SUITE(row_store_suite, store_fixture)

BOOST_AUTO_TEST_CASE(keeps_what_was_committed) {
  put({"a"});
  store.reset();
  store = open();
  BOOST_TEST(value_of(store->get(column::rows, "a")).value() == "value of a");
  BOOST_TEST(!value_of(store->get(column::rows, "b")).has_value());
  BOOST_TEST(!value_of(store->get(column::meta, "a")).has_value());
}

BOOST_AUTO_TEST_CASE(applies_a_batch_in_its_order) {
  row_batch batch;
  batch.put(column::rows, "a", "1");
  batch.erase(column::rows, "a");
  batch.put(column::rows, "b", "1");
  batch.put(column::rows, "b", "2");
  require_ok(store->commit(batch));
  BOOST_TEST(!value_of(store->get(column::rows, "a")).has_value());
  BOOST_TEST(value_of(store->get(column::rows, "b")).value() == "2");
}

BOOST_AUTO_TEST_CASE(scans_a_prefix_in_pages) {
  put({"a/1", "b/1", "b/2", "b/3", "b\xff", "c/1"});
  BOOST_TEST(keys({.prefix = "b/"}) == (list{"b/1", "b/2", "b/3"}));
  BOOST_TEST(keys({.prefix = "b/", .limit = 2}, true) == (list{"b/1", "b/2"}));
  BOOST_TEST(keys({.prefix = "b/", .limit = 3}) == (list{"b/1", "b/2", "b/3"}));
  BOOST_TEST(keys({.from = "b/2", .prefix = "b/"}) == (list{"b/2", "b/3"}));
  BOOST_TEST(keys({.from = "a", .prefix = "b/"}) == (list{"b/1", "b/2", "b/3"}));
  BOOST_TEST(keys({.from = "c", .prefix = "b/"}) == list{});
  BOOST_TEST(keys({.prefix = "b\xff"}) == (list{"b\xff"}));
  BOOST_TEST(keys({.limit = 0}, true) == list{});
}

BOOST_AUTO_TEST_CASE(scans_backwards) {
  put({"a/1", "b/1", "b/2", "b/3", "c/1"});
  BOOST_TEST(keys({.prefix = "b/", .backwards = true}) == (list{"b/3", "b/2", "b/1"}));
  BOOST_TEST(keys({.from = "b/2", .prefix = "b/", .backwards = true}) == (list{"b/2", "b/1"}));
  BOOST_TEST(keys({.from = "b/25", .prefix = "b/", .limit = 1, .backwards = true}, true) == (list{"b/2"}));
  BOOST_TEST(keys({.from = "z", .prefix = "b/", .backwards = true}) == (list{"b/3", "b/2", "b/1"}));
  BOOST_TEST(keys({.limit = 1, .backwards = true}, true) == (list{"c/1"}));
}

BOOST_AUTO_TEST_CASE(stops_when_the_visitor_has_enough) {
  put({"a", "b", "c"});
  const auto stop_at_b = [](std::string_view key, std::string_view) { return key != "b"; };
  const auto end = value_of(store->scan(column::rows, {}, stop_at_b));
  BOOST_TEST(end.visited == 2U);
  BOOST_TEST(end.more);
}

BOOST_AUTO_TEST_CASE(a_snapshot_stays_as_it_was_and_outlives_the_store) {
  put({"a"});
  const auto before = store->snapshot();
  put({"b"});
  store.reset();
  BOOST_TEST(value_of(before->get(column::rows, "a")).has_value());
  BOOST_TEST(!value_of(before->get(column::rows, "b")).has_value());
  const auto end = value_of(before->scan(column::rows, {}, [](std::string_view, std::string_view) { return true; }));
  BOOST_TEST(end.visited == 1U);
}

BOOST_AUTO_TEST_CASE(serves_readers_in_other_threads_while_one_commits) {
  constexpr int commits = 200;
  const auto both = [this](const std::string& value) {
    row_batch batch;
    batch.put(column::rows, "a", value);
    batch.put(column::meta, "a", value);
    return store->commit(batch).ok();
  };
  BOOST_REQUIRE(both("0"));
  std::atomic<bool> over{false};
  std::atomic<int> torn{0};
  const auto read = [&] {
    while (!over) {
      const auto now = store->snapshot();
      const auto one = now->get(column::rows, "a");
      const auto other = now->get(column::meta, "a");
      if (!one || !other || *one != *other || store->what_failed()) ++torn;
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  int committed = 0;
  for (int i = 1; i <= commits; ++i) committed += both(std::to_string(i)) ? 1 : 0;
  over = true;
  for (auto& each : readers) each.join();
  BOOST_TEST(committed == commits);
  BOOST_TEST(torn == 0);
}

BOOST_AUTO_TEST_CASE(refuses_a_column_it_was_not_opened_with) {
  BOOST_TEST((store->get(column::packs, "a").error().code == errc::internal));
  row_batch batch;
  batch.put(column::packs, "a", "b");
  BOOST_TEST((store->commit(batch).error().code == errc::internal));
}

BOOST_AUTO_TEST_CASE(refuses_a_directory_that_is_open_already) {
  row_store_options options;
  options.columns = {column::rows, column::meta};
  BOOST_TEST((row_store::open(scratch / "store", options).error().code == errc::held_by_another));
}

BOOST_AUTO_TEST_CASE(refuses_every_commit_after_a_failed_one) {
  put({"before"});
  row_batch large;
  large.put(column::rows, "large", std::string(std::size_t{1} << 20, 'x'));
  {
    const file_size_limit limit{std::size_t{64} << 10};
    BOOST_TEST((store->commit(large).error().code != errc::none));
  }
  BOOST_TEST(store->what_failed().has_value());
  row_batch small;
  small.put(column::rows, "small", "x");
  const auto refused = store->commit(small);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST(refused.error().context.starts_with("commit refused since the store failed: "));
  store.reset();
  store = open();
  BOOST_TEST(value_of(store->get(column::rows, "before")).has_value());
  BOOST_TEST(!value_of(store->get(column::rows, "small")).has_value());
}

BOOST_AUTO_TEST_CASE(keeps_no_log_of_its_own_beside_the_data) {
  put({"a"});
  store.reset();
  store = open();
  for (const auto& file : std::filesystem::directory_iterator{scratch / "store"})
    BOOST_TEST(!file.path().filename().string().starts_with("LOG"), file.path().string());
}

BOOST_AUTO_TEST_CASE(tells_the_log_of_the_process_what_is_wrong_but_no_key_or_value) {
  store.reset();
  const log_listener log;
  store = open();
  BOOST_TEST(log.text() == "");
  row_batch large;
  large.put(column::rows, "secret-key", "secret-value" + std::string(std::size_t{1} << 20, 'x'));
  {
    const file_size_limit limit{std::size_t{64} << 10};
    BOOST_TEST(!store->commit(large).ok());
    store.reset();
  }
  BOOST_TEST(log.text().find("database " + (scratch / "store").string() + ": ") != std::string::npos, log.text());
  BOOST_TEST(log.text().find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::storage
