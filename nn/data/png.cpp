// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/png.hpp>

#include <fmt/format.h>
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>
#include <span>
#include <vector>

#include <fathom/core/check.hpp>
#include <fathom/core/file.hpp>

namespace fathom::nn {

namespace {

/// libpng's state for one file in memory. Its errors are jumps out of C: the functions that return false on
/// one hold nothing that a jump would leave unreleased.
class Decoder {
 public:
  explicit Decoder(std::span<const std::byte> file) : rest_(file), file_size_(file.size()) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &fail, [](png_structp, png_const_charp) {});
    info_ = png_ != nullptr ? png_create_info_struct(png_) : nullptr;
    if (info_ != nullptr) return;
    png_destroy_read_struct(&png_, nullptr, nullptr);
    throw std::bad_alloc();
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }

  /// Reads up to the pixels, and has them made bytes.
  bool read_header();
  bool read_rows(std::span<png_bytep> rows);

  [[nodiscard]] const char* message() const { return message_; }
  [[nodiscard]] std::int64_t height() const { return png_get_image_height(png_, info_); }
  [[nodiscard]] std::int64_t width() const { return png_get_image_width(png_, info_); }
  [[nodiscard]] std::int64_t channels() const { return png_get_channels(png_, info_); }

 private:
  [[noreturn]] static void fail(png_structp png, png_const_charp message) {
    auto* self = static_cast<Decoder*>(png_get_error_ptr(png));
    std::snprintf(self->message_, sizeof(self->message_), "%s", message);
    png_longjmp(png, 1);
  }
  static void take(png_structp png, png_bytep out, std::size_t count) {
    auto& rest = static_cast<Decoder*>(png_get_io_ptr(png))->rest_;
    if (count > rest.size()) png_error(png, "it ends too early");
    std::memcpy(out, rest.data(), count);
    rest = rest.subspan(count);
  }

  std::span<const std::byte> rest_;
  std::size_t file_size_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  char message_[128] = "";
};

bool Decoder::read_header() {
  if (setjmp(png_jmpbuf(png_)) != 0) return false;
  png_set_read_fn(png_, this, &take);
  png_read_info(png_, info_);
  // Deflate packs 1032 bytes into one at most: a corrupt size must not take memory that the file cannot fill.
  constexpr std::size_t kMostPacked = 1032;
  if (png_get_rowbytes(png_, info_) / kMostPacked * png_get_image_height(png_, info_) > file_size_) {
    png_error(png_, "it is too short for its size in pixels");
  }
  png_set_expand(png_);
  png_set_scale_16(png_);
  png_read_update_info(png_, info_);
  return true;
}

bool Decoder::read_rows(std::span<png_bytep> rows) {
  if (setjmp(png_jmpbuf(png_)) != 0) return false;
  png_read_image(png_, rows.data());
  png_read_end(png_, nullptr);
  return true;
}

}  // namespace

Array read_png(const std::string& path) {
  const Bytes file = read_file(path);
  constexpr std::size_t kSignature = 8;
  const auto* bytes = reinterpret_cast<png_const_bytep>(file.data());
  if (file.size() < kSignature || png_sig_cmp(bytes, 0, kSignature) != 0) {
    fathom::detail::fail_file(path, "is no PNG file: it does not start as one",
                              "convert other formats to PNG first");
  }
  Decoder decoder(file);
  const auto fail = [&] {
    fathom::detail::fail_file(path, fmt::format("is a truncated or corrupt PNG file: {}", decoder.message()),
                              "copy or write the file again");
  };
  if (!decoder.read_header()) fail();
  const std::int64_t height = decoder.height(), width = decoder.width(), channels = decoder.channels();
  Array pixels =
      Array::empty(channels == 1 ? Shape{height, width} : Shape{height, width, channels}, DType::uint8);
  std::vector<png_bytep> rows;
  for (std::int64_t y = 0; y < height; ++y) {
    rows.push_back(pixels.mutable_data<std::uint8_t>() + y * width * channels);
  }
  if (!decoder.read_rows(rows)) fail();
  return pixels;
}

void write_png(const std::string& path, const Array& pixels) {
  ArgumentCheck check("write_png");
  check.argument("pixels", pixels, "(h, w) or (h, w, c)").defined();
  FATHOM_CHECK(check.hint("scale them to 0 ... 255 and convert them with astype(DType::uint8)"),
               pixels.dtype() == DType::uint8, DTypeError, "pixels must be uint8 (they are {})",
               to_string(pixels.dtype()));
  const bool has_channels = pixels.rank() == 3;
  constexpr std::int64_t kMostChannels = 4;
  FATHOM_CHECK(
      check.hint("one channel is gray, two gray and alpha, three RGB, four RGBA; channels come last"),
      (pixels.rank() == 2 || has_channels) && pixels.size() > 0 &&
          (!has_channels || pixels.shape(2) <= kMostChannels),
      ShapeError, "pixels must be (h, w), or (h, w, c) with 1 to 4 channels, none of them 0");
  constexpr png_uint_32 kFormats[] = {PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB, PNG_FORMAT_RGBA};
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<png_uint_32>(pixels.shape(0));
  image.width = static_cast<png_uint_32>(pixels.shape(1));
  image.format = kFormats[has_channels ? pixels.shape(2) - 1 : 0];
  Bytes file(PNG_IMAGE_PNG_SIZE_MAX(image));
  png_alloc_size_t size = file.size();
  const int written =
      png_image_write_to_memory(&image, file.data(), &size, 0, pixels.data<std::uint8_t>(), 0, nullptr);
  if (written == 0) {
    fathom::detail::fail_file(path, fmt::format("cannot be written: {}", image.message),
                              "PNG files have up to a million pixels a side");
  }
  write_file(path, std::span(file).first(size));
}

}  // namespace fathom::nn
