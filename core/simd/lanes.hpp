// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: the first lanes of a vector.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <fathom/core/simd/batch.hpp>

namespace fathom::simd {
namespace {

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

}  // namespace
}  // namespace fathom::simd
