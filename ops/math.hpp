// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

// All elementwise: y has x's shape and dtype. Outside its domain a function gives NaN or an infinity, as in
// IEEE 754, and no error; NaN stays NaN. An undefined argument is a GraphError.

/// e to the power x. gx = gy y.
[[nodiscard]] FATHOM_EXPORT Variable exp(const Variable& x);
/// Natural logarithm. gx = gy / x, also for negative x, where y is NaN.
[[nodiscard]] FATHOM_EXPORT Variable log(const Variable& x);
/// Square root. gx = gy / (2 y), infinite at 0.
[[nodiscard]] FATHOM_EXPORT Variable sqrt(const Variable& x);
/// x * x. gx = 2 gy x.
[[nodiscard]] FATHOM_EXPORT Variable square(const Variable& x);
/// |x|. gx = gy sign(x): 0 at 0, NaN at NaN.
[[nodiscard]] FATHOM_EXPORT Variable absolute(const Variable& x);

/// a to the power b, with NumPy's broadcasting. ga = gy b a^(b - 1), gb = gy log(a) a^b: NaN for negative a,
/// and at a = 0, so keep b constant there. Throws ShapeError, DTypeError when a and b do not fit.
[[nodiscard]] FATHOM_EXPORT Variable pow(const Variable& a, const Variable& b);
/// x to the power of a number, rounded to x's dtype. gx = gy value x^(value - 1), 0 for a value of 0.
[[nodiscard]] FATHOM_EXPORT Variable pow_scalar(const Variable& x, double value);
/// A number, rounded to x's dtype, to the power x. gx = gy y log(value).
[[nodiscard]] FATHOM_EXPORT Variable rpow_scalar(const Variable& x, double value);

}  // namespace fathom::ops
