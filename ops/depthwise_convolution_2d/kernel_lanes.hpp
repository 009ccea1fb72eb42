// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: vectors of one instruction set, and moves between lanes that xsimd lacks. V is a
// vector type: simd::Batch<T>, or simd::NarrowBatch<T> for narrow images.
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
using simd::lanes;
using simd::lanes_of;
using simd::multiply_add;
using simd::NarrowBatch;
using simd::store_lanes;

template <class V>
using Element = typename V::value_type;

template <class V>
[[gnu::always_inline]] inline V lane_mask(std::int64_t first, std::int64_t last) {
  return simd::lane_mask<Element<V>, typename V::arch_type>(first, last);
}

template <class V>
[[gnu::always_inline]] inline V load_lanes(const Element<V>* from, std::int64_t count) {
  return simd::load_lanes<Element<V>, typename V::arch_type>(from, count);
}

/// Lane i is lane `source(i)` of a and b laid end to end; for every number of lanes (GCC 12, Clang).
template <class V, class Source>
[[gnu::always_inline]] inline V shuffle(V a, V b, Source) {
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return V(__builtin_shufflevector(a.data, b.data, Source{}(i)...));
  }
  (std::make_integer_sequence<int, lanes_of<V>>{});
}

/// a0 b1 a2 b3 ...
template <class V>
[[gnu::always_inline]] inline V alternate(V a, V b) {
  return shuffle(a, b, [](int i) { return i % 2 == 0 ? i : lanes_of<V> + i; });
}

/// Lane i is from[(i + phase) / S]: every element S times.
template <class V, int S, int phase>
[[gnu::always_inline]] inline V load_repeated(const Element<V>* from) {
  const V v = V::load_unaligned(from);
  if constexpr (S == 1) {
    return v;
  } else {
    return shuffle(v, v, [](int i) { return (i + phase) / S; });
  }
}

/// The sums of lanes 2i and 2i + 1: a vector of half the length.
template <class V>
[[gnu::always_inline]] inline auto pair_sums(V v) {
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(v.data, v.data, 2 * i...) +
           __builtin_shufflevector(v.data, v.data, 2 * i + 1 ...);
  }
  (std::make_integer_sequence<int, lanes_of<V> / 2>{});
}

/// Writes the sums of S neighbouring lanes, the first `count` of them and nothing else.
template <int S, class V>
[[gnu::always_inline]] inline void store_sums(Element<V>* to, V v, std::int64_t count) {
  if constexpr (S == 1) {
    store_lanes(to, v, count);
  } else {
    constexpr int half = lanes_of<V> / 2;
    const auto sums = pair_sums(v);
    if (count == half) {
      std::memcpy(to, &sums, sizeof sums);
    } else if constexpr (half > 1) {
      Element<V> buffer[half];
      std::memcpy(buffer, &sums, sizeof sums);
      copy_short<half / 2>(to, buffer, count);
    }
  }
}

}  // namespace
}  // namespace fathom::ops::depthwise
