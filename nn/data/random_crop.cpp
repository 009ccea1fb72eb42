// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/random_crop.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <fathom/core/check.hpp>
#include <fathom/nn/data/transform/images.hpp>

namespace fathom::nn {

namespace {

/// A place that may lie outside 0 ... count - 1, mirrored at the outer pixels.
std::int64_t reflected(std::int64_t at, std::int64_t count) {
  return at < 0 ? -at : at >= count ? 2 * (count - 1) - at : at;
}

/// One plane's rectangle of `size` whose corner is at `corner`, which may be negative.
struct Cut {
  Pair2 from, size, corner;
  Border border;

  void copy(const float* in, float* out, float fill) const {
    // Columns [first, last) of the result are the image's own.
    const std::int64_t first = std::clamp<std::int64_t>(-corner.x, 0, size.x);
    const std::int64_t last = std::clamp<std::int64_t>(from.x - corner.x, first, size.x);
    for (std::int64_t y = 0; y < size.y; ++y, out += size.x) {
      const std::int64_t row = border == Border::reflect ? reflected(corner.y + y, from.y) : corner.y + y;
      if (row < 0 || row >= from.y) {
        std::fill_n(out, size.x, fill);
        continue;
      }
      const float* source = in + row * from.x;
      std::copy(source + corner.x + first, source + corner.x + last, out + first);
      for (std::int64_t x = 0; x < first; ++x) {
        out[x] = border == Border::reflect ? source[reflected(corner.x + x, from.x)] : fill;
      }
      for (std::int64_t x = last; x < size.x; ++x) {
        out[x] = border == Border::reflect ? source[reflected(corner.x + x, from.x)] : fill;
      }
    }
  }
};

/// Throws unless images of this size can be cut so.
void check_sizes(const RandomCropOptions& options, const Array& images, Pair2 from, Pair2 size) {
  ArgumentCheck check("random_crop");
  check.argument("images", images, "(n, c, h, w)");
  FATHOM_CHECK(check.hint("take a larger pad, a smaller size, or resize the images first"),
               size.y <= from.y + 2 * options.pad.y && size.x <= from.x + 2 * options.pad.x, ShapeError,
               "size must not exceed the image with its border (size {}, pad {})", to_string(size),
               to_string(options.pad));
  FATHOM_CHECK(check.hint("a mirrored border is smaller than the image"),
               options.border == Border::fill || (options.pad.y < from.y && options.pad.x < from.x),
               ShapeError, "pad must be smaller than the image to reflect it (pad {})",
               to_string(options.pad));
}

void crop(const RandomCropOptions& options, Batch& batch, RandomKey key) {
  const Array images = batch.images;
  const std::int64_t in_size = detail::check_images("random_crop", images);
  const Pair2 from{images.shape(2), images.shape(3)};
  const Pair2 size{options.size.y == 0 ? from.y : options.size.y,
                   options.size.x == 0 ? from.x : options.size.x};
  check_sizes(options, images, from, size);
  const std::vector<float> fill = detail::fill_values("random_crop", options.fill, images);
  const Pair2 places{from.y + 2 * options.pad.y - size.y + 1, from.x + 2 * options.pad.x - size.x + 1};
  const std::int64_t count = images.shape(0), channels = images.shape(1);
  batch.images = Array::empty({count, channels, size.y, size.x}, DType::float32);
  const auto* in = images.data<float>();
  auto* out = batch.images.mutable_data<float>();
  const std::int64_t plane = size.y * size.x;
  detail::each_image(count, std::max(in_size, channels * plane), [&](std::int64_t i) {
    const detail::Bits bits = detail::transform_bits(key, detail::Purpose::random_crop, i);
    const Pair2 corner{detail::below(bits[0], places.y) - options.pad.y,
                       detail::below(bits[1], places.x) - options.pad.x};
    const Cut cut{from, size, corner, options.border};
    for (std::int64_t channel = 0; channel < channels; ++channel) {
      cut.copy(in + i * in_size + channel * from.y * from.x, out + (i * channels + channel) * plane,
               fill[static_cast<std::size_t>(channel)]);
    }
  });
}

}  // namespace

Transform random_crop(RandomCropOptions options) {
  ArgumentCheck check("random_crop");
  check.at_least("size", options.size, 0, "0 is the image's own size");
  check.at_least("pad", options.pad, 0, "it is the number of pixels put around the image");
  detail::check_fill("random_crop", options.fill);
  return [options = std::move(options)](Batch& batch, const BatchKey& key) { crop(options, batch, key); };
}

Transform random_shift(Pair2 most, std::vector<double> fill) {
  return random_crop({.pad = most, .fill = std::move(fill)});
}

}  // namespace fathom::nn
