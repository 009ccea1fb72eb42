// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>
#include <fathom/core/activation.hpp>

/// What ops with an `activation` option share: value and gradient are those of the activation's own op.
namespace fathom::ops::detail {

/// gy behind an activation whose result is y; gy itself behind none.
[[nodiscard]] Variable through_activation(Activation activation, const Variable& gy, const Variable& y);
/// In gy's memory where nobody else holds it: gy is read for the last time.
[[nodiscard]] Array through_activation(Activation activation, const Array& gy, const Array& y);

/// The same, with the gradient of a bias for each channel: the sums of the result (n, c, h, w) over all axes
/// but c, taken while it is in the cache.
struct BiasedGradient {
  Array g, gb;
};
[[nodiscard]] BiasedGradient through_biased_activation(Activation activation, const Array& gy,
                                                       const Array& y);

}  // namespace fathom::ops::detail
