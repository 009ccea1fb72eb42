// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: y(x, W, b) and gx(gy, W) of strides above 2.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_general.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_planes.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_strided_lanes.hpp>

#if defined(__AVX512F__)

namespace fathom::ops::depthwise {
namespace {

/// Strip by strip down the plane: what a tap sees in two vectors of the image is moved together.
class StridedForward {
  using V = Batch<float>;
  static constexpr int K = StridedStrip::K;

 public:
  explicit StridedForward(const Geometry& g) : g_(g), columns_(StridedStrip::columns_of(g)) {}

  /// Output planes [begin, end).
  void make(const float* x, const float* W, const float* b, float* y, std::int64_t begin,
            std::int64_t end) const {
    const PlaneSizes sizes = PlaneSizes::forward(g_);
    Planes<float> planes(sizes, x, W, b, y, begin);
    for (std::int64_t i = begin; i < end; ++i, planes.advance(sizes)) {
      const Plane<float> plane = planes.plane(sizes);
      for (std::int64_t column = 0; column < g_.out_width; column += columns_) make_strip(plane, column);
    }
  }

 private:
  [[gnu::noinline]] void make_strip(const Plane<float>& plane, std::int64_t column) const {
    V taps[K * K];
    unroll<K * K>([&](auto i) __attribute__((always_inline)) { taps[i] = V(plane.taps[i]); });
    const V bias(plane.bias);
    const StridedStrip strip(g_, column);
    const float* x = plane.x + strip.first - g_.pad_y * g_.width;
    float* y = plane.y + column;
    std::int64_t top = -g_.pad_y;
    for (std::int64_t i = 0; i < g_.out_height; ++i, y += g_.out_width) {
      V sum = bias;
      const auto add = [&](auto p) __attribute__((always_inline)) {
        const StridedRow seen(strip, x + p * g_.width);
        V products = taps[p * K] * seen.pixels[0];
        unroll<K - 1>([&](auto q) __attribute__((always_inline)) {
          products = multiply_add(taps[p * K + q + 1], seen.pixels[q + 1], products);
        });
        sum += products;
      };
      if (top >= 0 && top + K <= g_.height) {
        unroll<K>(add);
      } else {
        unroll<K>([&](auto p) __attribute__((always_inline)) {
          if (top + p >= 0 && top + p < g_.height) add(p);
        });
      }
      _mm512_mask_storeu_ps(y, strip.columns, sum);
      top += g_.stride_y;
      x += g_.stride_y * g_.width;
    }
  }

  const Geometry g_;
  const std::int64_t columns_;  ///< of a strip
};

/// Row by row: an image row meets one row of gy at most, and a pixel one column. Gradients are moved to the
/// pixels of their column, and each pixel has its own tap.
class StridedGradX {
  using V = Batch<float>;
  static constexpr int K = StridedStrip::K;
  static constexpr std::int64_t L = lanes<float>;

 public:
  explicit StridedGradX(const Geometry& g) : g_(g), columns_(2 * L / g.stride_x) {
    const __m512i stride = _mm512_set1_epi32(static_cast<int>(g.stride_x));
    for (int half = 0; half < 2; ++half) {
      const int first = static_cast<int>(g.pad_x + half * L);
      const __m512i from_edge = _mm512_add_epi32(lane_numbers(), _mm512_set1_epi32(first));
      column_at_[half] = divide_lanes(from_edge, g.stride_x);
      tap_at_[half] = _mm512_sub_epi32(from_edge, _mm512_mullo_epi32(column_at_[half], stride));
      has_tap_[half] = _mm512_cmplt_epi32_mask(tap_at_[half], _mm512_set1_epi32(K));
    }
  }

  /// Image planes [begin, end), multiplier 1.
  void make(const float* gy, const float* W, float* gx, std::int64_t begin, std::int64_t end) const {
    PlaneSizes sizes = PlaneSizes::grad_x(g_);
    sizes.tap_step = 1;
    Planes<float> planes(sizes, gy, W, nullptr, gx, begin);
    const float* const limit = gx + end * g_.plane();
    for (std::int64_t i = begin; i < end; ++i, planes.advance(sizes)) make_plane(planes.plane(sizes), limit);
  }

 private:
  [[gnu::noinline]] void make_plane(const Plane<float>& plane, const float* limit) const {
    const std::int64_t width = g_.width, columns = columns_, pixels = columns * g_.stride_x;
    V taps[K][2];
    for (int p = 0; p < K; ++p) {
      const V row = simd::load_lanes<float>(plane.taps + p * K, K);
      for (int half = 0; half < 2; ++half) taps[p][half] = _mm512_permutexvar_ps(tap_at_[half], row);
    }
    const __m512i columns_at[2] = {column_at_[0], column_at_[1]};
    // Image row r meets row i of gy by this row of taps.
    std::int64_t tap = g_.pad_y % g_.stride_y, i = g_.pad_y / g_.stride_y;
    float* gx = plane.y;
    for (std::int64_t r = 0; r < g_.height; ++r, gx += width) {
      const bool is_seen = tap < K && i < g_.out_height;
      const float* const gy = plane.x + i * g_.out_width;
      for (std::int64_t first = 0, column = 0; first < width; first += pixels, column += columns) {
        V products[2] = {V(0.0F), V(0.0F)};
        if (is_seen) {
          const auto exist = static_cast<__mmask16>(lanes_between(0, g_.out_width - column));
          const __m512 gradients = _mm512_maskz_loadu_ps(exist, gy + column);
          unroll<2>([&](auto half) __attribute__((always_inline)) {
            const V spread = _mm512_maskz_permutexvar_ps(has_tap_[half], columns_at[half], gradients);
            products[half] = taps[tap][half] * spread;
          });
        }
        // What spills to the right is written there afterwards.
        float* const to = gx + first;
        if (to + 2 * L <= limit) {
          products[0].store_unaligned(to);
          products[1].store_unaligned(to + L);
        } else {
          const std::int64_t count = width - first;
          store_lanes(to, products[0], std::min(L, count));
          if (count > L) store_lanes(to + L, products[1], std::min(L, count - L));
        }
      }
      if (++tap < g_.stride_y) continue;
      tap = 0;
      ++i;
    }
  }

  const Geometry g_;
  const std::int64_t columns_;  ///< whose pixels lie in two vectors
  __m512i tap_at_[2];           ///< for each of these pixels, its tap
  __m512i column_at_[2];        ///< and its column, the image's first pixel having that one's
  __mmask16 has_tap_[2];
};

inline void strided_forward(const Geometry& g, const float* x, const float* W, const float* b, float* y,
                            std::int64_t begin, std::int64_t end, std::byte* /*scratch*/) {
  StridedForward(g).make(x, W, b, y, begin, end);
}
/// Kernels of several output channels, which would be moved for each plane anew, are left to the general
/// loops.
inline void strided_grad_x(const Geometry& g, const float* gy, const float* W, float* gx, std::int64_t begin,
                           std::int64_t end, std::byte* scratch) {
  if (g.multiplier > 1) return general_grad_x(g, gy, W, gx, begin, end, scratch);
  StridedGradX(g).make(gy, W, gx, begin, end);
}
inline std::int64_t strided_scratch_size(const Geometry& g) {
  return g.multiplier > 1 ? general_scratch_size<float>(g) : 0;
}

}  // namespace
}  // namespace fathom::ops::depthwise

#endif
