// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: two vectors of an image row as output columns see them whose stride is above 2.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_lanes.hpp>

#if defined(__AVX512F__)

namespace fathom::ops::depthwise {
namespace {

/// The lanes [first, last) of two vectors.
[[gnu::always_inline]] inline std::uint32_t lanes_between(std::int64_t first, std::int64_t last) {
  const auto below = [](std::int64_t lane) {
    return (std::uint64_t{1} << std::clamp<std::int64_t>(lane, 0, 2 * lanes<float>)) - 1;
  };
  return static_cast<std::uint32_t>(below(last) & ~below(first));
}

/// Output columns side by side whose windows lie in two vectors of the image: those from `column` on of a
/// plane.
struct StridedStrip {
  static constexpr int K = 3;
  static constexpr std::int64_t L = lanes<float>;

  /// How many there are.
  [[nodiscard]] static std::int64_t columns_of(const Geometry& g) { return (2 * L - K) / g.stride_x + 1; }

  [[gnu::always_inline]] StridedStrip(const Geometry& g, std::int64_t column)
      : first(column * g.stride_x - g.pad_x),
        in_image(lanes_between(-first, g.width - first)),
        columns(static_cast<__mmask16>(lanes_between(0, std::min(columns_of(g), g.out_width - column)))),
        ahead(fetches_next<float>(g.plane()) ? g.plane() : 0),
        pixel_at(_mm512_maskz_mullo_epi32(columns, lane_numbers(),
                                          _mm512_set1_epi32(static_cast<int>(g.stride_x)))) {}

  /// Where in two vectors the columns' pixels of tap q are.
  [[nodiscard]] [[gnu::always_inline]] __m512i pixels_of(int q) const {
    return _mm512_add_epi32(pixel_at, _mm512_set1_epi32(q));
  }

  std::int64_t first;  ///< pixel of a row that the first column's first tap sees
  std::uint32_t in_image;
  __mmask16 columns;
  std::int64_t ahead;  ///< what is read is fetched so much further: the next plane, if this one is large
  __m512i pixel_at;
};

/// What the columns of a strip see in a row of the image, for each tap; zeros outside of the image.
struct StridedRow {
  static constexpr int K = StridedStrip::K;
  Batch<float> pixels[K];

  /// `from`: the strip's first pixel.
  [[gnu::always_inline]] StridedRow(const StridedStrip& strip, const float* from) {
    constexpr int L = lanes<float>;
    const __m512 first = _mm512_maskz_loadu_ps(static_cast<__mmask16>(strip.in_image), from);
    const __m512 second = _mm512_maskz_loadu_ps(static_cast<__mmask16>(strip.in_image >> L), from + L);
    // Strips jump from row to row, which the processor's own prefetching does not see through.
    __builtin_prefetch(from + strip.ahead, 0, 2);
    __builtin_prefetch(from + strip.ahead + L, 0, 2);
    unroll<K>([&](auto q) __attribute__((always_inline)) {
      pixels[q] = _mm512_permutex2var_ps(first, strip.pixels_of(q), second);
    });
  }
};

}  // namespace
}  // namespace fathom::ops::depthwise

#endif
