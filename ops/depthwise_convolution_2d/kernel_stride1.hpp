// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: y(x, W, b) and gx(gy, W) of stride 1, dilation 1. The second is the first with
// the taps in reverse order, gy for x and the padding that makes the sizes fit; so there is one kernel.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_lanes.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel_planes.hpp>

namespace fathom::ops::depthwise {
namespace {

/// A convolution of stride 1.
struct Stride1 : PlaneSizes {
  std::int64_t pad_y, pad_x;  ///< pad_y may be negative

  [[nodiscard]] static Stride1 forward(const Geometry& g) {
    return {PlaneSizes::forward(g), g.pad_y, g.pad_x};
  }
  [[nodiscard]] static Stride1 grad_x(const Geometry& g) {
    return {PlaneSizes::grad_x(g), g.kernel_y - 1 - g.pad_y, g.kernel_x - 1 - g.pad_x};
  }
};

/// Which lanes of a strip's vectors lie in the image, for each column of taps.
template <class V, int K>
struct Edge {
  LoadMask<V> inside[K];

  Edge() {}
  Edge(const Stride1& s, std::int64_t column) {
    for (int q = 0; q < K; ++q) {
      const std::int64_t first = column + q - s.pad_x;
      inside[q] = LoadMask<V>(-first, s.width - first);
    }
  }

  [[nodiscard]] static bool is_at(const Stride1& s, std::int64_t column) {
    return column < s.pad_x || column + lanes_of<V> > s.out_width - s.pad_x;
  }
};

/// Takes image rows from above to below, of `sources` images at once; `sums_[p]` is the output row whose tap
/// row p met the last of them.
template <class V, int K, int sources, bool at_edge>
class Slide {
  using T = Element<V>;

 public:
  [[gnu::always_inline]] Slide(const Edge<V, K>& edge, const T* taps, std::int64_t tap_step,
                               std::int64_t source_step, T start)
      : edge_(edge), start_(start) {
    unroll<sources * K * K>([&](auto i) __attribute__((always_inline)) {
      taps_[i] = V(taps[i / (K * K) * source_step + i % (K * K) * tap_step]);
    });
    unroll<K>([&](auto p) __attribute__((always_inline)) { sums_[p] = start_; });
  }

  /// Tap rows first .. last meet an image row; the vector of tap column q begins at x + q, in the next image
  /// `plane` further.
  template <int first, int last>
  [[gnu::always_inline]] void feed(const T* x, std::int64_t plane) {
    V pixels[sources * K];
    unroll<sources * K>([&](auto i) __attribute__((always_inline)) {
      const T* from = x + i / K * plane + i % K;
      pixels[i] = at_edge ? load_where<V>(edge_.inside[i % K], from) : load_once<V>(from);
    });
    unroll<last - first + 1>([&](auto from_last) __attribute__((always_inline)) {
      constexpr int p = last - from_last;
      // A fresh short chain: adding it costs one addition of latency.
      V sum = p == 0 ? multiply_add(taps_[0], pixels[0], start_) : taps_[p * K] * pixels[0];
      unroll<sources * K - 1>([&](auto i) __attribute__((always_inline)) {
        constexpr int q = i + 1;
        sum = multiply_add(taps_[q / K * K * K + p * K + q % K], pixels[q], sum);
      });
      push<p>(sum);
    });
  }

  /// Tap rows first .. last meet a row that lies outside of the image.
  template <int first, int last>
  [[gnu::always_inline]] void skip() {
    unroll<last - first + 1>([&](auto i) __attribute__((always_inline)) {
      constexpr int p = last - i;
      if constexpr (p == 0) {
        sums_[0] = start_;
      } else {
        sums_[p] = sums_[p - 1];
      }
    });
  }

  [[nodiscard]] V done() const { return sums_[K - 1]; }

 private:
  template <int p>
  [[gnu::always_inline]] void push(V sum) {
    if constexpr (p == 0) {
      sums_[0] = sum;
    } else {
      sums_[p] = sums_[p - 1] + sum;
    }
  }

  const Edge<V, K> edge_;
  const V start_;
  V taps_[sources * K * K];
  V sums_[K];
};

}  // namespace
}  // namespace fathom::ops::depthwise
