// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: vectors of one instruction set, and moves between lanes that xsimd lacks.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <fathom/core/simd/batch.hpp>
#include <fathom/ops/depthwise_convolution_2d/kernel.hpp>

namespace fathom::ops::depthwise {
namespace {

using simd::Batch;
using simd::lanes;
using simd::multiply_add;

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

/// No bits, all bits, no bits: a mask is a window onto it.
template <class T>
struct MaskBits {
  T bits[3 * lanes<T>];
  constexpr MaskBits() : bits{} {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    for (int i = lanes<T>; i < 2 * lanes<T>; ++i) bits[i] = std::bit_cast<T>(~Bits{0});
  }
};
template <class T>
inline constexpr MaskBits<T> mask_bits;

/// All bits in the lanes [first, last), none elsewhere; to be combined by &.
template <class T>
Batch<T> lane_mask(std::int64_t first, std::int64_t last) {
  constexpr std::int64_t L = lanes<T>;
  const T* bits = mask_bits<T>.bits;
  return Batch<T>::load_unaligned(bits + L - std::clamp<std::int64_t>(first, 0, L)) &
         Batch<T>::load_unaligned(bits + 2 * L - std::clamp<std::int64_t>(last, 0, L));
}

/// Copies `count` < 2 * half elements by two overlapping moves.
template <int half, class T>
[[gnu::always_inline]] inline void copy_short(T* to, const T* from, std::int64_t count) {
  if (count >= half) {
    std::memcpy(to, from, half * sizeof(T));
    std::memcpy(to + count - half, from + count - half, half * sizeof(T));
  } else if constexpr (half > 1) {
    copy_short<half / 2>(to, from, count);
  }
}

/// Writes the first `count` lanes and nothing else.
template <class T>
[[gnu::always_inline]] inline void store_lanes(T* to, Batch<T> v, std::int64_t count) {
  if (count == lanes<T>) {
    v.store_unaligned(to);
  } else {
    alignas(Batch<T>) T buffer[lanes<T>];
    v.store_aligned(buffer);
    copy_short<lanes<T> / 2>(to, buffer, count);
  }
}

/// The first `count` lanes; the others are 0. Reads nothing else.
template <class T>
[[gnu::always_inline]] inline Batch<T> load_lanes(const T* from, std::int64_t count) {
  if (count == lanes<T>) return Batch<T>::load_unaligned(from);
  alignas(Batch<T>) T buffer[lanes<T>] = {};
  copy_short<lanes<T> / 2>(buffer, from, count);
  return Batch<T>::load_aligned(buffer);
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
