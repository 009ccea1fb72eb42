// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// mean((x0 - x1)^2) over all elements, shape (). Of nothing it is NaN, as `mean` is.
/// x0 and x1 have one shape: nothing is broadcast, since (n) against (n, 1) is a mistake. Both may want
/// gradients. Throws ShapeError, DTypeError. Differentiable any number of times.
[[nodiscard]] FATHOM_EXPORT Variable mean_squared_error(const Variable& x0, const Variable& x1);

}  // namespace fathom::ops
