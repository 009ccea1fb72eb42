// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gW(x, gy) of strides above 2.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/grad_w/sums.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_strided_lanes.hpp>

#if defined(__AVX512F__)

namespace fathom::ops::depthwise {
namespace {

/// A strip is the output columns that two vectors of the image hold, a lane one of them. What a tap sees is
/// moved together and meets the gradients; each tap has its sum.
class StridedPlan {
  using V = Batch<float>;
  static constexpr int K = StridedStrip::K;

 public:
  using Totals = GradWTotals<AlongImage<V, K, 1>, K>;

  explicit StridedPlan(const Geometry& g) : g_(g), columns_(StridedStrip::columns_of(g)) {}

  void add(const ImagePlanes<float>& planes, Totals& totals) const {
    for (std::int64_t column = 0; column < g_.out_width; column += columns_) {
      add_strip(planes, column, totals);
    }
  }

 private:
  [[gnu::noinline]] void add_strip(const ImagePlanes<float>& planes, std::int64_t column,
                                   Totals& totals) const {
    const StridedStrip strip(g_, column);
    V sums[K * K];
    unroll<K * K>([&](auto i) __attribute__((always_inline)) { sums[i] = V(0.0F); });
    for (std::int64_t n = 0; n < planes.images; ++n) {
      std::int64_t top = -g_.pad_y;
      const float* x = planes.x + n * planes.step_x + top * g_.width + strip.first;
      const float* gy = planes.gy + n * planes.step_gy + column;
      for (std::int64_t i = 0; i < g_.out_height; ++i, gy += g_.out_width) {
        const V gradients = _mm512_maskz_loadu_ps(strip.columns, gy);
        const auto add = [&](auto p) __attribute__((always_inline)) {
          const StridedRow seen(strip, x + p * g_.width);
          unroll<K>([&](auto q) __attribute__((always_inline)) {
            sums[p * K + q] = multiply_add(seen.pixels[q], gradients, sums[p * K + q]);
          });
        };
        if (top >= 0 && top + K <= g_.height) {
          unroll<K>(add);
        } else {
          unroll<K>([&](auto p) __attribute__((always_inline)) {
            if (top + p >= 0 && top + p < g_.height) add(p);
          });
        }
        top += g_.stride_y;
        x += g_.stride_y * g_.width;
      }
    }
    unroll<K>([&](auto q) __attribute__((always_inline)) {
      // The columns whose pixel lies in the image.
      const __m512i pixel =
          _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(strip.first)), strip.pixels_of(q));
      const __mmask16 keep =
          _mm512_mask_cmplt_epu32_mask(strip.columns, pixel, _mm512_set1_epi32(static_cast<int>(g_.width)));
      unroll<K>([&](auto p) __attribute__((always_inline)) {
        totals.sums[p][q] += V(_mm512_maskz_mov_ps(keep, sums[p * K + q]));
      });
    });
  }

  const Geometry g_;
  const std::int64_t columns_;  ///< of a strip
};

}  // namespace
}  // namespace fathom::ops::depthwise

#endif
