// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

// All elementwise. NaN in any argument gives NaN. An undefined argument is a GraphError.

/// The larger of a and b, with NumPy's broadcasting. gy goes to the argument that y comes from, at ties to a,
/// where either is NaN to b. Throws ShapeError, DTypeError when a and b do not fit.
[[nodiscard]] FATHOM_EXPORT Variable maximum(const Variable& a, const Variable& b);
/// The smaller of a and b; otherwise as `maximum`.
[[nodiscard]] FATHOM_EXPORT Variable minimum(const Variable& a, const Variable& b);
/// The larger of x and a number, rounded to x's dtype. gx = gy where x >= value, else 0, also at NaN.
[[nodiscard]] FATHOM_EXPORT Variable maximum_scalar(const Variable& x, double value);
/// The smaller of x and a number, rounded to x's dtype. gx = gy where x <= value, else 0, also at NaN.
[[nodiscard]] FATHOM_EXPORT Variable minimum_scalar(const Variable& x, double value);
/// min(max(x, x_min), x_max), the bounds rounded to x's dtype. gx = gy where x_min <= x <= x_max, else 0,
/// also at NaN. Throws ValueError unless x_min <= x_max.
[[nodiscard]] FATHOM_EXPORT Variable clip(const Variable& x, double x_min, double x_max);

}  // namespace fathom::ops
