#pragma once
// Turns one frame of a DICOM file into 8-bit pixels. The file comes from a peer and its decoders are large: call
// `decode_image` in a sandboxed child only (decoder_child.hpp).

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "messages/result.hpp"

namespace penstock::commands {

constexpr std::uint64_t most_image_pixels = 64ULL * 1024 * 1024;

/// Window centre and width, in the units that the modality's rescale gives (PS3.3 section C.11.2.1.2).
struct grey_window {
  double centre = 0;
  double width = 0;
};

struct rendering {
  std::uint32_t frame = 0;            ///< from 0
  std::optional<grey_window> window;  ///< none: the first of the file, else from the darkest to the brightest pixel
  bool full_range = false;            ///< from the darkest to the brightest pixel, whatever the file says
};

struct decoded_image {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  bool colour = false;               ///< three bytes a pixel (red, green, blue), else one (0 is black)
  std::vector<std::uint8_t> pixels;  ///< row by row
  std::uint32_t frames = 1;
  std::optional<grey_window> window{};  ///< the one that it was drawn with; none in colour
};

/// Loads the dictionary and registers the decoders; before the sandbox closes.
void prepare_image_decoder();

/// errc::bad_request when the file has no such image, or of a kind that is not supported; errc::corrupt when it is
/// broken; errc::too_large over `most_image_pixels`.
[[nodiscard]] messages::result<decoded_image> decode_image(std::span<const std::uint8_t> part10, const rendering& how);

}  // namespace penstock::commands
