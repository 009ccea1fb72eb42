// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel unit: exp for the differences of scores and their maximum.
#pragma once

#include <cstdint>

#include <fathom/core/simd/batch.hpp>

namespace fathom::ops::softmax_family {
namespace {

/// e^x for x of 0 and below, to the last bit or two; 0 below -708, NaN for NaN. xsimd's divides, which takes
/// longer than all that is done here.
template <class Doubles>
[[gnu::always_inline]] inline Doubles exponential(Doubles x) {
  constexpr double kLowest = -708;     // 2^n would not be a normal number much further below
  constexpr double kWhole = 0x1.8p52;  // added to a number it leaves a whole one in the lowest bits
  // 1/13!, 1/12!, ..., 1: what is left out on [-log(2)/2, log(2)/2] is less than a rounding.
  constexpr double kTerms[] = {
      1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
      1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       0.5,          1,           1};
  using Bits [[gnu::vector_size(sizeof(Doubles))]] = std::uint64_t;
  const Doubles least(kLowest);
  const Doubles clamped = xsimd::max(least, x);
  const Doubles shifted = simd::multiply_add(clamped, Doubles(1.4426950408889634), Doubles(kWhole));
  const Doubles n = shifted - Doubles(kWhole);
  // log(2) in two parts, the first of few bits.
  const Doubles most = simd::multiply_add(n, Doubles(-0.693145751953125), clamped);
  const Doubles rest = simd::multiply_add(n, Doubles(-1.4286068203094172e-6), most);
  Doubles sum(kTerms[0]);
#pragma GCC unroll 13
  for (int i = 1; i < 14; ++i) sum = simd::multiply_add(sum, rest, Doubles(kTerms[i]));
  Bits bits, exponents;
  __builtin_memcpy(&bits, &sum.data, sizeof bits);
  __builtin_memcpy(&exponents, &shifted.data, sizeof bits);
  bits += exponents << 52;
  Doubles result;
  __builtin_memcpy(&result.data, &bits, sizeof bits);
  result = xsimd::select(x < least, Doubles(0.0), result);
  return xsimd::select(x == x, result, x);
}

}  // namespace
}  // namespace fathom::ops::softmax_family
