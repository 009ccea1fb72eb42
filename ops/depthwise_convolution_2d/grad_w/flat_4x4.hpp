// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gW(x, gy) of 3x3 kernels on planes of 4 x 4 floats, in two vectors of 8.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/grad_w/sums.hpp>

#if defined(__AVX2__) && !defined(__AVX512F__)

namespace fathom::ops::depthwise {
namespace {

/// A vector holds two rows. Pixels are moved within their rows for each column of taps, gradients by rows for
/// each row of taps: rows 0 and 1 of the image meet rows 1 and 2 of gy by the first one, and so on. Row 2
/// meets row 3 by the first and row 1 meets row 0 by the last one, which share a vector.
class Plan4x4 {
  using V = Batch<float>;
  static constexpr int K = 3;

 public:
  using Totals = GradWTotals<AlongImage<V, K, 1>, K>;

  static bool fits(const Geometry& g) {
    return g.height == 4 && g.width == 4 && g.out_height == 4 && g.out_width == 4 && g.pad_y == 1;
  }

  explicit Plan4x4(const Geometry&) {}

  void add(const ImagePlanes<float>& planes, Totals& totals) const {
    V sums[K][K], split[K];
    unroll<K>([&](auto q) __attribute__((always_inline)) {
      split[q] = V(0.0F);
      unroll<K>([&](auto p) __attribute__((always_inline)) { sums[p][q] = V(0.0F); });
    });
    const float* x = planes.x;
    const float* gy = planes.gy;
    for (std::int64_t n = 0; n < planes.images; ++n, x += planes.step_x, gy += planes.step_gy) {
      const V top = V::load_unaligned(x), bottom = V::load_unaligned(x + 8);
      const V g01 = V::load_unaligned(gy), g12 = V::load_unaligned(gy + 4), g23 = V::load_unaligned(gy + 8);
      const V g30 = shuffle(g23, g01, [](int i) { return i + 4; });
      unroll<K>([&](auto q) __attribute__((always_inline)) {
        const V above = moved<q>(top), below = moved<q>(bottom);
        const V middle = shuffle(below, above, [](int i) { return i < 4 ? i : i + 8; });
        sums[0][q] = multiply_add(above, g12, sums[0][q]);
        sums[1][q] = multiply_add(below, g23, multiply_add(above, g01, sums[1][q]));
        sums[2][q] = multiply_add(below, g12, sums[2][q]);
        split[q] = multiply_add(middle, g30, split[q]);
      });
    }
    const V first = lane_mask<V>(0, 4), second = lane_mask<V>(4, 8);
    unroll<K>([&](auto q) __attribute__((always_inline)) {
      // A lane whose pixel is outside of the image does not count, whatever gradient it met.
      const V keep = has_pixel<q>();
      totals.sums[0][q] += (sums[0][q] + (split[q] & first)) & keep;
      totals.sums[1][q] += sums[1][q] & keep;
      totals.sums[2][q] += (sums[2][q] + (split[q] & second)) & keep;
    });
  }

 private:
  /// What tap column q sees at each pixel.
  template <int q>
  [[gnu::always_inline]] static V moved(V pixels) {
    return shuffle(pixels, V(0.0F), [](int i) {
      const int column = i % 4 + q - 1;
      return column < 0 || column > 3 ? 8 : i + q - 1;
    });
  }
  template <int q>
  [[nodiscard]] static V has_pixel() {
    const V left = lane_mask<V>(1, 4) | lane_mask<V>(5, 8), right = lane_mask<V>(0, 3) | lane_mask<V>(4, 7);
    return q == 0 ? left : q == 1 ? left | right : right;
  }
};

}  // namespace
}  // namespace fathom::ops::depthwise

#endif
