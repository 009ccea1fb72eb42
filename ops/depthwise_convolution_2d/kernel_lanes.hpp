// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: vectors of one instruction set, and moves between lanes that xsimd lacks.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include <fathom/core/simd/lanes.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel.hpp>

namespace fathom::ops::depthwise {
namespace {

using simd::Batch;
using simd::copy_short;
using simd::lane_mask;
using simd::lanes;
using simd::load_lanes;
using simd::multiply_add;
using simd::store_lanes;

/// Lane i is lane `source(i)` of a and b laid end to end; for every number of lanes (GCC 12, Clang).
template <class T, class Source>
[[gnu::always_inline]] inline Batch<T> shuffle(Batch<T> a, Batch<T> b, Source) {
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return Batch<T>(__builtin_shufflevector(a.data, b.data, Source{}(i)...));
  }
  (std::make_integer_sequence<int, lanes<T>>{});
}

/// a0 b1 a2 b3 ...
template <class T>
[[gnu::always_inline]] inline Batch<T> alternate(Batch<T> a, Batch<T> b) {
  return shuffle<T>(a, b, [](int i) { return i % 2 == 0 ? i : lanes<T> + i; });
}

/// Lane i is from[(i + phase) / S]: every element S times.
template <int S, int phase, class T>
[[gnu::always_inline]] inline Batch<T> load_repeated(const T* from) {
  const Batch<T> v = Batch<T>::load_unaligned(from);
  if constexpr (S == 1) {
    return v;
  } else {
    return shuffle<T>(v, v, [](int i) { return (i + phase) / S; });
  }
}

/// The sums of lanes 2i and 2i + 1: a vector of half the length.
template <class T>
[[gnu::always_inline]] inline auto pair_sums(Batch<T> v) {
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(v.data, v.data, 2 * i...) +
           __builtin_shufflevector(v.data, v.data, 2 * i + 1 ...);
  }
  (std::make_integer_sequence<int, lanes<T> / 2>{});
}

/// Writes the sums of S neighbouring lanes, the first `count` of them and nothing else.
template <int S, class T>
[[gnu::always_inline]] inline void store_sums(T* to, Batch<T> v, std::int64_t count) {
  if constexpr (S == 1) {
    store_lanes(to, v, count);
  } else {
    constexpr int half = lanes<T> / 2;
    const auto sums = pair_sums<T>(v);
    if (count == half) {
      std::memcpy(to, &sums, sizeof sums);
    } else if constexpr (half > 1) {
      T buffer[half];
      std::memcpy(buffer, &sums, sizeof sums);
      copy_short<half / 2>(to, buffer, count);
    }
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise
