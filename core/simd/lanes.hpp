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
template <class T, int size>
struct MaskBits {
  T bits[3 * size];
  constexpr MaskBits() : bits{} {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    for (int i = size; i < 2 * size; ++i) bits[i] = std::bit_cast<T>(~Bits{0});
  }
};
template <class T, int size>
inline constexpr MaskBits<T, size> mask_bits;

/// All bits in the lanes [first, last), none elsewhere; to be combined by &.
template <class T, class Arch = FATHOM_ARCH>
xsimd::batch<T, Arch> lane_mask(std::int64_t first, std::int64_t last) {
  using V = xsimd::batch<T, Arch>;
  constexpr std::int64_t L = lanes_of<V>;
  const T* bits = mask_bits<T, L>.bits;
  return V::load_unaligned(bits + L - std::clamp<std::int64_t>(first, 0, L)) &
         V::load_unaligned(bits + 2 * L - std::clamp<std::int64_t>(last, 0, L));
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

#if defined(__AVX512F__)
/// The first `count` lanes.
template <int size>
[[gnu::always_inline]] inline auto first_lanes(std::int64_t count) {
  return static_cast<std::conditional_t<size == 16, __mmask16, __mmask8>>((1U << count) - 1);
}
#endif

/// Writes the first `count` lanes and nothing else.
template <class T, class Arch>
[[gnu::always_inline]] inline void store_lanes(T* to, xsimd::batch<T, Arch> v, std::int64_t count) {
  constexpr int L = lanes_of<xsimd::batch<T, Arch>>;
  if (count == L) return v.store_unaligned(to);
#if defined(__AVX512F__)
  if constexpr (L * sizeof(T) == 64) {
    if constexpr (std::is_same_v<T, float>) {
      _mm512_mask_storeu_ps(to, first_lanes<L>(count), v);
    } else {
      _mm512_mask_storeu_pd(to, first_lanes<L>(count), v);
    }
  } else {
    if constexpr (std::is_same_v<T, float>) {
      _mm256_mask_storeu_ps(to, first_lanes<L>(count), v);
    } else {
      _mm256_mask_storeu_pd(to, first_lanes<L>(count), v);
    }
  }
#else
  alignas(xsimd::batch<T, Arch>) T buffer[L];
  v.store_aligned(buffer);
  copy_short<L / 2>(to, buffer, count);
#endif
}

/// The first `count` lanes; the others are 0. Reads nothing else.
template <class T, class Arch = FATHOM_ARCH>
[[gnu::always_inline]] inline xsimd::batch<T, Arch> load_lanes(const T* from, std::int64_t count) {
  using V = xsimd::batch<T, Arch>;
  constexpr int L = lanes_of<V>;
  if (count == L) return V::load_unaligned(from);
#if defined(__AVX512F__)
  if constexpr (L * sizeof(T) == 64) {
    if constexpr (std::is_same_v<T, float>) {
      return _mm512_maskz_loadu_ps(first_lanes<L>(count), from);
    } else {
      return _mm512_maskz_loadu_pd(first_lanes<L>(count), from);
    }
  } else {
    if constexpr (std::is_same_v<T, float>) {
      return _mm256_maskz_loadu_ps(first_lanes<L>(count), from);
    } else {
      return _mm256_maskz_loadu_pd(first_lanes<L>(count), from);
    }
  }
#elif defined(__AVX2__)
  // Not by way of memory: a load waits for the smaller stores that it overlaps.
  const auto* bits = reinterpret_cast<const __m256i_u*>(mask_bits<T, L>.bits + 2 * L - count);
  const __m256i mask = _mm256_loadu_si256(bits);
  if constexpr (std::is_same_v<T, float>) {
    return _mm256_maskload_ps(from, mask);
  } else {
    return _mm256_maskload_pd(from, mask);
  }
#else
  alignas(V) T buffer[L] = {};
  copy_short<L / 2>(buffer, from, count);
  return V::load_aligned(buffer);
#endif
}

}  // namespace
}  // namespace fathom::simd
