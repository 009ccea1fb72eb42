// SPDX-License-Identifier: BSD-3-Clause
// Part of the kernel units: activations of a vector on its way to memory.
#pragma once

#include <fathom/core/activation.hpp>
#include <fathom/core/simd/batch.hpp>

namespace fathom::simd {
namespace {

/// The bits that the activation's own op makes; NaN stays NaN.
template <class T>
[[gnu::always_inline]] inline Batch<T> activate(Activation activation, Batch<T> x) {
  if (activation == Activation::none) return x;
  x = xsimd::select(x <= Batch<T>(T(0)), Batch<T>(T(0)), x);
  return activation == Activation::relu ? x : xsimd::select(x >= Batch<T>(T(6)), Batch<T>(T(6)), x);
}

}  // namespace
}  // namespace fathom::simd
