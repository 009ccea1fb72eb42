// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/autograd/variable.hpp>
#include <fathom/core/activation.hpp>

/// What ops with an `activation` option share: value and gradient are those of the activation's own op.
namespace fathom::ops::detail {

/// gy behind an activation whose result is y; gy itself behind none.
[[nodiscard]] Variable through_activation(Activation activation, const Variable& gy, const Variable& y);
/// In gy's memory where nobody else holds it: gy is read for the last time.
[[nodiscard]] Array through_activation(Activation activation, const Array& gy, const Array& y);

/// As for Arrays, with the gradient of a bias for each channel: the sums of the result (n, c, h, w) over all
/// axes but c, taken while it is in the cache.
struct BiasedGradient {
  Array g, gb;
};
[[nodiscard]] BiasedGradient through_biased_activation(Activation activation, const Array& gy,
                                                       const Array& y);

/// A gradient that has yet to go through the activation whose result is y.
struct PendingGradient {
  Array gy;
  Activation activation = Activation::none;
  Array y = {};  ///< undefined behind none
};
/// A part of it, behind an activation other than none: g[i] of gy[i] and y[i], i < count; g may be gy. What
/// goes through in parts is counted as a kernel once, by `count_gradient`.
template <class T>
void through_activation(Activation activation, const T* gy, const T* y, T* g, std::int64_t count);
void count_gradient(Activation activation, DType dtype);

extern template void through_activation<float>(Activation, const float*, const float*, float*, std::int64_t);
extern template void through_activation<double>(Activation, const double*, const double*, double*,
                                                std::int64_t);

}  // namespace fathom::ops::detail
