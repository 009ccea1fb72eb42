// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: 3x3 kernels on planes of 2 x 2, several of which lie in a vector.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_stride1.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Each pixel with its neighbour in the row (1), in the column (2), or across (3).
template <int way, class V>
[[gnu::always_inline]] inline V swap_pixels(V planes) {
  return shuffle(planes, planes, [](int i) { return i ^ way; });
}

/// The tap by which pixel i of the result sees pixel i ^ way of the image, and the gradient's the other way.
inline constexpr int kSeenBy2x2[4][4] = {{4, 4, 4, 4}, {5, 3, 5, 3}, {7, 7, 1, 1}, {8, 6, 2, 0}};

template <class T>
[[nodiscard]] bool is_2x2(const Stride1& s) {
  return s.sources == 1 && s.repeats == 1 && s.height == 2 && s.width == 2 && s.out_height == 2 &&
         s.out_width == 2 && s.pad_y == 1;
}

/// Planes [begin, end) of all images, from and to the first one's. A block of channels at a time, whose taps
/// are laid out for vectors.
template <class T>
void make_2x2(const Stride1 s, const T* x, const T* W, const T* b, T* y, std::int64_t begin,
              std::int64_t end) {
  using V = Batch<T>;
  constexpr std::int64_t kPlanes = lanes<T> / 4, kChannels = 64;
  const T* const first_tap = W + (s.tap_step < 0 ? 8 : 0);
  alignas(V) T taps[4][4 * kChannels + lanes<T>] = {}, bias[4 * kChannels + lanes<T>] = {};
  for (std::int64_t channel = 0; channel < s.channels; channel += kChannels) {
    const std::int64_t channels = std::min(kChannels, s.channels - channel);
    for (std::int64_t i = 0; i < 4 * channels; ++i) {
      const T* const w = first_tap + (channel + i / 4) * 9;
      for (int way = 0; way < 4; ++way) taps[way][i] = w[kSeenBy2x2[way][i % 4] * s.tap_step];
      bias[i] = b == nullptr ? T(0) : b[channel + i / 4];
    }
    for (std::int64_t n = begin / s.channels; n * s.channels < end; ++n) {
      const std::int64_t first = n * s.channels + channel, last = std::min(end, first + channels);
      for (std::int64_t plane = std::max(begin, first); plane < last; plane += kPlanes) {
        const std::int64_t at = 4 * (plane - first);
        const V pixels = V::load_unaligned(x + 4 * plane);
        V sum = V::load_unaligned(bias + at);
        unroll<4>([&](auto way) __attribute__((always_inline)) {
          sum = multiply_add(V::load_unaligned(taps[way] + at), swap_pixels<way>(pixels), sum);
        });
        if (plane + kPlanes <= last) {
          sum.store_unaligned(y + 4 * plane);
        } else {
          store_lanes(y + 4 * plane, sum, 4 * (last - plane));
        }
      }
    }
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise
