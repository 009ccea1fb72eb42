// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: vectors of the instruction set that a unit is compiled for.
#pragma once

#include <type_traits>
#include <xsimd/xsimd.hpp>

namespace fathom::simd {
namespace {

template <class T>
using Batch = xsimd::batch<T, FATHOM_ARCH>;
template <class T>
inline constexpr int lanes = static_cast<int>(Batch<T>::size);

/// a * b + c, rounded once in sets that have FMA. xsimd 8.1 lacks it for 64-byte vectors, where Clang, unlike
/// g++, would round twice.
template <class T>
[[gnu::always_inline]] inline Batch<T> multiply_add(Batch<T> a, Batch<T> b, Batch<T> c) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>) {
    return _mm512_fmadd_ps(a, b, c);
  } else {
    return _mm512_fmadd_pd(a, b, c);
  }
#else
  return xsimd::fma(a, b, c);
#endif
}

}  // namespace
}  // namespace fathom::simd
