// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/data/flip.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include <fathom/core/check.hpp>
#include <fathom/nn/data/transform/images.hpp>

namespace fathom::nn {

namespace {

// Which images begin mirrored depends on the seed and on the image, not on batch or epoch: no batch has this
// stream, whose epoch would be beyond 2^29.
constexpr std::uint64_t kFirstSides = std::uint64_t{3} << 61;

/// Reverses a row, four from either end at a time: compilers make vectors of them, and not of std::reverse.
void reverse(float* first, float* last) {
  constexpr std::size_t kBlock = 4;
  std::array<float, kBlock> front, back;
  while (last - first >= std::ptrdiff_t{2 * kBlock}) {
    last -= kBlock;
    std::copy_n(first, kBlock, front.begin());
    std::copy_n(last, kBlock, back.begin());
    for (std::size_t i = 0; i < kBlock; ++i) first[i] = back[kBlock - 1 - i];
    for (std::size_t i = 0; i < kBlock; ++i) last[i] = front[kBlock - 1 - i];
    first += kBlock;
  }
  std::reverse(first, last);
}

/// Mirrors image i where is_mirrored(i).
template <class Choice>
void mirror_images(std::string_view name, Batch& batch, const Choice& is_mirrored) {
  const std::int64_t size = detail::check_images(name, batch.images);
  const std::int64_t width = batch.images.shape(3);
  float* images = detail::own_images(batch);
  detail::each_image(batch.images.shape(0), size, [&](std::int64_t i) {
    if (!is_mirrored(i)) return;
    float* image = images + i * size;
    for (float* row = image; row != image + size; row += width) reverse(row, row + width);
  });
}

}  // namespace

Transform horizontal_flip(double p) {
  FATHOM_CHECK(ArgumentCheck("horizontal_flip").hint("0.5 mirrors half of the images"), p >= 0 && p <= 1,
               ValueError, "p must be a probability (it is {})", p);
  return [p](Batch& batch, const BatchKey& key) {
    mirror_images("horizontal_flip", batch, [&](std::int64_t i) {
      return detail::unit(detail::transform_bits(key, detail::Purpose::horizontal_flip, i)[0]) < p;
    });
  };
}

Transform alternating_flip() {
  return [](Batch& batch, const BatchKey& key) {
    ArgumentCheck check("alternating_flip");
    check.argument("images", batch.images, "(n, c, h, w)")
        .argument("key.images", key.images, "(n)")
        .rank(1)
        .index();
    FATHOM_CHECK(check.hint("a DataLoader hands over the number of each image"),
                 key.images.size() == batch.images.shape(0), ShapeError,
                 "every image needs its number ({} images, {} numbers)", batch.images.shape(0),
                 key.images.size());
    const Array numbers = key.images.astype(DType::int64);
    const auto* number = numbers.data<std::int64_t>();
    const RandomKey sides{key.random.seed, kFirstSides};
    mirror_images("alternating_flip", batch, [&](std::int64_t i) {
      const std::uint32_t first = random_bits(sides, static_cast<std::uint64_t>(number[i]))[0] & 1;
      return (key.epoch % 2 == 0) == (first == 0);
    });
  };
}

}  // namespace fathom::nn
