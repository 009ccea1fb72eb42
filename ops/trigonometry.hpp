// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

// All elementwise, angles in radians: y has x's shape and dtype. NaN stays NaN. An undefined x is a
// GraphError.

/// gx = gy cos(x). NaN at infinity.
[[nodiscard]] FATHOM_EXPORT Variable sin(const Variable& x);
/// gx = -gy sin(x). NaN at infinity.
[[nodiscard]] FATHOM_EXPORT Variable cos(const Variable& x);
/// gx = gy (1 + y^2). NaN at infinity.
[[nodiscard]] FATHOM_EXPORT Variable tan(const Variable& x);
/// The inverse of tan, in [-pi / 2, pi / 2]. gx = gy / (1 + x^2).
[[nodiscard]] FATHOM_EXPORT Variable arctan(const Variable& x);
/// (exp(x) - exp(-x)) / 2, accurate also near 0. gx = gy cosh(x). The hyperbolic tangent is in
/// activation.hpp.
[[nodiscard]] FATHOM_EXPORT Variable sinh(const Variable& x);
/// (exp(x) + exp(-x)) / 2. gx = gy sinh(x).
[[nodiscard]] FATHOM_EXPORT Variable cosh(const Variable& x);

}  // namespace fathom::ops
