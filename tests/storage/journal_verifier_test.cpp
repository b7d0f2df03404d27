#include "storage/journal_verifier.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "storage/journal_keys.hpp"
#include "storage/journal_reader.hpp"
#include "tests/storage/store_fixture.hpp"

namespace penstock::storage {
namespace {

using messages::errc;
using test::append_of;
using test::entry_of;
using test::value_of;

/// Seven entries, each with an identifier, and a store that can be written to behind the journal's back.
struct damaged_fixture : test::journal_fixture {
  std::shared_ptr<row_store> store;
  tree_checkpoint fence;

  damaged_fixture() {
    for (int i = 0; i < 7; ++i) {
      auto entry = entry_of("noted");
      entry.identifiers.push_back({"PatientID", messages::protected_text{"4711"}});
      commit(append_of({entry}));
    }
    fence = log->checkpoint();
    store = open_store_again();
  }
  std::string read(column where, const std::string& key) const { return value_of(store->get(where, key)).value(); }
  void write(column where, const std::string& key, const std::string& value) {
    row_batch batch;
    batch.put(where, key, value);
    test::require_ok(store->commit(batch));
  }
  void erase(column where, const std::string& key) {
    row_batch batch;
    batch.erase(where, key);
    test::require_ok(store->commit(batch));
  }
  std::string fault() const {
    const auto verified = verify_journal(*store, fence);
    if (verified) return "none";
    BOOST_TEST((verified.error().code == errc::corrupt));
    return verified.error().context;
  }
  /// Whether flipping any single bit-pair of the row's bytes is seen; the row is put back.
  void expect_every_flip_is_seen(column where, const std::string& key) {
    const auto whole = read(where, key);
    for (std::size_t i = 0; i < whole.size(); ++i) {
      auto flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ 0x11);
      write(where, key, flipped);
      BOOST_TEST_REQUIRE(fault() != "none", "byte " << i << " of " << name_of(where));
    }
    write(where, key, whole);
    BOOST_TEST_REQUIRE(fault() == "none");
  }
};

BOOST_FIXTURE_TEST_SUITE(journal_verifier, damaged_fixture)

BOOST_AUTO_TEST_CASE(verifies_a_whole_journal) {
  const auto verified = value_of(verify_journal(*store, fence));
  BOOST_TEST(verified.entries == 7U);
  BOOST_TEST((verified.root == fence.root));
}

BOOST_AUTO_TEST_CASE(verifies_an_empty_journal) {
  test::journal_fixture empty;
  BOOST_TEST(value_of(verify_journal(empty.log->core(), empty.log->checkpoint())).entries == 0U);
}

BOOST_AUTO_TEST_CASE(sees_every_flipped_byte_of_an_entry) {
  expect_every_flip_is_seen(column::entries, journal_keys::number(3));
  expect_every_flip_is_seen(column::entries, journal_keys::number(7));
}

BOOST_AUTO_TEST_CASE(sees_every_flipped_byte_of_a_tree_node) {
  expect_every_flip_is_seen(column::tree, journal_keys::tree_node({0, 2}));
  expect_every_flip_is_seen(column::tree, journal_keys::tree_node({2, 0}));
}

BOOST_AUTO_TEST_CASE(names_the_entry_at_fault) {
  write(column::entries, journal_keys::number(3), read(column::entries, journal_keys::number(3)) + " ");
  BOOST_TEST(fault() == "journal entry 3 or the tree node above it was altered");
}

BOOST_AUTO_TEST_CASE(sees_an_entry_that_was_removed_or_moved) {
  const auto third = read(column::entries, journal_keys::number(3));
  erase(column::entries, journal_keys::number(3));
  BOOST_TEST(fault() == "journal entry 3 is missing");
  write(column::entries, journal_keys::number(3), read(column::entries, journal_keys::number(4)));
  BOOST_TEST(fault() == "journal entry 3 does not carry its number");
  write(column::entries, journal_keys::number(3), third);
  erase(column::entries, journal_keys::number(7));
  BOOST_TEST(fault().starts_with("journal: 6 entries"));
}

BOOST_AUTO_TEST_CASE(sees_an_identifier_that_was_replaced) {
  write(column::side_car, journal_keys::number(3), read(column::side_car, journal_keys::number(4)));
  BOOST_TEST(fault() == "journal entry 3 identifier PatientID is not the one that was committed to");
  erase(column::side_car, journal_keys::number(3));
  BOOST_TEST(fault() == "none");
}

// An intruder with the whole database can make a consistent one; only what is held elsewhere tells.
BOOST_AUTO_TEST_CASE(sees_a_rewritten_journal_by_its_fence_only) {
  test::journal_fixture other;
  other.note(8);
  BOOST_TEST(verify_journal(other.log->core(), std::nullopt).ok());
  BOOST_TEST((verify_journal(other.log->core(), fence).error().code == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(a_journal_does_not_open_on_an_altered_end) {
  store.reset();
  auto fresh = open_store();
  row_batch batch;
  batch.put(column::entries, journal_keys::number(7), "{}");
  test::require_ok(fresh->commit(batch));
  BOOST_TEST((journal_log::open(fresh, site.options()).error().code == errc::corrupt));
  batch.erase(column::entries, journal_keys::number(7));
  test::require_ok(fresh->commit(batch));
  BOOST_TEST((journal_log::open(fresh, site.options()).error().code == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(a_journal_does_not_open_on_an_altered_edge_of_the_tree) {
  const auto edge = journal_keys::tree_node({2, 0});
  write(column::tree, edge, std::string(32, 'x'));
  BOOST_TEST((journal_log::open(store, site.options()).error().code == errc::corrupt));
  erase(column::tree, edge);
  BOOST_TEST((journal_log::open(store, site.options()).error().code == errc::corrupt));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace penstock::storage
