// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gW(x, gy).
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_strips.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Kernel rows whose sums fit into the registers beside what is being read.
template <int K, int S>
inline constexpr int rows_at_once = std::min(K, 10 / groups<K, S>);

/// One strip of output columns [skip, count), for the kernel rows first_row .. first_row + rows - 1. Each
/// image row is read once and meets every row of gy whose windows saw it: `gradients_[d]` is output row t -
/// d. Lane i of group m sums up tap S*m + i % S.
template <class V, int K, int S, int first_row, int rows, bool at_edge>
class GradWStrip {
  using T = Element<V>;

 public:
  GradWStrip(const Geometry& g, const T* x, const T* gy, std::int64_t out_column, std::int64_t count,
             std::int64_t skip)
      : g_(g), window_(g, out_column, count, skip), x_(x), gy_(gy + out_column) {
    for (V& gradient : gradients_) gradient = V(T(0));
    for (auto& row : sums_) {
      for (V& sum : row) sum = V(T(0));
    }
  }

  template <bool checked>
  [[gnu::always_inline]] void step(std::int64_t t) {
    constexpr int live = live_rows<K, S>;
    for (int d = live - 1; d > 0; --d) gradients_[d] = gradients_[d - 1];
    if (!checked || t < g_.out_height) gradients_[0] = load_repeated<V, S, 0>(gy_ + t * g_.out_width);
    for (int s = 0; s < S; ++s) {
      const std::int64_t row = t * S + s - g_.pad_y;
      if (checked && (row < 0 || row >= g_.height)) continue;
      V pixels[groups<K, S>];
      window_.load(x_ + row * g_.width, pixels);
      for (int d = 0; d < live; ++d) {
        const int p = s + d * S - first_row;
        if (p < 0 || p >= rows) continue;
        if (checked && (t - d < 0 || t - d >= g_.out_height)) continue;
        for (int m = 0; m < groups<K, S>; ++m) {
          sums_[p][m] = multiply_add(pixels[m], window_.seen(m, gradients_[d]), sums_[p][m]);
        }
      }
    }
  }

  void add_to(V (&totals)[K][groups<K, S>]) const {
    for (int p = 0; p < rows; ++p) {
      for (int m = 0; m < groups<K, S>; ++m) totals[first_row + p][m] += sums_[p][m];
    }
  }

 private:
  const Geometry& g_;
  Window<V, K, S, at_edge> window_;
  const T* x_;
  const T* gy_;
  V gradients_[live_rows<K, S>];
  V sums_[rows][groups<K, S>];
};

/// The sums of one channel over its planes, still spread over the lanes.
template <class V, int K, int S>
class GradWSums {
  using T = Element<V>;

 public:
  GradWSums() {
    for (auto& row : totals_) {
      for (V& total : row) total = V(T(0));
    }
  }

  void add_plane(const Geometry& g, const T* x, const T* gy) {
    // Strips that overlap, as the other passes have them, keep the reads near the image; a column that the
    // strip before has done is masked.
    std::int64_t done = 0;
    for_each_overlapping_strip(g.out_width, strip_width<V, S>, [&](std::int64_t column, std::int64_t count) {
      const std::int64_t skip = done - column;
      if (skip > 0 || Window<V, K, S, true>::is_at_edge(g, column, count)) {
        add_strip<true>(g, x, gy, column, count, skip);
      } else {
        add_strip<false>(g, x, gy, column, count, skip);
      }
      done = column + count;
    });
  }

  /// The gradient of one kernel: lanes added up in double, in order.
  void write(T* gW, bool accumulate) const {
    for (int p = 0; p < K; ++p) {
      double taps[groups<K, S> * S] = {};
      for (int m = 0; m < groups<K, S>; ++m) {
        alignas(V) T values[lanes_of<V>];
        totals_[p][m].store_aligned(values);
        for (int i = 0; i < lanes_of<V>; ++i) taps[S * m + i % S] += static_cast<double>(values[i]);
      }
      for (int q = 0; q < K; ++q, ++gW)
        *gW = static_cast<T>(taps[q] + (accumulate ? static_cast<double>(*gW) : 0.0));
    }
  }

 private:
  template <bool at_edge, int first_row = 0>
  void add_strip(const Geometry& g, const T* x, const T* gy, std::int64_t column, std::int64_t count,
                 std::int64_t skip) {
    constexpr int rows = std::min(rows_at_once<K, S>, K - first_row);
    GradWStrip<V, K, S, first_row, rows, at_edge> strip(g, x, gy, column, count, skip);
    slide_over_image<K, S>(strip, g);
    strip.add_to(totals_);
    if constexpr (first_row + rows < K) add_strip<at_edge, first_row + rows>(g, x, gy, column, count, skip);
  }

  V totals_[K][groups<K, S>];
};

template <class V, int K, int S>
void grad_w(const Geometry& g, const Element<V>* x, const Element<V>* gy, Element<V>* gW, bool accumulate,
            std::int64_t begin, std::int64_t end) {
  using T = Element<V>;
  // A block of channels at a time: their planes lie side by side in memory, and their sums stay in the cache.
  constexpr std::int64_t kBlock = 16;
  for (std::int64_t block = begin; block < end; block += kBlock) {
    const std::int64_t channels = std::min(kBlock, end - block);
    GradWSums<V, K, S> sums[kBlock];
    for (std::int64_t n = 0; n < g.images; ++n) {
      for (std::int64_t i = 0; i < channels; ++i) {
        const std::int64_t plane = n * g.out_channels() + block + i;
        sums[i].add_plane(g, x + plane / g.multiplier * g.plane(), gy + plane * g.out_plane());
      }
    }
    for (std::int64_t i = 0; i < channels; ++i) sums[i].write(gW + g.kernel_offset(block + i), accumulate);
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise
