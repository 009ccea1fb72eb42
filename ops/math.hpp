// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

// All elementwise: y has x's shape and dtype. Outside its domain a function gives NaN or an infinity, as in
// IEEE 754, and no error; NaN stays NaN. An undefined argument is a GraphError.

/// e to the power x. gx = gy y.
[[nodiscard]] FATHOM_EXPORT Variable exp(const Variable& x);
/// e to the power x less 1, accurate also near 0, where exp(x) - 1 is not. gx = gy (y + 1).
[[nodiscard]] FATHOM_EXPORT Variable expm1(const Variable& x);
/// Natural logarithm. gx = gy / x, also for negative x, where y is NaN.
[[nodiscard]] FATHOM_EXPORT Variable log(const Variable& x);
/// Natural logarithm of 1 + x, accurate also near 0. gx = gy / (1 + x), also for x < -1, where y is NaN.
[[nodiscard]] FATHOM_EXPORT Variable log1p(const Variable& x);
/// Square root. gx = gy / (2 y), infinite at 0.
[[nodiscard]] FATHOM_EXPORT Variable sqrt(const Variable& x);
/// 1 / sqrt(x): infinite at 0, NaN for x < 0. gx = -gy y^3 / 2.
[[nodiscard]] FATHOM_EXPORT Variable rsqrt(const Variable& x);
/// x * x. gx = 2 gy x.
[[nodiscard]] FATHOM_EXPORT Variable square(const Variable& x);
/// |x|. gx = gy sign(x): 0 at 0, NaN at NaN.
[[nodiscard]] FATHOM_EXPORT Variable absolute(const Variable& x);

/// The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.
/// gx = gy 2 / sqrt(pi) exp(-x^2).
[[nodiscard]] FATHOM_EXPORT Variable erf(const Variable& x);

/// 1 for x > 0, -1 for x < 0, 0 at 0 and -0. As with floor and ceil, the result is a constant: it does not
/// require a gradient, and none flows back to x.
[[nodiscard]] FATHOM_EXPORT Variable sign(const Variable& x);
/// The largest integer that is not above x. A constant, as sign.
[[nodiscard]] FATHOM_EXPORT Variable floor(const Variable& x);
/// The smallest integer that is not below x. A constant, as sign.
[[nodiscard]] FATHOM_EXPORT Variable ceil(const Variable& x);

/// a to the power b, with NumPy's broadcasting. ga = gy b a^(b - 1), gb = gy log(a) a^b: NaN for negative a,
/// and at a = 0, so keep b constant there. Throws ShapeError, DTypeError when a and b do not fit.
[[nodiscard]] FATHOM_EXPORT Variable pow(const Variable& a, const Variable& b);
/// x to the power of a number, rounded to x's dtype. gx = gy value x^(value - 1), 0 for a value of 0.
[[nodiscard]] FATHOM_EXPORT Variable pow_scalar(const Variable& x, double value);
/// A number, rounded to x's dtype, to the power x. gx = gy y log(value).
[[nodiscard]] FATHOM_EXPORT Variable rpow_scalar(const Variable& x, double value);

}  // namespace fathom::ops
