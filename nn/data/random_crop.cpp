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

  void filled(const float* in, float* out, float fill) const {
    // Rows and columns [first, last) of the result are the image's own.
    const Pair2 first{std::clamp<std::int64_t>(-corner.y, 0, size.y),
                      std::clamp<std::int64_t>(-corner.x, 0, size.x)};
    const Pair2 last{std::clamp<std::int64_t>(from.y - corner.y, first.y, size.y),
                     std::clamp<std::int64_t>(from.x - corner.x, first.x, size.x)};
    if (first.y == last.y || first.x == last.x) {
      std::fill_n(out, size.y * size.x, fill);
      return;
    }
    std::fill_n(out, first.y * size.x, fill);
    std::fill_n(out + last.y * size.x, (size.y - last.y) * size.x, fill);
    const float* source = in + (corner.y + first.y) * from.x + corner.x;
    float* rows = out + first.y * size.x;
    const std::int64_t count = last.y - first.y;
    if (size.x == from.x) {
      // All rows at once, and the border between them is filled afterwards.
      std::copy_n(source + first.x, (count - 1) * size.x + last.x - first.x, rows + first.x);
    } else {
      for (std::int64_t y = 0; y < count; ++y) {
        std::copy(source + y * from.x + first.x, source + y * from.x + last.x, rows + y * size.x + first.x);
      }
    }
    // By columns, of which there are few.
    const auto fill_columns = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t x = begin; x < end; ++x) {
        for (std::int64_t y = 0; y < count; ++y) rows[y * size.x + x] = fill;
      }
    };
    fill_columns(0, first.x);
    fill_columns(last.x, size.x);
  }

  void mirrored(const float* in, float* out) const {
    for (std::int64_t y = 0; y < size.y; ++y) {
      const float* row = in + reflected(corner.y + y, from.y) * from.x;
      for (std::int64_t x = 0; x < size.x; ++x) *out++ = row[reflected(corner.x + x, from.x)];
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
    const float* in_plane = in + i * in_size;
    float* out_plane = out + i * channels * plane;
    const Pair2 corner{detail::below(bits[0], places.y) - options.pad.y,
                       detail::below(bits[1], places.x) - options.pad.x};
    const Cut cut{from, size, corner};
    for (std::int64_t channel = 0; channel < channels;
         ++channel, in_plane += from.y * from.x, out_plane += plane) {
      if (options.border == Border::reflect) {
        cut.mirrored(in_plane, out_plane);
      } else {
        cut.filled(in_plane, out_plane, fill[static_cast<std::size_t>(channel)]);
      }
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
