// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: gW(x, gy) of 3x3 kernels on planes of 2 x 2, several of which lie in a vector.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_stride1_2x2.hpp>

namespace fathom::ops::depthwise {
namespace {

/// gW of the channels from `channel` on that `vectors` vectors hold, of which `count` are wanted.
template <class T, int vectors>
void grad_w_2x2(const Geometry& g, const T* x, const T* gy, T* gW, bool accumulate, std::int64_t channel,
                std::int64_t count) {
  using V = Batch<T>;
  V sums[vectors][4];
  unroll<4 * vectors>([&](auto i) __attribute__((always_inline)) { sums[i / 4][i % 4] = V(T(0)); });
  for (std::int64_t n = 0; n < g.images; ++n) {
    const std::int64_t at = 4 * (n * g.channels + channel);
    unroll<vectors>([&](auto v) __attribute__((always_inline)) {
      const V pixels = V::load_unaligned(x + at + v * lanes<T>);
      const V gradients = V::load_unaligned(gy + at + v * lanes<T>);
      unroll<4>([&](auto way) __attribute__((always_inline)) {
        sums[v][way] = multiply_add(swap_pixels<way>(pixels), gradients, sums[v][way]);
      });
    });
  }
  alignas(V) T values[4][vectors * lanes<T>];
  unroll<4 * vectors>([&](auto i) __attribute__((always_inline)) {
    sums[i / 4][i % 4].store_aligned(values[i % 4] + i / 4 * lanes<T>);
  });
  for (std::int64_t c = 0; c < count; ++c) {
    double taps[9] = {};
    for (int way = 0; way < 4; ++way) {
      for (int i = 0; i < 4; ++i) taps[kSeenBy2x2[way][i]] += static_cast<double>(values[way][4 * c + i]);
    }
    T* const to = gW + 9 * (channel + c);
    for (int i = 0; i < 9; ++i)
      to[i] = static_cast<T>(taps[i] + (accumulate ? static_cast<double>(to[i]) : 0.0));
  }
}

/// Of the channels [begin, end).
template <class T>
void grad_w_2x2(const Geometry& g, const T* x, const T* gy, T* gW, bool accumulate, std::int64_t begin,
                std::int64_t end) {
  constexpr std::int64_t kChannels = lanes<T> / 4;
  std::int64_t channel = begin;
  for (; channel + 2 * kChannels <= end; channel += 2 * kChannels)
    grad_w_2x2<T, 2>(g, x, gy, gW, accumulate, channel, 2 * kChannels);
  for (; channel < end; channel += kChannels)
    grad_w_2x2<T, 1>(g, x, gy, gW, accumulate, channel, std::min(kChannels, end - channel));
}

}  // namespace
}  // namespace fathom::ops::depthwise
