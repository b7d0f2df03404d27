#pragma once
// A scratch directory with a journal in it whose clock and salts are the test's.

#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/core_store.hpp"
#include "storage/journal_log.hpp"

namespace penstock::storage::test {

class scratch_directory {
 public:
  scratch_directory() {
    auto name = (std::filesystem::temp_directory_path() / "penstock-storage-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The value, or a failed test that shows the error.
template <class T>
T value_of(messages::result<T> outcome) {
  BOOST_REQUIRE_MESSAGE(outcome.ok(), (outcome.ok() ? "" : outcome.error().text()));
  return std::move(outcome).value();
}
inline void require_ok(const messages::result<void>& outcome) {
  BOOST_REQUIRE_MESSAGE(outcome.ok(), (outcome.ok() ? "" : outcome.error().text()));
}

/// The test moves `now_us`; salts count 1, 2, 3, ...
struct steady_site {
  std::int64_t now_us = 1'772'355'907'123'456;  // 2026-03-01T09:05:07.123456Z
  std::uint8_t salt = 0;

  journal_options options() {
    journal_options made;
    made.clock = {[this] { return now_us; }, [] { return std::int64_t{7'000'000'000}; },
                  "6f1c2f0a-6f9e-4d0e-8a55-3b8f0f6f5f10"};
    made.random = [this](std::span<std::uint8_t> bytes) {
      ++salt;
      for (auto& byte : bytes) byte = salt;
    };
    return made;
  }
};

inline messages::journal_entry entry_of(std::string kind) {
  messages::journal_entry entry;
  entry.kind = std::move(kind);
  entry.user = "amy";
  entry.project = "alz-brain";
  return entry;
}

inline messages::append_entries append_of(std::vector<messages::journal_entry> entries, std::uint64_t generation = 1) {
  messages::append_entries append;
  append.writer = "queue";
  append.generation = generation;
  append.entries = std::move(entries);
  return append;
}

/// A journal in a scratch directory, with one writer, "queue", of generation 1.
struct journal_fixture {
  scratch_directory scratch;
  steady_site site;
  std::unique_ptr<journal_log> log;

  core_store_options where() const { return {scratch / "core", scratch / "journal.fence", false}; }
  std::shared_ptr<row_store> open_store() const { return value_of(open_core_store(where())).store; }

  void open() { log = std::make_unique<journal_log>(value_of(journal_log::open(open_store(), site.options()))); }
  void reopen() {
    log.reset();
    open();
  }
  /// For a second journal_log with options of its own.
  std::shared_ptr<row_store> open_store_again() {
    log.reset();
    return open_store();
  }
  journal_fixture() {
    open();
    BOOST_REQUIRE_EQUAL(value_of(log->enrol("queue")), 1U);
  }

  messages::entries_committed commit(const messages::append_entries& append) {
    auto group = value_of(log->append({append}));
    BOOST_REQUIRE_EQUAL(group.outcomes.size(), 1U);
    return value_of(group.outcomes.front());
  }
  messages::errc refusal(const messages::append_entries& append) {
    auto group = value_of(log->append({append}));
    BOOST_REQUIRE_EQUAL(group.outcomes.size(), 1U);
    BOOST_REQUIRE(!group.outcomes.front().ok());
    return group.outcomes.front().error().code;
  }
  /// Entries of kind "noted", one append each.
  void note(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) commit(append_of({entry_of("noted")}));
  }
  void fence_now() { require_ok(write_fence(where().fence, log->checkpoint())); }
};

}  // namespace penstock::storage::test
