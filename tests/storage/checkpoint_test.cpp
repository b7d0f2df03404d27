#include "storage/checkpoint.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "storage/checkpoint_key.hpp"
#include "tests/storage/store_fixture.hpp"

namespace penstock::storage {
namespace {

using messages::errc;

secret_bytes seed_of(std::uint8_t byte) { return secret_bytes{std::vector<std::uint8_t>(32, byte)}; }

std::string with(std::string text, const std::string& before, const std::string& after) {
  const auto at = text.find(before);
  BOOST_REQUIRE(at != std::string::npos);
  return text.replace(at, before.size(), after);
}

const checkpoint_signer signer{seed_of(1)};
const tree_hash root = hash_of_leaf("a leaf");

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoints)

BOOST_AUTO_TEST_CASE(says_what_was_signed) {
  const auto text = signer.sign(12'345, root);
  BOOST_TEST(text.rfind(signer.origin() + "\n12345\n", 0) == 0U);
  const auto head = open_checkpoint(text, signer.verifier_key());
  BOOST_REQUIRE(head.ok());
  BOOST_TEST(head->origin == signer.origin());
  BOOST_TEST(head->size == 12'345U);
  BOOST_TEST((head->root == root));
}

BOOST_AUTO_TEST_CASE(refuses_what_was_changed_or_signed_by_another) {
  const auto text = signer.sign(12'345, root);
  const auto changed = open_checkpoint(with(text, "12345", "12346"), signer.verifier_key());
  BOOST_TEST((changed.error().code == errc::authentication_failed));
  const checkpoint_signer other{seed_of(2)};
  BOOST_TEST((open_checkpoint(text, other.verifier_key()).error().code == errc::authentication_failed));
  BOOST_TEST((open_checkpoint("", signer.verifier_key()).error().code == errc::bad_request));
  BOOST_TEST((open_checkpoint(text, "penstock/1+00000000+AA==").error().code == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(names_the_log_after_its_key) {
  BOOST_TEST(check_name(signer.verifier_key()).ok());
  BOOST_TEST((check_name("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").error().code ==
              errc::authentication_failed));
}

BOOST_AUTO_TEST_CASE(passes_over_signatures_of_others) {
  const checkpoint_signer other{seed_of(2)};
  const auto witnessed = with(signer.sign(7, root), "\n\n", "\n\n\xe2\x80\x94 witness.example c29tZXRoaW5nIGVsc2U=\n");
  BOOST_TEST(open_checkpoint(witnessed, signer.verifier_key()).ok());
  BOOST_TEST(!open_checkpoint(witnessed, other.verifier_key()).ok());
}

/// A note that another implementation has signed (the example of the format's first one). It is no checkpoint, which
/// is found out after its signature.
BOOST_AUTO_TEST_CASE(understands_notes_that_others_have_signed) {
  const std::string key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  const std::string note =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
      "\xe2\x80\x94 PeterNeumann "
      "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  BOOST_TEST((open_checkpoint(note, key).error().code == errc::bad_request));
  BOOST_TEST((open_checkpoint(with(note, "think", "thunk"), key).error().code == errc::authentication_failed));
}

BOOST_AUTO_TEST_CASE(keeps_its_key_in_a_file_for_its_owner_only) {
  const test::scratch_directory directory;
  const auto file = directory / "checkpoint.key";
  const auto first = open_checkpoint_key(file);
  BOOST_REQUIRE(first.ok());
  using std::filesystem::perms;
  BOOST_TEST((std::filesystem::status(file).permissions() == (perms::owner_read | perms::owner_write)));
  BOOST_TEST((*open_checkpoint_key(file))->verifier_key() == (*first)->verifier_key());
  std::filesystem::permissions(file, perms::group_read, std::filesystem::perm_options::add);
  BOOST_TEST((open_checkpoint_key(file).error().code == errc::bad_configuration));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace penstock::storage
