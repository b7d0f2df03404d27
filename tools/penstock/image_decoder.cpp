#include "tools/penstock/image_decoder.hpp"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmimage/diregist.h>  // colour images, by being included
#include <dcmtk/dcmimgle/dcmimage.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "tools/penstock/part10_reader.hpp"

namespace penstock::commands {
namespace {

using messages::errc;
using messages::fail;
using messages::result;

/// A code stream in memory, as OpenJPEG reads it.
struct memory_stream {
  std::span<const std::uint8_t> bytes;
  std::size_t offset = 0;
};

OPJ_SIZE_T read_stream(void* into, OPJ_SIZE_T wanted, void* user) {
  auto& stream = *static_cast<memory_stream*>(user);
  if (stream.offset >= stream.bytes.size()) return static_cast<OPJ_SIZE_T>(-1);
  const auto given = std::min(wanted, stream.bytes.size() - stream.offset);
  std::memcpy(into, stream.bytes.data() + stream.offset, given);
  stream.offset += given;
  return given;
}

OPJ_OFF_T skip_stream(OPJ_OFF_T by, void* user) {
  auto& stream = *static_cast<memory_stream*>(user);
  if (by < 0) return -1;
  stream.offset += static_cast<std::size_t>(by);
  return by;
}

OPJ_BOOL seek_stream(OPJ_OFF_T to, void* user) {
  static_cast<memory_stream*>(user)->offset = static_cast<std::size_t>(std::max<OPJ_OFF_T>(to, 0));
  return OPJ_TRUE;
}

using j2k_image = std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)>;

j2k_image decode_code_stream(std::span<const std::uint8_t> bytes) {
  constexpr OPJ_SIZE_T stream_buffer = 65536;
  const bool boxed = bytes.size() > 12 && std::memcmp(bytes.data() + 4, "jP  ", 4) == 0;
  const std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)> codec{
      opj_create_decompress(boxed ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K), opj_destroy_codec};
  const std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)> stream{opj_stream_create(stream_buffer, OPJ_TRUE),
                                                                            opj_stream_destroy};
  j2k_image image{nullptr, opj_image_destroy};
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  if (!codec || !stream || opj_setup_decoder(codec.get(), &parameters) == OPJ_FALSE) return image;
  memory_stream source{bytes};
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), bytes.size());
  opj_stream_set_read_function(stream.get(), read_stream);
  opj_stream_set_skip_function(stream.get(), skip_stream);
  opj_stream_set_seek_function(stream.get(), seek_stream);
  opj_image_t* read = nullptr;
  const bool known = opj_read_header(stream.get(), codec.get(), &read) == OPJ_TRUE;
  image.reset(read);
  if (!known || std::uint64_t{read->x1} * read->y1 > most_image_pixels) return {nullptr, opj_image_destroy};
  if (opj_decode(codec.get(), stream.get(), read) == OPJ_FALSE) image.reset();
  return image;
}

bool components_agree(const opj_image_t& image) {
  if (image.numcomps != 1 && image.numcomps != 3) return false;
  return std::all_of(image.comps, image.comps + image.numcomps, [&](const opj_image_comp_t& one) {
    return one.data != nullptr && one.w == image.comps[0].w && one.h == image.comps[0].h && one.prec <= 16;
  });
}

/// The code stream of one frame. Several fragments make one frame only when the file has one.
std::vector<std::uint8_t> fragments_of_frame(DcmDataset& data, std::uint32_t frame) {
  std::vector<std::uint8_t> bytes;
  DcmElement* element = nullptr;
  DcmPixelSequence* sequence = nullptr;
  E_TransferSyntax syntax = data.getOriginalXfer();
  const DcmRepresentationParameter* parameter = nullptr;
  if (data.findAndGetElement(DCM_PixelData, element).bad() || element == nullptr) return bytes;
  auto* pixels = dynamic_cast<DcmPixelData*>(element);
  if (pixels == nullptr) return bytes;
  pixels->getOriginalRepresentationKey(syntax, parameter);
  if (pixels->getEncapsulatedRepresentation(syntax, parameter, sequence).bad() || sequence == nullptr) return bytes;
  Sint32 frames = 1;
  data.findAndGetSint32(DCM_NumberOfFrames, frames);
  const auto first = frames > 1 ? frame + 1 : 1U;
  const auto last = frames > 1 ? first + 1 : static_cast<std::uint32_t>(sequence->card());
  for (auto i = first; i < last; ++i) {
    DcmPixelItem* item = nullptr;
    Uint8* fragment = nullptr;
    if (sequence->getItem(item, i).bad() || item->getUint8Array(fragment).bad() || fragment == nullptr) return {};
    bytes.insert(bytes.end(), fragment, fragment + item->getLength());
  }
  return bytes;
}

void copy_text(DcmDataset& from, DcmDataset& to, const DcmTagKey& tag) {
  OFString value;
  if (from.findAndGetOFStringArray(tag, value).good()) to.putAndInsertOFStringArray(tag, value);
}

/// DCMTK has no JPEG 2000 decoder: a data set with the decoded pixels takes the place of the compressed one.
result<std::unique_ptr<DcmDataset>> expanded_jpeg_2000(DcmDataset& data, std::uint32_t frame) {
  const auto image = decode_code_stream(fragments_of_frame(data, frame));
  if (!image || !components_agree(*image)) return fail(errc::corrupt, "the JPEG 2000 image cannot be decoded");
  const auto& first = image->comps[0];
  const std::size_t pixels = std::size_t{first.w} * first.h;
  std::vector<Uint16> samples;
  samples.reserve(pixels * image->numcomps);
  for (std::size_t i = 0; i < pixels; ++i)
    for (OPJ_UINT32 c = 0; c < image->numcomps; ++c)
      samples.push_back(static_cast<Uint16>(static_cast<std::uint32_t>(image->comps[c].data[i]) & 0xffffU));
  auto expanded = std::make_unique<DcmDataset>();
  const bool colour = image->numcomps == 3;
  OFString photometric{"RGB"};
  if (!colour) data.findAndGetOFString(DCM_PhotometricInterpretation, photometric);
  const auto bits = static_cast<Uint16>(first.prec);
  expanded->putAndInsertOFStringArray(DCM_PhotometricInterpretation, photometric);
  expanded->putAndInsertUint16(DCM_SamplesPerPixel, static_cast<Uint16>(image->numcomps));
  expanded->putAndInsertUint16(DCM_PlanarConfiguration, 0);
  expanded->putAndInsertUint16(DCM_Rows, static_cast<Uint16>(first.h));
  expanded->putAndInsertUint16(DCM_Columns, static_cast<Uint16>(first.w));
  expanded->putAndInsertUint16(DCM_BitsAllocated, 16);
  expanded->putAndInsertUint16(DCM_BitsStored, bits);
  expanded->putAndInsertUint16(DCM_HighBit, static_cast<Uint16>(bits - 1));
  expanded->putAndInsertUint16(DCM_PixelRepresentation, static_cast<Uint16>(first.sgnd));
  for (const auto& tag :
       {DCM_RescaleSlope, DCM_RescaleIntercept, DCM_WindowCenter, DCM_WindowWidth, DCM_VOILUTFunction})
    copy_text(data, *expanded, tag);
  expanded->putAndInsertUint16Array(DCM_PixelData, samples.data(), samples.size());
  return expanded;
}

bool is_jpeg_2000(E_TransferSyntax syntax) { return syntax == EXS_JPEG2000LosslessOnly || syntax == EXS_JPEG2000; }

result<decoded_image> render(DicomImage& image, const rendering& how) {
  if (image.getStatus() != EIS_Normal)
    return fail(errc::bad_request, std::string{"no image can be drawn: "} + DicomImage::getString(image.getStatus()));
  decoded_image drawn;
  drawn.width = static_cast<std::uint32_t>(image.getWidth());
  drawn.height = static_cast<std::uint32_t>(image.getHeight());
  drawn.colour = !image.isMonochrome();
  if (std::uint64_t{drawn.width} * drawn.height > most_image_pixels) return fail(errc::too_large, "the image");
  if (!drawn.colour) {
    const bool chosen = how.window && image.setWindow(how.window->centre, how.window->width) != 0;
    const bool own = !how.full_range && image.getWindowCount() != 0;
    if (!chosen && (!own || image.setWindow(0) == 0)) image.setMinMaxWindow();
    grey_window used;
    if (image.getWindow(used.centre, used.width) != 0) drawn.window = used;
  }
  drawn.pixels.resize(image.getOutputDataSize(8));
  const auto expected = std::uint64_t{drawn.width} * drawn.height * (drawn.colour ? 3 : 1);
  if (drawn.pixels.size() != expected || image.getOutputData(drawn.pixels.data(), drawn.pixels.size(), 8, 0) == 0)
    return fail(errc::corrupt, "the pixels cannot be decoded");
  return drawn;
}

}  // namespace

void prepare_image_decoder() {
  OFLog::configure(OFLogger::OFF_LOG_LEVEL);
  static_cast<void>(dcmDataDict.rdlock());  // the first use reads the dictionary's file
  dcmDataDict.rdunlock();
  DJDecoderRegistration::registerCodecs();
  DJLSDecoderRegistration::registerCodecs();
  DcmRLEDecoderRegistration::registerCodecs();
}

result<decoded_image> decode_image(std::span<const std::uint8_t> part10, const rendering& how) {
  DcmFileFormat file;
  if (auto read = read_part10(file, part10); !read) return read.error();
  auto* data = file.getDataset();
  Sint32 frames = 1;
  data->findAndGetSint32(DCM_NumberOfFrames, frames);
  auto syntax = data->getOriginalXfer();
  auto frame = how.frame;
  std::unique_ptr<DcmDataset> expanded;
  if (is_jpeg_2000(syntax)) {
    auto done = expanded_jpeg_2000(*data, frame);
    if (!done) return done.error();
    expanded = std::move(*done);
    data = expanded.get();
    syntax = EXS_LittleEndianExplicit;
    frame = 0;
  }
  DicomImage image{data, syntax, CIF_UsePartialAccessToPixelData, frame, 1};
  auto drawn = render(image, how);
  if (drawn) drawn->frames = static_cast<std::uint32_t>(std::max<Sint32>(frames, 1));
  return drawn;
}

}  // namespace penstock::commands
