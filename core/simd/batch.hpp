// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: vectors of the instruction set that a unit is compiled for.
#pragma once

#include <type_traits>
#include <xsimd/xsimd.hpp>

namespace fathom::simd {
namespace {

#if defined(__AVX512F__)
using NarrowArch = xsimd::fma3<xsimd::avx2>;
#else
using NarrowArch = FATHOM_ARCH;
#endif

template <class T>
using Batch = xsimd::batch<T, FATHOM_ARCH>;
template <class T>
inline constexpr int lanes = static_cast<int>(Batch<T>::size);
/// Vectors of 32 bytes at most, for rows that would leave most lanes of a longer one empty.
template <class T>
using NarrowBatch = xsimd::batch<T, NarrowArch>;
/// Lanes of a vector type.
template <class V>
inline constexpr int lanes_of = static_cast<int>(V::size);

/// a * b + c, rounded once in sets that have FMA. xsimd 8.1 lacks it for 64-byte vectors, where Clang, unlike
/// g++, would round twice.
template <class T, class Arch>
[[gnu::always_inline]] inline xsimd::batch<T, Arch> multiply_add(xsimd::batch<T, Arch> a,
                                                                 xsimd::batch<T, Arch> b,
                                                                 xsimd::batch<T, Arch> c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(a) == 64 && std::is_same_v<T, float>) {
    return _mm512_fmadd_ps(a, b, c);
  } else if constexpr (sizeof(a) == 64) {
    return _mm512_fmadd_pd(a, b, c);
  } else {
    return xsimd::fma(a, b, c);
  }
#else
  return xsimd::fma(a, b, c);
#endif
}

}  // namespace
}  // namespace fathom::simd
