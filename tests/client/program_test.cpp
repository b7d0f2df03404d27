// The program as the shell sees it: what it prints, and its exit codes.

#include <sys/stat.h>
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>

#include "storage/digest.hpp"
#include "tests/client/data_script.hpp"
#include "tests/client/scratch.hpp"

using namespace penstock::client;
using namespace penstock::client::testing;
using nlohmann::json;

namespace {

struct outcome {
  int code = -1;
  std::string output;
};

struct program_fixture {
  scratch_directory scratch;
  user_key key = make_user_key().value();
  download_site site{two_patients(), key.public_key};

  program_fixture() {
    BOOST_REQUIRE(save_user_key(scratch.path() / "key", key).ok());
    put_content(scratch.path() / "config.json", json{{"server", site.control().endpoint()},
                                                     {"server_key", site.control().public_key()},
                                                     {"key_file", (scratch.path() / "key").string()}}
                                                    .dump());
    put_content(scratch.path() / "passphrase", "correct horse battery staple\n");
    ::chmod((scratch.path() / "passphrase").c_str(), 0600);
  }

  outcome run(const std::string& arguments) {
    const auto command = "cd " + scratch.path().string() + " && HOME=" + scratch.path().string() +
                         " PENSTOCK_CONFIG=config.json NO_COLOR=1 setsid --wait " PENSTOCK_PROGRAM_DIR "/penstock " +
                         arguments + " 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    BOOST_REQUIRE(pipe != nullptr);
    outcome found;
    char part[4096];
    while (const auto got = std::fread(part, 1, sizeof part, pipe)) found.output.append(part, got);
    found.code = WEXITSTATUS(::pclose(pipe));
    return found;
  }

  void check(const std::string& arguments, int code, const std::string& says) {
    const auto found = run(arguments);
    BOOST_TEST(found.code == code, arguments + ": " + std::to_string(found.code) + "\n" + found.output);
    BOOST_TEST(found.output.find(says) != std::string::npos,
               arguments + " does not say '" + says + "':\n" + found.output);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(program, program_fixture)

BOOST_AUTO_TEST_CASE(lists_its_exit_codes_and_explains_every_subcommand) {
  check("--help", 0, "Exit codes: 0 ok; 1 failed; 2 wrong usage");
  for (const auto* command : {"keygen",        "whoami",          "pacs list",         "pacs echo",
                              "patients find", "studies find",    "series find",       "request",
                              "watch",         "requests list",   "requests show",     "requests cancel",
                              "cache list",    "cache usage",     "cache delete",      "cache facets",
                              "pull",          "doctor",          "completion",        "download",
                              "open list",     "open verify",     "open view",         "key new",
                              "key show",      "key passphrase",  "key add",           "key remove",
                              "key export",    "governor status", "governor simulate", "governance show",
                              "server status"})
    check(std::string{command} + " --help", 0, "Usage:");
}

BOOST_AUTO_TEST_CASE(refuses_wrong_usage_with_two) {
  check("", 2, "subcommand");
  check("frobnicate", 2, "frobnicate");
  check("studies find --study-date 2009-02-30 1", 2, "study date");
  check("studies find", 2, "name the patients");
  check("watch abc", 2, "they are numbers");
  check("--server nowhere whoami", 2, "tcp://host:port");
}

BOOST_AUTO_TEST_CASE(says_that_the_server_cannot_be_reached_with_five) {
  check("--server tcp://127.0.0.1:1 whoami", 5, "nothing answers");
  check("--server tcp://127.0.0.1:1 --json whoami", 5, "\"timed_out\"");
}

BOOST_AUTO_TEST_CASE(says_not_found_with_six) { check("requests show 7", 6, "not there"); }

BOOST_AUTO_TEST_CASE(shows_who_the_user_is) {
  check("whoami", 0, "You are amy (researcher) at Test Hospital");
  check("whoami", 0, "[#########...........] 45 % of 1000 B");
}

BOOST_AUTO_TEST_CASE(gives_every_line_its_outcome_and_ends_with_three_when_one_is_not_good) {
  site.answers["studies.find"] = json{
      {"search", "s"},
      {"done", true},
      {"studies",
       {{{"AccessionNumber", "A\x1b[2J"}, {"PatientID", "0000123"}, {"StudyDate", "20090131"}, {"pacs", "gh-rad"}}}},
      {"rows",
       {{{"input", "0000123"}, {"outcome", "found"}},
        {{"input", "9*"}, {"outcome", "invalid"}, {"message", "wildcard"}}}}};
  const auto found = run("studies find 0000123 '9*'");
  BOOST_TEST(found.code == 3);
  BOOST_TEST(found.output.find("2 lines: 1 found, 1 invalid") != std::string::npos);
  BOOST_TEST(found.output.find('\x1b') == std::string::npos);
  const auto as_json = json::parse(run("studies find --json 0000123 '9*'").output, nullptr, false);
  BOOST_TEST(as_json["counts"]["invalid"] == 1);
}

BOOST_AUTO_TEST_CASE(shows_the_ten_columns_of_the_cache_and_the_quota) {
  site.answers["cache.list"] = json{{"items",
                                     {{{"AccessionNumber", "A1"},
                                       {"institution", "mgh"},
                                       {"department", "Radiology"},
                                       {"PatientID", "0000123"},
                                       {"Modality", "MR"},
                                       {"bytes", 2048}}}},
                                    {"total", 1}};
  site.answers["cache.usage"] = json{{"quota", 1000}, {"used", 450}, {"reserved", 0}, {"studies", 1}};
  for (const auto* column : {"Accession", "Institution", "Department", "MRN", "Cached", "Study date/time", "Modality",
                             "Size", "Last download by", "Last download", "0000123", "2 KiB", "45 % of 1000 B"})
    check("cache list", 0, column);
}

BOOST_AUTO_TEST_CASE(counts_the_cache_by_its_columns) {
  site.answers["cache.facets"] = json{
      {"facets",
       {{"Modality", {{"values", {{{"value", "MR"}, {"count", 3}}, {{"value", "CT"}, {"count", 1}}}}, {"other", 2}}},
        {"bytes", {{"least", 1024}, {"greatest", 4096}}}}}};
  const auto found = run("cache facets modality size");
  BOOST_TEST(found.code == 0);
  for (const auto* shown : {"Modality  MR", "(others)", "1 KiB to 4 KiB", "[####################]"})
    BOOST_TEST(found.output.find(shown) != std::string::npos, found.output);
  check("cache facets nonsense", 2, "there are: accession, institution");
}

BOOST_AUTO_TEST_CASE(prints_no_list_as_csv_but_lists) {
  check("whoami --output csv", 2, "take --json");
  check("cache list --output xml", 2, "not in");
}

BOOST_AUTO_TEST_CASE(calls_nothing_agreed_unless_its_own_check_was_seen_to_end) {
  site.answers["cache.check"] = json{{"running", false}};
  check("admin check --follow", 3, "nothing was checked since the server was started");
  site.answers["cache.check"] = json{{"run", "0a"}, {"running", true}};
  check("admin check", 3, "the check did not end");
  site.answers["cache.check 0a"] = json{{"run", "0a"}, {"running", false}, {"ended", "2026-03-01T09:05:07Z"}};
  check("admin check", 0, "Everything agrees.");
  site.answers["cache.check 0a"]["problem"] = "shard 0: given up";
  check("admin check", 3, "Not everything was checked: shard 0: given up");
}

BOOST_AUTO_TEST_CASE(takes_a_download_home_verifies_it_and_finds_what_was_altered) {
  check("download --to home --study 1.2.1 --passphrase-file passphrase", 0, "5 images");
  const auto listed = run("open list home --passphrase-file passphrase");
  BOOST_TEST(listed.code == 0, listed.output);
  BOOST_TEST(listed.output.find("Patient 0000123: 1 study") != std::string::npos, listed.output);
  BOOST_TEST(listed.output.find("2 patients, 3 studies, 5 images") != std::string::npos, listed.output);
  check("open verify home --passphrase-file passphrase", 0, "5 files");
  check("download --to home --all --passphrase-file passphrase", 1, "--resume");
  check("open view home --select 99 --passphrase-file passphrase", 6, "images 1 to 5");
  put_content(scratch.path() / "wrong", "not the passphrase\n");
  ::chmod((scratch.path() / "wrong").c_str(), 0600);
  check("open list home --passphrase-file wrong", 4, "does not open the download");
  const auto file = scratch.path() / "home/0001/0001/000001.sealed";
  auto altered = content_of(file);
  altered[altered.size() / 2] = static_cast<char>(altered[altered.size() / 2] ^ 1);
  put_content(file, altered);
  check("open verify home --passphrase-file passphrase", 4, "0001/0001/000001.sealed: authentication_failed");
  check("open list nowhere --passphrase-file passphrase", 6, "holds no download");
}

BOOST_AUTO_TEST_CASE(goes_on_with_a_download_that_was_cut_off) {
  site.close_after(9);
  check("key new mykey", 0, "nobody can help");
  check("download --to home --study 1.2.1 --key-file mykey", 0, "5 images");
  std::filesystem::remove(scratch.path() / "home/0003/0001/000001.sealed");
  check("open verify home --key-file mykey", 4, "0003/0001/000001.sealed");
  check("download --resume home --key-file mykey", 0, "5 images");
  check("open verify home --key-file mykey", 0, "5 files");
}

BOOST_AUTO_TEST_CASE(goes_on_by_itself_when_it_is_run_again_on_an_unfinished_download) {
  site.refuse_to_open(0, "");
  site.end_session_after(9, "conflict");
  check("key new mykey", 0, "nobody can help");
  check("download --to home --study 1.2.1 --key-file mykey", 1, "go on with: penstock download --resume home");
  check("download --to home --study 1.2.1 --key-file mykey", 0, "Every one was read back");
  check("download --to home --study 1.2.1 --key-file mykey", 1, "holds a download already");
  check("download --resume home --key-file mykey --no-verify", 0, "5 images");
}

BOOST_AUTO_TEST_CASE(wants_room_on_the_disk_before_it_begins_and_can_go_on_later) {
  site.announced_bytes = std::uint64_t{1} << 60;
  check("key new mykey", 0, "nobody can help");
  check("download --to home --study 1.2.1 --key-file mykey", 1, "make room");
  BOOST_TEST(site.data().connections() == 0);
  BOOST_TEST(std::filesystem::exists(scratch.path() / "home/penstock-download.json"));
}

BOOST_AUTO_TEST_CASE(removes_what_was_damaged_on_the_disk_so_that_it_comes_again) {
  check("key new mykey", 0, "nobody can help");
  check("download --to home --study 1.2.1 --key-file mykey", 0, "5 images");
  const auto file = scratch.path() / "home/0001/0001/000001.sealed";
  const auto good = content_of(file);
  auto altered = good;
  altered[good.size() / 2] ^= 1;
  put_content(file, altered);
  check("download --resume home --key-file mykey", 4, "1 image");
  BOOST_TEST(!std::filesystem::exists(file));
  check("download --resume home --key-file mykey", 0, "5 images");
  BOOST_TEST(content_of(file) == good);
}

BOOST_AUTO_TEST_CASE(takes_what_a_kill_left_of_its_record_for_nothing) {
  check("key new mykey", 0, "nobody can help");
  std::filesystem::create_directory(scratch.path() / "home");
  put_content(scratch.path() / "home/penstock-download.json.new", "{");
  check("download --to home --study 1.2.1 --key-file mykey", 0, "5 images");
  std::filesystem::create_directory(scratch.path() / "full");
  put_content(scratch.path() / "full/letter.txt", "hello");
  check("download --to full --study 1.2.1 --key-file mykey", 1, "not empty");
}

BOOST_AUTO_TEST_CASE(leaves_no_plaintext_behind) {
  check("download --to home --study 1.2.1 --passphrase-file passphrase", 0, "sealed");
  const auto& data_key = site.sent().facts().key;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{scratch.path() / "home"}) {
    if (!entry.is_regular_file()) continue;
    const auto content = content_of(entry.path());
    for (const auto& clear :
         {std::string{plaintext_canary}, std::string{"0000123"}, std::string{"1.2.1.9"},
          penstock::storage::to_base64(data_key.view()), penstock::storage::to_hex(data_key.view())})
      BOOST_TEST(content.find(clear) == std::string::npos, entry.path().string());
  }
}

BOOST_AUTO_TEST_CASE(lets_a_colleague_open_a_download_and_changes_the_passphrase_without_touching_it) {
  check("download --to home --study 1.2.1 --passphrase-file passphrase", 0, "The passphrase is strong");
  const auto sealed = content_of(scratch.path() / "home/0001/0001/000001.sealed");
  const auto raj = make_user_key().value();
  BOOST_REQUIRE(save_user_key(scratch.path() / "raj", raj).ok());
  const auto exported = json::parse(run("--key raj --json key export").output, nullptr, false);
  BOOST_TEST(exported["public"] == raj.public_key);
  check("--key raj open list home", 2, "--passphrase-file");
  check("key add home --for '" + raj.public_key + "' --label raj --with-passphrase-file passphrase", 0, "2 holders");
  check("key add home --for '" + raj.public_key + "' --with-passphrase-file passphrase", 1, "already");
  check("--key raj open list home", 0, "5 images");
  ::chmod((scratch.path() / "raj").c_str(), 0644);
  check("--key raj open list home", 2, "--passphrase-file");
  ::chmod((scratch.path() / "raj").c_str(), 0600);
  check("key show home", 0, exported["fingerprint"].get<std::string>());
  check("key new mykey", 0, "fingerprint");
  check("--key raj key add home --key-file mykey", 0, "3 holders");
  check("open list home --key-file mykey", 0, "5 images");
  put_content(scratch.path() / "short", "aaaaaaaaa\n");
  put_content(scratch.path() / "other", "an old ferry sinks near Lisbon\n");
  for (const auto* name : {"short", "other"}) ::chmod((scratch.path() / name).c_str(), 0600);
  check("key passphrase home --passphrase-file passphrase --new-passphrase-file short", 2, "first that anybody tries");
  check("key passphrase home --passphrase-file other --new-passphrase-file passphrase", 4, "does not open");
  check("key passphrase home --passphrase-file passphrase --new-passphrase-file other", 0, "nobody can help");
  check("open list home --passphrase-file passphrase", 4, "does not open");
  check("open list home --passphrase-file other", 0, "5 images");
  BOOST_TEST(content_of(scratch.path() / "home/0001/0001/000001.sealed") == sealed);
}

BOOST_AUTO_TEST_CASE(never_removes_the_last_holder_nor_the_one_that_is_needed) {
  check("key new mykey", 0, "");
  check("download --to home --study 1.2.1 --key-file mykey", 0, "");
  check("key remove home 1 --with-key-file mykey", 1, "last holder");
  check("key add home --passphrase-file passphrase --with-key-file mykey", 0, "2 holders");
  check("key remove home 2", 2, "nothing was removed");
  check("key remove home 1 --with-key-file mykey", 2, "nothing was removed");
  check("key remove home 9 --with-key-file mykey", 6, "no holder is called so");
  check("key remove home 1 --with-passphrase-file passphrase", 0, "Removed: key file");
  const auto own = "'" + key.public_key + "'";
  check("key add home --for " + own + " --with-passphrase-file passphrase", 0, "2 holders");
  check("key remove home 1", 0, "Removed: passphrase");
  ::chmod((scratch.path() / "key").c_str(), 0644);
  check("open list home", 6, "chmod 600");
  ::chmod((scratch.path() / "key").c_str(), 0600);
  check("open list home", 0, "5 images");
  check("key add home --passphrase-file passphrase", 0, "2 holders");
  check("open list home --key-file mykey", 2, "no key file opens this download");
  check("open list home --passphrase-file passphrase", 0, "5 images");
}

BOOST_AUTO_TEST_CASE(shows_a_tree_and_tells_of_files_that_are_missing_or_too_many) {
  check("key new mykey", 0, "");
  check("download --to home --study 1.2.1 --key-file mykey", 0, "");
  check("open list home --key-file mykey", 0,
        "Patient 0000123: 1 study\n  Study 1: 2 series\n    Series 1  MR  1 image");
  check("open list home --key-file mykey --images", 0, "      Image 2  instance 1  216 B  0001/0002/000001.sealed");
  const auto tree = json::parse(run("open list home --key-file mykey --images --json").output, nullptr, false);
  BOOST_TEST(tree["patients"][0]["studies"][0]["series"][1]["list"][0]["image"] == 2);
  put_content(scratch.path() / "home/0001/letter.txt", "hello");
  check("open verify home --key-file mykey", 3, "0001/letter.txt: no file of this download");
  std::filesystem::remove(scratch.path() / "home/0001/0002/000001.sealed");
  check("open verify home --key-file mykey", 4, "0001/0002/000001.sealed: missing");
}

BOOST_AUTO_TEST_CASE(writes_plain_files_only_when_it_is_sure_and_tells_the_server) {
  check("key new mykey", 0, "");
  check("download --to home --study 1.2.1 --key-file mykey", 0, "");
  check("open export home --plain out --key-file mykey", 2, "give --yes");
  check("open export home --plain out --key-file mykey --yes --dicomdir --layout spl", 2, "--layout media");
  BOOST_TEST(!std::filesystem::exists(scratch.path() / "out"));
  check("open export home --plain out --key-file mykey --yes", 0, "could not be noted with the server: not there");
  BOOST_TEST(content_of(scratch.path() / "out/0000123/nodate_MR/1/000001.dcm") == site.sent().plain(2));
  check("open export home --plain out --key-file mykey --yes", 1, "not empty");
  site.answers["download.exported"] = json::object();
  check("open export home --plain spl --layout spl --key-file mykey --yes", 0, "The server has noted it");
  BOOST_TEST(content_of(scratch.path() / "spl/MR.MOD/UNKNOWN.STA/nodate.DAY/1.2.1.UID/1.SER/000001.dcm") ==
             site.sent().plain(2));
  check("--server tcp://127.0.0.1:1 open export home --plain again --key-file mykey --yes", 0, "nothing answers");
  check("download --to named --study 1.2.1 --plain", 0, "5 images");
  BOOST_TEST(content_of(scratch.path() / "named/0000123/nodate_MR/1/000001.dcm") == site.sent().plain(2));
  BOOST_TEST(!std::filesystem::exists(scratch.path() / "named/MR"));
  check("download --to sealed --study 1.2.1 --layout spl --key-file mykey", 2, "for --plain");
}

BOOST_AUTO_TEST_CASE(sends_to_this_machine_only_and_parses_hostile_files_without_harm) {
  check("key new mykey", 0, "");
  check("download --to home --study 1.2.1 --key-file mykey", 0, "");
  check("open send home SLICER@10.0.0.7:104 --key-file mykey", 2, "this machine only");
  check("open send home SLICER --key-file mykey", 2, "AE@HOST:PORT");
  check("open send home SLICER@127.0.0.1:1 --key-file mykey", 3, "Image 1 (0001/0001/000001.sealed)");
  check("open attributes home 1 --key-file mykey", 1, "0001/0001/000001.sealed: not a DICOM file");
  check("open attributes home 9 --key-file mykey", 6, "images 1 to 5");
}

BOOST_AUTO_TEST_CASE(makes_a_key_once_and_never_shows_its_secret) {
  const auto made = run("--key fresh keygen");
  BOOST_TEST(made.code == 0);
  const auto fresh = load_user_key(scratch.path() / "fresh");
  BOOST_REQUIRE(fresh.ok());
  BOOST_TEST(made.output.find(fresh->public_key) != std::string::npos);
  BOOST_TEST(made.output.find(fresh->secret_key.reveal()) == std::string::npos);
  check("--key fresh keygen", 1, "exists already");
  ::chmod((scratch.path() / "fresh").c_str(), 0644);
  check("--key fresh whoami", 6, "chmod 600");
}

BOOST_AUTO_TEST_SUITE_END()
