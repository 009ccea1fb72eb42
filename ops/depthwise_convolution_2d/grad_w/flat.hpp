// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gW(x, gy) of planes that fit into one vector.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/grad_w/sums.hpp>

#if defined(__AVX512F__)

namespace fathom::ops::depthwise {
namespace {

/// ImagePlanes of 16 pixels at most, for kernels of 3 x 3: each tap is one move of the image's pixels to the
/// output pixels that see them. Lanes without such a pixel are cleared at the end, as they are elsewhere.
class FlatPlan {
  using V = Batch<float>;
  static constexpr int K = 3, L = lanes_of<V>;

 public:
  using Totals = GradWTotals<AlongImage<V, K, 1>, K>;

  static bool fits(const Geometry& g) { return g.plane() <= L && g.out_plane() <= L; }

  explicit FlatPlan(const Geometry& g) {
    for (int tap = 0; tap < K * K; ++tap) {
      for (std::int64_t i = 0; i < L; ++i) {
        const std::int64_t y = i / g.out_width * g.stride_y + tap / K - g.pad_y;
        const std::int64_t x = i % g.out_width * g.stride_x + tap % K - g.pad_x;
        const bool counts = i < g.out_plane() && y >= 0 && y < g.height && x >= 0 && x < g.width;
        source_[tap][i] = counts ? static_cast<std::int32_t>(y * g.width + x) : 0;
        keep_[tap] |= static_cast<__mmask16>((counts ? 1 : 0) << i);
      }
    }
  }

  void add(const ImagePlanes<float>& planes, Totals& totals) const {
    __m512i source[K * K];
    V sums[K * K];
    unroll<K * K>([&](auto tap) __attribute__((always_inline)) {
      source[tap] = _mm512_load_si512(source_[tap]);
      sums[tap] = V(0.0F);
    });
    for (std::int64_t n = 0; n < planes.images; ++n) {
      const V pixels = V::load_unaligned(planes.x + n * planes.step_x);
      const V gradients = V::load_unaligned(planes.gy + n * planes.step_gy);
      unroll<K * K>([&](auto tap) __attribute__((always_inline)) {
        sums[tap] = multiply_add(V(_mm512_permutexvar_ps(source[tap], pixels)), gradients, sums[tap]);
      });
    }
    unroll<K * K>([&](auto tap) __attribute__((always_inline)) {
      totals.sums[tap / K][tap % K] += V(_mm512_maskz_mov_ps(keep_[tap], sums[tap]));
    });
  }

 private:
  alignas(64) std::int32_t source_[K * K][L];
  __mmask16 keep_[K * K] = {};
};

}  // namespace
}  // namespace fathom::ops::depthwise

#endif
