// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gW(x, gy) of planes of few columns with stride 1.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/grad_w/flat.hpp>

#if defined(__AVX512F__)

namespace fathom::ops::depthwise {
namespace {

/// Which lanes have which neighbours: pixel i meets the pixels i + (p - 1)*width + q - 1 that lie in the
/// plane. Columns decide about q in every vector; rows decide about p in the first and in the last one alone,
/// which are as long as a row at least. The last vector ends with the plane; pixels that the vectors before
/// it hold too have no neighbours there (in the last but one where that is not the first).
class FlatPlane {
  static constexpr std::int64_t L = lanes<float>, K = 3, kMost = 16;  ///< vectors

 public:
  struct Taps {
    __mmask16 of[K * K];
  };
  struct Columns {
    __mmask16 of[K];
  };

  /// With other widths strips leave fewer lanes empty.
  [[nodiscard]] static bool fits(std::int64_t height, std::int64_t width) {
    return 9 <= width && width <= 12 && height * width > L && height * width <= kMost * L;
  }

  [[gnu::noinline]] FlatPlane(std::int64_t height, std::int64_t plane_width)
      : width(plane_width), last(height * plane_width - L), between((last - 1) / L) {
    const std::int64_t size = height * width;
    for (int p = 0; p < K; ++p) {
      const std::int64_t begin = p == 0 ? width : 0, end = p == 2 ? size - width : size;
      for (int q = 0; q < K; ++q) {
        in_first.of[p * K + q] = lanes_with(q, 0, begin, std::min(end, L));
        in_last.of[p * K + q] = lanes_with(q, last, std::max({begin, L, last}), end);
      }
    }
    for (std::int64_t v = 0; v < between; ++v) {
      for (int q = 0; q < K; ++q) in_between[v].of[q] = lanes_with(q, (v + 1) * L, L, last);
    }
  }

  std::int64_t width;
  std::int64_t last;     ///< where the last vector begins; the others lie side by side
  std::int64_t between;  ///< vectors between the first and the last one
  Taps in_first, in_last;
  Columns in_between[kMost];

 private:
  /// The lanes of the vector from pixel `from` on that are among the pixels [begin, end) and have neighbour
  /// q.
  [[nodiscard]] [[gnu::noinline]] __mmask16 lanes_with(int q, std::int64_t from, std::int64_t begin,
                                                       std::int64_t end) const {
    const auto all = [](std::int64_t value) { return _mm512_set1_epi32(static_cast<int>(value)); };
    const __m512i pixel = _mm512_add_epi32(lane_numbers(), all(from));
    const __m512i row = divide_lanes(pixel, width);
    const __m512i column =
        _mm512_sub_epi32(_mm512_add_epi32(pixel, all(q - 1)), _mm512_mullo_epi32(row, all(width)));
    const __mmask16 among =
        _mm512_cmple_epi32_mask(all(begin), pixel) & _mm512_cmplt_epi32_mask(pixel, all(end));
    return _mm512_mask_cmplt_epu32_mask(among, column, all(width));
  }
};

/// Lane i is lane i - 1 of b, the first one the last lane of a.
[[gnu::always_inline]] inline Batch<float> move_up(Batch<float> a, Batch<float> b) {
  return _mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(b), _mm512_castps_si512(a), 15));
}

/// Vectors of pixels in the order of memory, for each column of taps; gradients lie a row apart for each row
/// of taps. A row's end and the next row's beginning are neighbours in a vector: here lanes that do not count
/// are masked in each product.
class FlatPlanesPlan {
  using V = Batch<float>;
  static constexpr int K = 3;
  static constexpr std::int64_t L = lanes<float>;

 public:
  using Totals = FlatSums::Totals;

  static bool fits(const Geometry& g) {
    return g.pad_y == 1 && g.pad_x == 1 && g.height == g.out_height && g.width == g.out_width &&
           FlatPlane::fits(g.height, g.width);
  }

  explicit FlatPlanesPlan(const Geometry& g) : plane_(g.height, g.width) {}

  [[gnu::noinline]] void add(const ImagePlanes<float>& planes, Totals& totals) const {
    FlatSums sums;
    for (std::int64_t n = 0; n < planes.images; ++n) {
      const float* x = planes.x + n * planes.step_x;
      const float* gy = planes.gy + n * planes.step_gy;
      add_at_edge(sums, x, gy, plane_.in_first);
      add_at_edge(sums, x + plane_.last, gy + plane_.last, plane_.in_last);
      V before = V::load_unaligned(x);
      for (std::int64_t v = 0; v < plane_.between; ++v) {
        x += L;
        gy += L;
        const FlatPlane::Columns& with = plane_.in_between[v];
        const V here = load_once<V>(x);
        const V pixels[K] = {move_up(before, here), here, load_once<V>(x + 1)};
        before = here;
        unroll<K>([&](auto p) __attribute__((always_inline)) {
          const V gradients = load_once<V>(gy + (1 - p) * plane_.width);
          unroll<K>([&](auto q)
                        __attribute__((always_inline)) { sums.add<p, q>(pixels[q], gradients, with.of[q]); });
        });
      }
    }
    sums.add_to(totals);
  }

 private:
  [[gnu::always_inline]] void add_at_edge(FlatSums& sums, const float* x, const float* gy,
                                          const FlatPlane::Taps& with) const {
    V pixels[K];
    unroll<K>([&](auto q) __attribute__((always_inline)) { pixels[q] = load_once<V>(x + q - 1); });
    unroll<K>([&](auto p) __attribute__((always_inline)) {
      // Tap row p of a gradient sees the row p - 1 further, so a pixel's gradient is that one the other way.
      const V gradients = load_once<V>(gy + (1 - p) * plane_.width);
      unroll<K>([&](auto q) __attribute__((always_inline)) {
        sums.add<p, q>(pixels[q], gradients, with.of[(K - 1 - p) * K + q]);
      });
    });
  }

  const FlatPlane plane_;
};

}  // namespace
}  // namespace fathom::ops::depthwise

#endif
