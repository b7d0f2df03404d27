#include "tools/penstock/plain_files.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <thread>
#include <utility>

#include "tools/client/local_file.hpp"

namespace penstock::commands {
namespace {

namespace fs = std::filesystem;
using client::plain_layout;
using messages::errc;
using messages::fail;

constexpr int not_installed = 127;
/// It reads every file once: many times what a full disk of images takes.
constexpr std::chrono::hours longest_dicomdir{1};
constexpr std::chrono::milliseconds look_again_every{20};

/// The exit code of a program that is given no input and whose words go nowhere; -1 when it died or was killed after
/// `longest`.
int run_quietly(const std::vector<std::string>& command, std::chrono::milliseconds longest) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const auto child = ::fork();
  if (child < 0) return -1;
  if (child == 0) {
    const int nothing = ::open("/dev/null", O_RDWR);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nothing, standard);
    ::execvp(arguments[0], arguments.data());
    ::_exit(not_installed);
  }
  int status = 0;
  const auto end = std::chrono::steady_clock::now() + longest;
  for (;;) {
    const auto ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) break;
    if (ended < 0 && errno != EINTR) return -1;
    if (std::chrono::steady_clock::now() >= end) ::kill(child, SIGKILL);
    std::this_thread::sleep_for(look_again_every);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

client::series_words words_in(const std::vector<attribute>& attributes) {
  return {value_of(attributes, "StudyDate"), value_of(attributes, "AccessionNumber"),
          value_of(attributes, "StationName"), value_of(attributes, "SeriesDescription")};
}

/// A file of this download, as it was received.
result<storage::secret_bytes> read_plain_file(const fs::path& path) {
  const auto file = client::open_for_reading(path);
  if (!file) return file.error();
  const auto bytes = client::size_of(*file);
  if (!bytes) return bytes.error();
  auto content = storage::secret_bytes::of_size(*bytes);
  if (auto read = client::read_at(*file, content.writable(), 0); !read) return read.error();
  return content;
}

}  // namespace

void add_plain_flags(CLI::App& command, plain_flags& flags) {
  command
      .add_option("--layout", flags.layout,
                  "Names of the files: readable (PatientID/StudyDate_Modality_Accession/Series_Description), spl\n"
                  "(MODALITY.MOD/STATION.STA/DATE.DAY/STUDYUID.UID/SERIES.SER) or media (PT000001/ST000001/...)")
      ->check(CLI::IsMember({"readable", "spl", "media"}));
  command.add_flag("--dicomdir", flags.dicomdir, "Write a DICOMDIR, too; the layout is media then (PS3.10)");
}

result<plain_layout> layout_of(const plain_flags& flags) {
  if (flags.dicomdir && !flags.layout.empty() && flags.layout != "media")
    return fail(errc::bad_request,
                "a DICOMDIR may only name files of at most eight capitals and digits: --layout media");
  if (flags.layout.empty()) return flags.dicomdir ? plain_layout::media : plain_layout::readable;
  return client::plain_layout_named(flags.layout);
}

std::vector<std::string> name_files(const client::download_manifest& manifest,
                                    const std::vector<client::placement>& places, plain_layout layout,
                                    decoder_child& reader, const read_object& read) {
  std::map<client::series_place, client::series_words> words;
  const bool needs_words = layout == plain_layout::readable || layout == plain_layout::spl;
  for (std::size_t i = 0; needs_words && i < places.size(); ++i) {
    const auto& place = places[i];
    if (!manifest.objects[i].error.empty() || words.contains({place.study, place.series})) continue;
    auto& found = words[{place.study, place.series}];
    const auto file = read(i);
    if (!file) continue;
    if (const auto attributes = reader.attributes(file->view()); attributes) found = words_in(*attributes);
  }
  return client::plain_paths(manifest, places, words, layout);
}

result<void> write_plain_file(const fs::path& path, std::span<const std::uint8_t> content) {
  if (auto made = client::make_private_directory(path.parent_path()); !made) return made;
  const auto file = client::open_for_writing(path);
  if (!file) return file.error();
  return client::write_at(*file, content, 0);
}

result<void> sync_everything(const fs::path& folder) {
  const auto opened = client::open_for_reading(folder);
  if (!opened) return opened.error();
  if (::syncfs(opened->get()) == 0) return {};
  return fail(errc::io_error, "sync " + folder.string() + ": " + std::strerror(errno));
}

result<void> move_plain_file(const fs::path& folder, const std::string& from, const std::string& to) {
  if (from == to) return {};
  if (auto made = client::make_private_directory((folder / to).parent_path()); !made) return made;
  std::error_code error;
  fs::rename(folder / from, folder / to, error);
  if (error) return fail(errc::io_error, "rename a file in " + folder.string() + ": " + error.message());
  for (auto above = (folder / from).parent_path(); above != folder && fs::is_empty(above, error) && !error;
       above = above.parent_path())
    fs::remove(above, error);
  return {};
}

result<plain_output> plain_output::prepare(const plain_flags& flags) {
  const auto layout = layout_of(flags);
  if (!layout) return layout.error();
  auto reader = decoder_child::start();
  if (!reader) return reader.error();
  return plain_output{*layout, flags.dicomdir, std::move(*reader)};
}

result<void> name_received_files(const fs::path& folder, const client::download_manifest& manifest,
                                 plain_output& output) {
  const auto places = client::place_objects(manifest);
  const auto came = client::plain_paths(manifest, places, {}, client::plain_layout::ordinals);
  const auto named = name_files(manifest, places, output.layout, output.reader,
                                [&](std::size_t object) { return read_plain_file(folder / came[object]); });
  std::error_code error;
  for (std::size_t i = 0; i < came.size(); ++i) {
    if (came[i].empty() || !fs::exists(folder / came[i], error)) continue;
    if (auto moved = move_plain_file(folder, came[i], named[i]); !moved) return moved;
  }
  if (auto synced = sync_everything(folder); !synced) return synced;
  return output.dicomdir ? write_dicomdir(folder) : result<void>{};
}

result<void> write_dicomdir(const fs::path& folder) {
  const auto code = run_quietly(
      {"dcmmkdir", "--quiet", "--recurse", "--general-purpose", "--invent", "--no-xfer-check", "--no-consistency-check",
       "--allow-retired-sop", "--output-file", (folder / "DICOMDIR").string(), "--input-directory", folder.string()},
      longest_dicomdir);
  if (code == 0) return {};
  if (code == not_installed)
    return fail(errc::not_found, "the DICOMDIR needs the program dcmmkdir: apt-get install dcmtk");
  return fail(errc::io_error, "dcmmkdir could not make a DICOMDIR of " + folder.string() + "; the files are there");
}

}  // namespace penstock::commands
