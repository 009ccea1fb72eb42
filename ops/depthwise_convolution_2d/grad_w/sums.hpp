// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: the sums of which gW(x, gy) is made, in registers.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/grad_w/layouts.hpp>

namespace fathom::ops::depthwise {
namespace {

#if defined(__AVX512F__)
inline constexpr int kSumRegisters = 25;  // of 32
#else
inline constexpr int kSumRegisters = 10;  // of 16
#endif

/// Kernel rows whose sums fit into the registers beside what is being read.
template <class Layout, int K>
inline constexpr int rows_at_once = std::min(K, kSumRegisters / Layout::groups);

/// The planes of one channel in some images.
template <class T>
struct ImagePlanes {
  const T* x;
  const T* gy;
  std::int64_t images;
  std::int64_t step_x, step_gy;  ///< from image to image
};

/// The gradient of one kernel in the making, still spread over the lanes.
template <class Layout, int K>
struct GradWTotals {
  using V = typename Layout::Vector;
  using T = Element<V>;
  V sums[K][Layout::groups];

  GradWTotals() {
    for (auto& row : sums) {
      for (V& sum : row) sum = V(T(0));
    }
  }

  /// Lanes are added up in double, in a fixed order.
  void write(T* gW, bool accumulate) const {
    for (int p = 0; p < K; ++p) {
      double taps[Layout::groups * Layout::taps];
      for (int m = 0; m < Layout::groups; ++m) sum_lanes(sums[p][m], taps + m * Layout::taps);
      for (int q = 0; q < K; ++q, ++gW)
        *gW = static_cast<T>(taps[q] + (accumulate ? static_cast<double>(*gW) : 0.0));
    }
  }

 private:
  static void sum_lanes(const V& v, double* taps) {
    alignas(V) T values[lanes_of<V>];
    v.store_aligned(values);
    double lanes[lanes_of<V>];
    constexpr int half = lanes_of<V> / 2;
#if defined(__AVX2__)
    if constexpr (sizeof(T) == sizeof(float)) {
      // As below, four at a time. Longer vectors would slow down the loops between, which have none.
      __m256d sum = _mm256_add_pd(in_double(values), in_double(values + half));
      if (half > 4) {
        sum = _mm256_add_pd(sum, _mm256_add_pd(in_double(values + 4), in_double(values + half + 4)));
      }
      _mm_storeu_pd(lanes, _mm_add_pd(_mm256_castpd256_pd128(sum), _mm256_extractf128_pd(sum, 1)));
      if (Layout::taps == 1) lanes[0] += lanes[1];
      std::copy_n(lanes, Layout::taps, taps);
      return;
    }
#endif
    for (int i = 0; i < lanes_of<V>; ++i) lanes[i] = static_cast<double>(values[i]);
    for (int size = half; size >= Layout::taps; size /= 2) {
      for (int i = 0; i < size; ++i) lanes[i] += lanes[i + size];
    }
    for (int i = 0; i < Layout::taps; ++i) taps[i] = lanes[i];
  }

#if defined(__AVX2__)
  static __m256d in_double(const float* four) { return _mm256_cvtps_pd(_mm_loadu_ps(four)); }
#endif
};

/// The rows of gy that a step meets: t - d for d in [first, last]. The image rows of a checked step may be
/// missing.
template <int first_, int last_, bool is_checked_>
struct Meets {
  static constexpr int first = first_, last = last_;
  static constexpr bool is_checked = is_checked_;
};

/// Sums for the kernel rows first_row .. first_row + rows - 1. No lane is masked: those in which something
/// outside of the image was summed up are cleared once, at the end.
///
/// Step t reads the image rows t*S .. t*S + S - 1, less the pad, once each, and multiplies them by every row
/// of gy whose windows saw them.
template <class Layout, int K, int S, int first_row, int rows>
class TapSums {
  using V = typename Layout::Vector;
  using T = Element<V>;
  static constexpr int groups = Layout::groups, neighbours = Layout::neighbours;
  static constexpr int nearest = first_row / S;
  static constexpr int farthest = (first_row + rows - 1) / S;
  static constexpr int live = farthest - nearest + 1;

 public:
  [[gnu::always_inline]] explicit TapSums(const Geometry& g)
      : height_(g.height),
        width_(g.width),
        out_height_(g.out_height),
        out_width_(g.out_width),
        pad_y_(g.pad_y),
        ahead_(fetches_next<T>(g.plane()) ? g.plane() : 0),
        out_ahead_(fetches_next<T>(g.plane()) ? g.out_plane() : 0) {
    unroll<rows * groups>([&](auto i) __attribute__((always_inline)) { sums_[i] = V(T(0)); });
    unroll<live * neighbours>([&](auto i) __attribute__((always_inline)) {
      gradients_[i / neighbours][i % neighbours] = V(T(0));
    });
  }

  /// Whether add_strip and add_strips may be used.
  [[nodiscard]] static bool is_high(const Geometry& g) { return g.out_height >= live - 1 && g.pad_y < K; }

  /// One strip, downwards, each row of gy being read once. `x` and `gy` are the strip's first columns in the
  /// first row.
  [[gnu::always_inline]] void add_strip(const T* x, const T* gy) {
    for_each_step([&](auto meets, std::int64_t t) __attribute__((always_inline)) {
      unroll<(live - 1) * neighbours>([&](auto i) __attribute__((always_inline)) {
        constexpr int d = live - 1 - i / neighbours, n = i % neighbours;
        gradients_[d][n] = V(gradients_[d - 1][n].data);
      });
      if constexpr (decltype(meets)::first == nearest) load_gradients<nearest>(gy, t - nearest);
      if (!decltype(meets)::is_checked && ahead_ != 0) {
        __builtin_prefetch(gy + (t - nearest) * out_width_ + out_ahead_, 0, 2);
      }
      add_products(meets, x, t);
    });
  }

  /// `vectors` strips side by side, along the rows, as memory has them.
  [[gnu::always_inline]] void add_strips(const T* x, const T* gy, std::int64_t vectors) {
    for_each_step([&](auto meets, std::int64_t t) __attribute__((always_inline)) {
      using M = decltype(meets);
      for (std::int64_t v = 0; v < vectors; ++v) {
        unroll<M::last - M::first + 1>([&](auto i) __attribute__((always_inline)) {
          constexpr int d = M::first + i;
          load_gradients<d>(gy + v * Layout::columns, t - d);
        });
        add_products(meets, x + v * S * Layout::columns, t);
      }
    });
  }

  /// As add_strip, for a gy of any height.
  [[gnu::always_inline]] void add_low_strip(const T* x, const T* gy) {
    for (std::int64_t i = 0; i < out_height_; ++i) {
      load_gradients<nearest>(gy, i);
      unroll<rows>([&](auto p) __attribute__((always_inline)) {
        const std::int64_t row = i * S + first_row + p - pad_y_;
        if (has_row(row)) {
          const auto pixels = Layout::row(x + row * width_);
          unroll<groups>([&](auto m) __attribute__((always_inline)) {
            add_product<p, m, 0>(Layout::template pixels<m>(pixels));
          });
        }
      });
    }
  }

  [[gnu::always_inline]] void add_to(GradWTotals<Layout, K>& totals, const V (&keep)[groups]) const {
    unroll<rows>([&](auto p) __attribute__((always_inline)) {
      unroll<groups>([&](auto m) __attribute__((always_inline)) {
        totals.sums[first_row + p][m] += sums_[p * groups + m] & keep[m];
      });
    });
  }

 private:
  [[nodiscard]] bool has_row(std::int64_t row) const { return row >= 0 && row < height_; }

  template <int d>
  [[gnu::always_inline]] void load_gradients(const T* gy, std::int64_t row) {
    unroll<neighbours>([&](auto n) __attribute__((always_inline)) {
      gradients_[d - nearest][n] = Layout::template gradients<n>(gy + row * out_width_);
    });
  }

  template <int p, int m, int d>
  [[gnu::always_inline]] void add_product(V pixels) {
    V& sum = sums_[p * groups + m];
    sum = multiply_add(pixels, gradients_[d][Layout::neighbour_of(m)], sum);
  }

  /// Row after row of gy comes in, then all are there and no row is missing, then they go.
  template <class Step>
  [[gnu::always_inline]] void for_each_step(Step step) const {
    unroll<live - 1>([&](auto i) __attribute__((always_inline)) {
      step(Meets<nearest, nearest + i, true>{}, nearest + i);
    });
    const std::int64_t end = out_height_ + nearest;
    const std::int64_t last = std::min(end, (height_ + pad_y_) / S);
    std::int64_t t = farthest;
    if constexpr (farthest * S < K - 1) {  // some rows of the kernel only, which may still be above the image
      const std::int64_t first = std::min(end, (pad_y_ + S - 1) / S);
      for (; t < first; ++t) step(Meets<nearest, farthest, true>{}, t);
    }
    for (; t < last; ++t) step(Meets<nearest, farthest, false>{}, t);
    for (; t < end; ++t) step(Meets<nearest, farthest, true>{}, t);
    unroll<live - 1>([&](auto i) __attribute__((always_inline)) {
      step(Meets<nearest + i + 1, farthest, true>{}, end + i);
    });
  }

  template <class M>
  [[gnu::always_inline]] void add_products(M, const T* x, std::int64_t t) {
    unroll<S>([&](auto s) __attribute__((always_inline)) {
      const std::int64_t row = t * S + s - pad_y_;
      if (M::is_checked && !has_row(row)) return;
      const T* const from = x + row * width_;
      if (!M::is_checked && ahead_ != 0) __builtin_prefetch(from + ahead_, 0, 2);
      const auto whole = Layout::row(from);
      unroll<groups>([&](auto m) __attribute__((always_inline)) {
        const V pixels = Layout::template pixels<m>(whole);
        unroll<M::last - M::first + 1>([&](auto i) __attribute__((always_inline)) {
          constexpr int d = M::first + i, p = s + d * S - first_row;
          if constexpr (p >= 0 && p < rows) add_product<p, m, d - nearest>(pixels);
        });
      });
    });
  }

  // Copies, which the compiler knows to stay the same in all loops.
  const std::int64_t height_, width_, out_height_, out_width_, pad_y_;
  const std::int64_t ahead_, out_ahead_;  ///< from what a step reads to the same of the next plane, or 0
  V gradients_[live][neighbours];
  V sums_[rows * groups];
};

}  // namespace
}  // namespace fathom::ops::depthwise
