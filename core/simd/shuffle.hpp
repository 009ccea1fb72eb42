// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: moves between lanes that xsimd lacks.
#pragma once

#include <utility>

#include <fathom/core/simd/batch.hpp>

namespace fathom::simd {
namespace {

/// Lane i is lane `source(i)` of a and b laid end to end; for every number of lanes (GCC 12, Clang).
template <class V, class Source>
[[gnu::always_inline]] inline V shuffle(V a, V b, Source) {
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return V(__builtin_shufflevector(a.data, b.data, Source{}(i)...));
  }
  (std::make_integer_sequence<int, lanes_of<V>>{});
}

/// Lane i of each 16 bytes is the sum of the lanes of these 16 bytes of v[i], for which moves are cheap; v
/// has as many vectors as 16 bytes have lanes, of which those from `count` on are taken for 0.
template <class T, class Arch>
[[gnu::always_inline]] inline xsimd::batch<T, Arch> add_in_16_bytes(const xsimd::batch<T, Arch>* v,
                                                                    int count) {
  using V = xsimd::batch<T, Arch>;
  constexpr int n = 16 / static_cast<int>(sizeof(T));
  const auto at = [&](int i) { return i < count ? v[i] : V(T(0)); };
  // Lanes that are n / 2, then 1 apart.
  const auto pair = [](V a, V b) {
    const V even =
        shuffle(a, b, [](int i) { return i / n * n + 2 * i % n + (i % n < n / 2 ? 0 : lanes_of<V>); });
    const V odd =
        shuffle(a, b, [](int i) { return i / n * n + 2 * i % n + 1 + (i % n < n / 2 ? 0 : lanes_of<V>); });
    return even + odd;
  };
  if constexpr (n == 2) {
    return pair(at(0), at(1));
  } else {
    const auto halves = [](V a, V b) {
      const V low = shuffle(a, b, [](int i) { return i % n < n / 2 ? i : lanes_of<V> + i - n / 2; });
      const V high = shuffle(a, b, [](int i) { return i % n < n / 2 ? i + n / 2 : lanes_of<V> + i; });
      return low + high;
    };
    return pair(halves(at(0), at(1)), halves(at(2), at(3)));
  }
}

}  // namespace
}  // namespace fathom::simd
