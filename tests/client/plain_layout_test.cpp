#include "tools/client/plain_layout.hpp"

#include <boost/test/unit_test.hpp>
#include <cctype>
#include <set>

using namespace penstock::client;
using penstock::messages::dicom_uid;
using penstock::messages::protected_text;

namespace {

manifest_object object(std::uint32_t index, const std::string& patient, const std::string& study,
                       const std::string& series, const std::string& modality = "MR") {
  manifest_object made;
  made.index = index;
  made.patient_id = protected_text{patient};
  made.study = dicom_uid{study};
  made.series = dicom_uid{series};
  made.instance = dicom_uid{series + "." + std::to_string(index)};
  made.series_number = 2;
  made.instance_number = index;
  made.modality = modality;
  return made;
}

std::vector<std::string> paths_of(const download_manifest& manifest, const series_words& words, plain_layout layout) {
  const auto places = place_objects(manifest);
  std::map<series_place, series_words> all;
  for (const auto& place : places) all[{place.study, place.series}] = words;
  return plain_paths(manifest, places, all, layout);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plain_layouts)

BOOST_AUTO_TEST_CASE(names_files_as_people_read_them) {
  const download_manifest manifest{"p", "d", {object(1, "0000123", "1.2", "1.2.1")}};
  const series_words words{"20090131", "A1", "SCANNER 2", "T1 axial"};
  BOOST_TEST(paths_of(manifest, words, plain_layout::readable)[0] == "0000123/20090131_MR_A1/2_T1_axial/000001.dcm");
  BOOST_TEST(paths_of(manifest, words, plain_layout::spl)[0] ==
             "MR.MOD/SCANNER_2.STA/20090131.DAY/1.2.UID/2.SER/000001.dcm");
  BOOST_TEST(paths_of(manifest, words, plain_layout::media)[0] == "PT000001/ST000001/SE000001/IM000001");
  BOOST_TEST(paths_of(manifest, {}, plain_layout::readable)[0] == "0000123/nodate_MR/2/000001.dcm");
}

BOOST_AUTO_TEST_CASE(hostile_values_become_harmless_names) {
  for (const auto* hostile : {"..", "../../etc/passwd", "/etc", "a/../b", "", ".", "...", "   ", "\x1b[2J", "-rf",
                              "CON", "aux.txt", "LPT1", "name.", "a\nb", "\\\\host\\share", "C:", "~root", "$(id)"}) {
    const auto name = safe_name(hostile);
    BOOST_TEST(!name.empty(), hostile);
    BOOST_TEST(name.size() <= longest_safe_name + 1, hostile);
    BOOST_TEST(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._") ==
                   std::string::npos,
               hostile);
    BOOST_TEST((name.front() != '.' && name.front() != '-' && name.back() != '.'), hostile);
  }
  BOOST_TEST(safe_name("CON") == "_CON");
  BOOST_TEST(safe_name("aux.txt") == "_aux.txt");
  BOOST_TEST(safe_name("COM9") == "_COM9");
  BOOST_TEST(safe_name("CONTRAST") == "CONTRAST");
  BOOST_TEST(safe_name(std::string(300, 'a')).size() == longest_safe_name);
}

BOOST_AUTO_TEST_CASE(different_things_never_share_a_name_whatever_the_case) {
  download_manifest manifest{"p", "d", {}};
  std::uint32_t index = 0;
  for (const auto* patient : {"a/b", "a_b", "A_B", "..", "unknown"})
    for (const auto* study : {"1.1", "1.2"})
      for (const auto* series : {"1", "2"})
        for (int i = 0; i < 2; ++i)
          manifest.objects.push_back(object(++index, patient, std::string{study} + "." + patient,
                                            std::string{study} + "." + patient + "." + series));
  for (const auto layout : {plain_layout::readable, plain_layout::spl, plain_layout::media, plain_layout::ordinals}) {
    std::set<std::string> seen;
    for (auto path : paths_of(manifest, {"20090131", "A/1", "s", "x/../y"}, layout)) {
      for (auto& c : path) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      BOOST_TEST(path.find("..") == std::string::npos, path);
      BOOST_TEST(path.front() != '/', path);
      BOOST_TEST(seen.insert(path).second, path);
    }
    BOOST_TEST(seen.size() == manifest.objects.size());
  }
}

BOOST_AUTO_TEST_CASE(what_was_not_sent_has_no_path) {
  download_manifest manifest{"p", "d", {object(1, "1", "1.2", "1.2.1")}};
  manifest.objects[0].error = "corrupt";
  BOOST_TEST(paths_of(manifest, {}, plain_layout::readable)[0].empty());
  BOOST_TEST(!plain_layout_named("../x").ok());
}

BOOST_AUTO_TEST_SUITE_END()
