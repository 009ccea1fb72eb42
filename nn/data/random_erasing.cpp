// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/random_erasing.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include <fathom/core/check.hpp>
#include <fathom/nn/data/transform/images.hpp>

namespace fathom::nn {

namespace {

struct Rectangle {
  Pair2 corner, size;
};

/// The image's rectangle, or nothing for one that stays as it is.
std::optional<Rectangle> draw(const RandomErasingOptions& options, RandomKey key, std::int64_t image,
                              Pair2 whole) {
  const detail::Bits first = detail::transform_bits(key, detail::Purpose::random_erasing, image);
  if (detail::unit(first[0]) >= options.p) return {};
  const double pixels = static_cast<double>(whole.y * whole.x);
  const double log_low = std::log(options.aspect.low), log_high = std::log(options.aspect.high);
  constexpr std::int64_t kAttempts = 10;
  for (std::int64_t attempt = 1; attempt <= kAttempts; ++attempt) {
    const detail::Bits bits = detail::transform_bits(key, detail::Purpose::random_erasing, image, attempt);
    const double area = pixels * std::lerp(options.area.low, options.area.high, detail::unit(bits[0]));
    const double aspect = std::exp(std::lerp(log_low, log_high, detail::unit(bits[1])));
    const Pair2 size{std::llround(std::sqrt(area * aspect)), std::llround(std::sqrt(area / aspect))};
    if (size.y > whole.y || size.x > whole.x) continue;
    return Rectangle{
        {detail::below(bits[2], whole.y - size.y + 1), detail::below(bits[3], whole.x - size.x + 1)}, size};
  }
  return {};
}

/// Normal noise one after another (Box-Muller), a row of its own for each image.
class Noise {
 public:
  Noise(RandomKey key, std::int64_t image) : key_(key), image_(image) {}
  float next() {
    if (std::exchange(has_second_, !has_second_)) return second_;
    const detail::Bits bits =
        random_bits(key_, static_cast<std::uint64_t>(detail::Purpose::erased_pixels) << 56 |
                              static_cast<std::uint64_t>(image_) << 32 | count_++);
    // Not 0, whose logarithm is none.
    const double radius = std::sqrt(-2 * std::log(1 - detail::unit(bits[0])));
    const double angle = 2 * std::numbers::pi * detail::unit(bits[1]);
    second_ = static_cast<float>(radius * std::sin(angle));
    return static_cast<float>(radius * std::cos(angle));
  }

 private:
  RandomKey key_;
  std::int64_t image_;
  std::uint64_t count_ = 0;
  bool has_second_ = false;
  float second_ = 0;
};

void erase(const RandomErasingOptions& options, Batch& batch, RandomKey key) {
  const std::int64_t size = detail::check_images("random_erasing", batch.images);
  const std::vector<float> fill = detail::fill_values("random_erasing", options.fill, batch.images);
  const std::int64_t channels = batch.images.shape(1);
  const Pair2 whole{batch.images.shape(2), batch.images.shape(3)};
  float* images = detail::own_images(batch);
  detail::each_image(batch.images.shape(0), size, [&](std::int64_t i) {
    const std::optional<Rectangle> rectangle = draw(options, key, i, whole);
    if (!rectangle) return;
    Noise noise(key, i);
    for (std::int64_t channel = 0; channel < channels; ++channel) {
      for (std::int64_t y = 0; y < rectangle->size.y; ++y) {
        float* row =
            images + i * size + (channel * whole.y + rectangle->corner.y + y) * whole.x + rectangle->corner.x;
        if (options.noise) {
          std::generate_n(row, rectangle->size.x, [&] { return noise.next(); });
        } else {
          std::fill_n(row, rectangle->size.x, fill[static_cast<std::size_t>(channel)]);
        }
      }
    }
  });
}

}  // namespace

Transform random_erasing(RandomErasingOptions options) {
  ArgumentCheck check("random_erasing");
  FATHOM_CHECK(check.hint("0.5 changes half of the images"), options.p >= 0 && options.p <= 1, ValueError,
               "p must be a probability (it is {})", options.p);
  FATHOM_CHECK(check.hint("it is a share of the image: {0.02, 0.4}"),
               options.area.low >= 0 && options.area.low <= options.area.high && options.area.high <= 1,
               ValueError, "area must be a range within 0 ... 1 (it is {} ... {})", options.area.low,
               options.area.high);
  FATHOM_CHECK(check.hint("it is height by width: {0.3, 3.3}"),
               options.aspect.low > 0 && options.aspect.low <= options.aspect.high &&
                   std::isfinite(options.aspect.high),
               ValueError, "aspect must be a range above 0 (it is {} ... {})", options.aspect.low,
               options.aspect.high);
  detail::check_fill("random_erasing", options.fill);
  return [options = std::move(options)](Batch& batch, const BatchKey& key) { erase(options, batch, key); };
}

}  // namespace fathom::nn
