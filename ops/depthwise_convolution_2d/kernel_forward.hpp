// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: y(x, W, b).
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_strips.hpp>

namespace fathom::ops::depthwise {
namespace {

/// One strip of output columns. Each image row is read once and goes into every output row that sees it:
/// `sums_[d]` is output row t - d.
template <class V, int K, int S, bool at_edge>
class ForwardStrip {
  using T = Element<V>;

 public:
  ForwardStrip(const Geometry& g, const T* w, T bias, const T* x, T* y, std::int64_t out_column,
               std::int64_t count)
      : g_(g), weights_(w), window_(g, out_column, count), x_(x), y_(y + out_column), count_(count) {
    // The lanes of an output column are added up, so the bias goes into the first of them.
    bias_ = S == 1 ? V(bias) : alternate(V(bias), V(T(0)));
    for (V& sum : sums_) sum = V(T(0));
  }

  template <bool checked>
  [[gnu::always_inline]] void step(std::int64_t t) {
    constexpr int live = live_rows<K, S>;
    for (int s = 0; s < S; ++s) {
      const std::int64_t row = t * S + s - g_.pad_y;
      if (checked && (row < 0 || row >= g_.height)) continue;
      V pixels[groups<K, S>];
      window_.load(x_ + row * g_.width, pixels);
      for (int d = 0; s + d * S < K; ++d) sums_[d] += dot(weights_.rows[s + d * S], pixels);
    }
    const std::int64_t done = t - (live - 1);
    if (!checked || done >= 0) store_sums<S>(y_ + done * g_.out_width, sums_[live - 1] + bias_, count_);
    for (int d = live - 1; d > 0; --d) sums_[d] = sums_[d - 1];
    sums_[0] = V(T(0));
  }

 private:
  const Geometry& g_;
  Weights<V, K, S> weights_;
  Window<V, K, S, at_edge> window_;
  const T* x_;
  T* y_;
  std::int64_t count_;
  V bias_;
  V sums_[live_rows<K, S>];
};

template <class V, int K, int S>
void forward(const Geometry& g, const Element<V>* x, const Element<V>* W, const Element<V>* b, Element<V>* y,
             std::int64_t begin, std::int64_t end) {
  using T = Element<V>;
  for (std::int64_t plane = begin; plane < end; ++plane) {
    const std::int64_t channel = plane % g.out_channels();
    const T* w = W + g.kernel_offset(channel);
    const T bias = b == nullptr ? T(0) : b[channel];
    const T* from = x + plane / g.multiplier * g.plane();
    T* to = y + plane * g.out_plane();
    for_each_overlapping_strip(g.out_width, strip_width<V, S>, [&](std::int64_t column, std::int64_t count) {
      if (Window<V, K, S, true>::is_at_edge(g, column, count)) {
        ForwardStrip<V, K, S, true> strip(g, w, bias, from, to, column, count);
        slide_over_image<K, S>(strip, g);
      } else {
        ForwardStrip<V, K, S, false> strip(g, w, bias, from, to, column, count);
        slide_over_image<K, S>(strip, g);
      }
    });
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise
