// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// a where `condition`, a bool Array, is true, and b elsewhere; all three are broadcast together. ga is gy
/// where the condition holds and 0 elsewhere, gb the rest, each summed to its argument's shape; what was not
/// chosen has no influence, even if it is NaN. For Arrays of any dtype there is `fathom::where`, and
/// `fathom::equal` makes conditions (core/elementwise.hpp, not in fathom.hpp).
/// @throws DTypeError unless condition is bool and a and b have one dtype; ShapeError when they do not
/// broadcast; GraphError for an undefined argument.
[[nodiscard]] FATHOM_EXPORT Variable where(const Array& condition, const Variable& a, const Variable& b);

}  // namespace fathom::ops
