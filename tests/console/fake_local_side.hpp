#pragma once
// A machine with two downloads: one that a passphrase opens, one that was cut.

#include <map>
#include <string>
#include <vector>

#include "tools/console/local_side.hpp"

namespace penstock::console::testing {

class fake_files : public local_files {
 public:
  static constexpr auto passphrase = "correct horse battery staple";
  std::vector<local_folder> folders{{"/images/alz-1", true, "complete", "alz-brain", 5, 2'700'000},
                                    {"/images/alz-2", true, "receiving", "alz-brain", 2, 900'000}};
  std::vector<image_place> drawn;
  std::vector<commands::rendering> how;
  std::vector<std::string> removed;
  std::vector<std::function<void()>> timers;
  std::function<void()> later;
  bool broken = false;

  void find(const std::string&, then<std::vector<local_folder>> found) override { found(folders); }
  void open(const std::string&, const folder_key& key, then<folder_content> opened) override {
    later = [key, opened] { answer_open(key, opened); };
  }
  /// What a form asked for is answered when it is closed.
  void answer() {
    if (const auto now = std::exchange(later, {})) now();
  }
  static void answer_open(const folder_key& key, const then<folder_content>& opened) {
    if (key.empty()) return opened(messages::fail(messages::errc::not_permitted, "it is sealed"));
    if (key.passphrase.reveal() != passphrase)
      return opened(
          messages::fail(messages::errc::authentication_failed, "this passphrase does not open the download"));
    opened(content());
  }
  void draw(const image_place& which, const commands::rendering& wish, then<commands::decoded_image> give) override {
    drawn.push_back(which);
    how.push_back(wish);
    if (broken) return give(messages::fail(messages::errc::corrupt, "the decoder died of this image"));
    commands::decoded_image image{64, 64, false, std::vector<std::uint8_t>(64 * 64)};
    for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<std::uint8_t>(i % 64 * 4);
    image.window = wish.window.value_or(commands::grey_window{500, 1000});
    give(image);
  }
  void read_attributes(const image_place&, then<std::vector<commands::attribute>> read) override {
    read(std::vector<commands::attribute>{{0, "00080020", "DA", "StudyDate", 8, "20140811"},
                                          {0, "00100010", "PN", "PatientName", 12, "O’Brien^José"},
                                          {0, "00081030", "LO", "StudyDescription", 8, "BRAIN"}});
  }
  void remove(const local_folder& folder, then<removed_files> done) override {
    removed.push_back(folder.path);
    done(removed_files{7, folder.bytes, 0});
  }
  void measure_room(const std::string&, then<std::uint64_t> measured) override { measured(212'000'000'000ULL); }
  void call_after(std::chrono::milliseconds, std::function<void()> call) override { timers.push_back(std::move(call)); }

  static folder_content content() {
    return {{"107001",
             {{"study 1",
               {{"1  MR  3 images", {{0, "image 1"}, {1, "image 2"}, {2, "image 3"}}},
                {"2  CT  1 image", {{3, "image 1"}}}}}}},
            {"107002", {{"study 2", {{"1  CT  1 image", {{4, "image 1"}}}}}}}};
  }
};

/// Programs that never run: the test says what they say.
class fake_programs : public program_runner {
 public:
  struct started {
    std::vector<std::string> arguments;
    std::string input;
    line_handler on_line;
    end_handler on_end;
  };
  std::vector<started> all;
  std::vector<int> interrupted;

  result<int> start(const std::vector<std::string>& arguments, const client::secret_text& input, line_handler on_line,
                    end_handler on_end) override {
    all.push_back({arguments, std::string{input.reveal()}, std::move(on_line), std::move(on_end)});
    return static_cast<int>(all.size()) - 1;
  }
  void interrupt(int which) override { interrupted.push_back(which); }
};

struct fake_machine {
  fake_files files;
  fake_programs programs;
  transfer_queue transfers{programs, [] {}};
  local_side local{files, transfers, {"--project", "alz-brain"}, "/images"};
};

}  // namespace penstock::console::testing
