#include "tools/client/user_key.hpp"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "tests/client/scratch.hpp"

using namespace penstock::client;
using namespace penstock::client::testing;
using penstock::messages::errc;

BOOST_TEST_DONT_PRINT_LOG_VALUE(penstock::messages::errc)

BOOST_AUTO_TEST_SUITE(user_keys)

BOOST_AUTO_TEST_CASE(reads_back_the_key_it_saved_and_never_replaces_it) {
  const scratch_directory scratch;
  const auto path = scratch.path() / "config" / "penstock" / "key";
  auto key = make_user_key();
  BOOST_REQUIRE(key.ok());
  BOOST_REQUIRE(save_user_key(path, *key).ok());
  auto read = load_user_key(path);
  BOOST_REQUIRE(read.ok());
  BOOST_TEST(read->public_key == key->public_key);
  BOOST_TEST(read->secret_key.reveal() == key->secret_key.reveal());
  struct stat about {};
  BOOST_REQUIRE(::stat(path.c_str(), &about) == 0);
  BOOST_TEST((about.st_mode & 0777) == 0600u);
  BOOST_TEST(save_user_key(path, *key).error().code == errc::conflict);
}

BOOST_AUTO_TEST_CASE(refuses_a_key_file_that_others_can_read) {
  const scratch_directory scratch;
  const auto path = scratch.path() / "key";
  auto key = make_user_key();
  BOOST_REQUIRE(key.ok());
  BOOST_REQUIRE(save_user_key(path, *key).ok());
  BOOST_REQUIRE(::chmod(path.c_str(), 0640) == 0);
  auto read = load_user_key(path);
  BOOST_REQUIRE(!read.ok());
  BOOST_TEST(read.error().code == errc::not_permitted);
  BOOST_TEST(read.error().context.find("chmod 600") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(refuses_a_file_that_is_no_key) {
  const scratch_directory scratch;
  const auto path = scratch.path() / "key";
  auto key = make_user_key();
  auto other = make_user_key();
  BOOST_REQUIRE(key.ok() && other.ok());
  for (const auto& content : {std::string{}, std::string{"public abc\nsecret def\n"},
                              "public " + key->public_key + "\nsecret " + other->secret_key.c_str() + "\n"}) {
    put_content(path, content);
    BOOST_REQUIRE(::chmod(path.c_str(), 0600) == 0);
    BOOST_TEST(load_user_key(path).error().code == errc::bad_configuration);
  }
  BOOST_TEST(load_user_key(scratch.path() / "none").error().code == errc::not_found);
}

BOOST_AUTO_TEST_SUITE_END()
