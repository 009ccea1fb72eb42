// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gx(gy, W).
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_strips.hpp>

namespace fathom::ops::depthwise {
namespace {

/// One strip of image columns. Each row of gy is read once and goes into the K image rows that its windows
/// saw: `sums_[p]` is image row t*S + p, less the pad. Lane 0 lies at image column S*j + phase, less the pad.
template <class V, int K, int S, int phase, bool at_edge>
class GradXStrip {
  using T = Element<V>;

 public:
  GradXStrip(const Geometry& g, const T* w, const T* gy, T* gx, std::int64_t column, std::int64_t count,
             bool add)
      : g_(g),
        weights_(w),
        out_column_((column + g.pad_x) / S),
        gy_(gy),
        gx_(gx + column),
        count_(count),
        add_(add) {
    for (V& sum : sums_) sum = V(T(0));
    for (int m = 0; m < groups<K, S>; ++m) {
      keep_[m] = tap_mask<V, K, S, phase>(m);
      if constexpr (at_edge) {
        // Lane i meets output column j = out_column - m + (i + phase) / S, which must exist.
        const std::int64_t first = S * (m - out_column_) - phase;
        keep_[m] = keep_[m] & lane_mask<V>(first, first + S * g.out_width);
      }
    }
  }

  [[nodiscard]] static bool is_at_edge(const Geometry& g, std::int64_t column) {
    const std::int64_t out_column = (column + g.pad_x) / S;
    return out_column < groups<K, S> - 1 || out_column + (lanes_of<V> - 1 + phase) / S >= g.out_width;
  }

  void slide_down() {
    slide(*this, (g_.pad_y + g_.height + S - 1) / S, (g_.pad_y + S - 1) / S,
          std::min(g_.out_height, (g_.pad_y + g_.height) / S));
  }

  template <bool checked>
  [[gnu::always_inline]] void step(std::int64_t t) {
    if (!checked || t < g_.out_height) {
      const T* row = gy_ + t * g_.out_width;
      V gradients[groups<K, S>];
      for (int m = 0; m < groups<K, S>; ++m) {
        // As in Window: a vector that begins behind the row might reach behind the slack.
        const std::int64_t first = out_column_ - m;
        gradients[m] = load_repeated<V, S, phase>(row + (at_edge ? std::min(first, g_.out_width) : first));
        if (at_edge || S * m + S > K) gradients[m] = gradients[m] & keep_[m];
      }
      for (int p = 0; p < K; ++p) sums_[p] += dot(weights_.rows[p], gradients);
    }
    for (int s = 0; s < S; ++s) {
      const std::int64_t row = t * S + s - g_.pad_y;
      if (checked && (row < 0 || row >= g_.height)) continue;
      T* to = gx_ + row * g_.width;
      store_lanes(to, add_ ? sums_[s] + load_lanes<V>(to, count_) : sums_[s], count_);
    }
    for (int p = 0; p < K; ++p) sums_[p] = p + S < K ? sums_[p + S] : V(T(0));
  }

 private:
  const Geometry& g_;
  Weights<V, K, S, phase> weights_;
  std::int64_t out_column_;
  const T* gy_;
  T* gx_;
  std::int64_t count_;
  bool add_;
  V keep_[groups<K, S>];
  V sums_[K];
};

template <class V, int K, int S, int phase>
void grad_x_strip(const Geometry& g, const Element<V>* w, const Element<V>* gy, Element<V>* gx,
                  std::int64_t column, std::int64_t count, bool add) {
  if (GradXStrip<V, K, S, phase, true>::is_at_edge(g, column)) {
    GradXStrip<V, K, S, phase, true>(g, w, gy, gx, column, count, add).slide_down();
  } else {
    GradXStrip<V, K, S, phase, false>(g, w, gy, gx, column, count, add).slide_down();
  }
}

template <class V, int K, int S>
void grad_x(const Geometry& g, const Element<V>* gy, const Element<V>* W, Element<V>* gx, std::int64_t begin,
            std::int64_t end) {
  using T = Element<V>;
  for (std::int64_t plane = begin; plane < end; ++plane) {
    T* to = gx + plane * g.plane();
    for_each_overlapping_strip(g.width, lanes_of<V>, [&](std::int64_t column, std::int64_t count) {
      // All multiples of the channel before the next strip: the strips overlap, so each must be complete.
      for (std::int64_t m = 0; m < g.multiplier; ++m) {
        const std::int64_t out_plane = plane * g.multiplier + m;
        const T* from = gy + out_plane * g.out_plane();
        const T* w = W + g.kernel_offset(out_plane % g.out_channels());
        if (S == 1 || (column + g.pad_x) % S == 0) {
          grad_x_strip<V, K, S, 0>(g, w, from, to, column, count, m > 0);
        } else {
          grad_x_strip<V, K, S, S - 1>(g, w, from, to, column, count, m > 0);
        }
      }
    });
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise
