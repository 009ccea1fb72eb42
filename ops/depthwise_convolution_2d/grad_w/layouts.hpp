// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: where the sums of gW(x, gy) are in vectors.
//
// A strip is as many output columns as fit into a vector of sums. Each kernel row has some groups of sums;
// lane i of group m belongs to one column of the strip and to one tap.
#pragma once

#include <fathom/ops/depthwise_convolution_2d/kernel_lanes.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Lanes lie along the image: the S lanes of a column are different taps, and each gradient is there S times.
template <class V, int K, int S>
struct AlongImage {
  using Vector = V;
  using T = Element<V>;
  static constexpr int groups = (K + S - 1) / S;
  static constexpr int columns = lanes_of<V> / S;

  static constexpr int taps = S;  ///< of a group, in lanes that take turns
  static constexpr int seen = K;  ///< pixels in a row that a column's lanes meet

  /// The lanes of the columns [skip, count) that see a pixel, tap 0 of column 0 lying at x = `first`.
  static V keep(int group, std::int64_t first, std::int64_t width, std::int64_t skip, std::int64_t count,
                std::int64_t /*rest*/) {
    const std::int64_t at = first + S * group;
    return lane_mask<V>(std::max(-at, S * skip), std::min(width - at, S * count));
  }

  static constexpr int neighbours = 1;  ///< columns whose gradients meet a lane
  static constexpr int neighbour_of(int /*group*/) { return 0; }
  template <int neighbour>
  [[gnu::always_inline]] static V gradients(const T* gy) {
    return load_repeated<V, S, 0>(gy);
  }

  using Row = const T*;
  [[gnu::always_inline]] static Row row(const T* x) { return x; }
  template <int group>
  [[gnu::always_inline]] static V pixels(Row x) {
    return load_once<V>(x + S * group);
  }
};

/// Elements 0 2 4 ... (odd 0) or 1 3 5 ... of a and b laid end to end, in an order that takes one move within
/// 16 bytes, which are the cheap ones; `ordered` brings lanes into that order.
template <int odd, class V>
[[gnu::always_inline]] inline V every_other(V a, V b) {
  constexpr int kPart = 16 / sizeof(Element<V>);
  return shuffle(a, b, [](int i) {
    const int in = i % kPart;
    return i - in + (in < kPart / 2 ? 2 * in : lanes_of<V> + 2 * in - kPart) + odd;
  });
}
template <class V>
[[gnu::always_inline]] inline V ordered(V v) {
  if constexpr (sizeof(V) == 32 && sizeof(Element<V>) == 4) {
    // Moves of two lanes at once need no table in a register, which AVX2 has none left for.
    using Twos = double __attribute__((vector_size(32)));
    const auto twos = reinterpret_cast<Twos>(v.data);
    return V(reinterpret_cast<decltype(v.data)>(__builtin_shufflevector(twos, twos, 0, 2, 1, 3)));
  }
  constexpr int kPart = 16 / sizeof(Element<V>);
  return shuffle(v, v, [](int i) {
    const int in = i % kPart;
    return (i - in) / 2 + (in < kPart / 2 ? in : lanes_of<V> / 2 + in - kPart / 2);
  });
}

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
  static constexpr int seen = K;

  static V keep(int group, std::int64_t first, std::int64_t width, std::int64_t skip, std::int64_t count,
                std::int64_t /*rest*/) {
    const std::int64_t at = first + group;
    return ordered(lane_mask<V>(std::max((1 - at) / 2, skip), std::min((width - at + 1) / 2, count)));
  }

  static constexpr int neighbours = 1;
  static constexpr int neighbour_of(int /*group*/) { return 0; }
  template <int neighbour>
  [[gnu::always_inline]] static V gradients(const T* gy) {
    return ordered(V::load_unaligned(gy));
  }

  using Row = const T*;
  [[gnu::always_inline]] static Row row(const T* x) { return x; }
  template <int group>
  [[gnu::always_inline]] static V pixels(Row x) {
    const T* from = x + group - group % 2;
    return every_other<group % 2>(load_once<V>(from), load_once<V>(from + lanes_of<V>));
  }
};

/// The same for 3 x 3 kernels and an odd pad: taps 1 and 2 of a column are a pair of pixels, and tap 0 is the
/// second pixel of the pair before. So the lane of a pair also meets the gradient of the next column, and a
/// row is taken apart by two moves instead of three, of half as many loads.
template <class V>
struct AlongPairs {
  using Vector = V;
  using T = Element<V>;
  static constexpr int groups = 3;
  static constexpr int columns = lanes_of<V>;

  static constexpr int taps = 1;
  static constexpr int seen = 4;  ///< with the first pixel that only the next column sees, if there is one

  static V keep(int group, std::int64_t first, std::int64_t width, std::int64_t skip, std::int64_t count,
                std::int64_t rest) {
    const std::int64_t at = first + (group == 0 ? 2 : group);
    const std::int64_t last = group == 0 ? std::min(count, rest - 1) : count;
    return ordered(lane_mask<V>(std::max((1 - at) / 2, skip), std::min((width - at + 1) / 2, last)));
  }

  static constexpr int neighbours = 2;
  static constexpr int neighbour_of(int group) { return group == 0 ? 1 : 0; }
  template <int neighbour>
  [[gnu::always_inline]] static V gradients(const T* gy) {
    return ordered(V::load_unaligned(gy + neighbour));
  }

  struct Row {
    V even, odd;
  };
  [[gnu::always_inline]] static Row row(const T* x) {
    const V a = load_once<V>(x + 1), b = load_once<V>(x + 1 + lanes_of<V>);
    return {every_other<0>(a, b), every_other<1>(a, b)};
  }
  template <int group>
  [[gnu::always_inline]] static V pixels(const Row& row) {
    return group == 1 ? row.even : row.odd;
  }
};

}  // namespace
}  // namespace fathom::ops::depthwise
