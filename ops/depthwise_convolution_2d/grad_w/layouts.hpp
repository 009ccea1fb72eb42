// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: where the sums of gW(x, gy) are in vectors.
//
// A strip is as many output columns as fit into a vector of sums. Each kernel row has some groups of sums;
// lane i of group m belongs to one column of the strip and to one tap.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_lanes.hpp>

namespace fathom::ops::depthwise {
namespace {

/// With stride 2 loads are what a step waits for, and g++ would make two of one whose value is used twice.
template <class V>
[[nodiscard]] [[gnu::always_inline]] inline V load_once(const Element<V>* from) {
  V v = V::load_unaligned(from);
#if defined(__x86_64__)
  asm("" : "+v"(v.data));
#endif
  return v;
}

/// Lanes lie along the image: the S lanes of a column are different taps, and each gradient is there S times.
template <class V, int K, int S>
struct AlongImage {
  using Vector = V;
  using T = Element<V>;
  static constexpr int groups = (K + S - 1) / S;
  static constexpr int columns = lanes_of<V> / S;

  static constexpr int taps = S;  ///< of a group, in lanes that take turns

  /// The lanes of the columns [skip, count) that see a pixel, tap 0 of column 0 lying at x = `first`.
  static V keep(int group, std::int64_t first, std::int64_t width, std::int64_t skip, std::int64_t count) {
    const std::int64_t at = first + S * group;
    return lane_mask<V>(std::max(-at, S * skip), std::min(width - at, S * count));
  }

  [[gnu::always_inline]] static V gradients(const T* gy) { return load_repeated<V, S, 0>(gy); }

  template <int group>
  [[gnu::always_inline]] static V pixels(const T* x) {
    return S == 1 ? V::load_unaligned(x + group) : load_once<V>(x + S * group);
  }
};

/// For stride 2: each lane is a column, each tap a group, with every other pixel of two vectors. Twice as
/// many columns as above for nine multiplications instead of six, if there are so many. Columns are in the
/// order in which pixels can be taken from two vectors by moves within 16 bytes, which are the cheap ones.
template <class V, int K>
struct AlongOutput {
  using Vector = V;
  using T = Element<V>;
  static constexpr int groups = K;
  static constexpr int columns = lanes_of<V>;

  static constexpr int taps = 1;

  static V keep(int group, std::int64_t first, std::int64_t width, std::int64_t skip, std::int64_t count) {
    const std::int64_t at = first + group;
    return ordered(lane_mask<V>(std::max((1 - at) / 2, skip), std::min((width - at + 1) / 2, count)));
  }

  [[gnu::always_inline]] static V gradients(const T* gy) { return ordered(V::load_unaligned(gy)); }

  template <int group>
  [[gnu::always_inline]] static V pixels(const T* x) {
    constexpr int odd = group % 2;
    const T* from = x + group - odd;
    return shuffle(load_once<V>(from), load_once<V>(from + lanes_of<V>), [](int i) {
      const int in = i % kPart;
      return i - in + (in < kPart / 2 ? 2 * in : lanes_of<V> + 2 * in - kPart) + odd;
    });
  }

 private:
  static constexpr int kPart = 16 / sizeof(T);

  [[gnu::always_inline]] static V ordered(V v) {
    return shuffle(v, v, [](int i) {
      const int in = i % kPart;
      return (i - in) / 2 + (in < kPart / 2 ? in : lanes_of<V> / 2 + in - kPart / 2);
    });
  }
};

}  // namespace
}  // namespace fathom::ops::depthwise
