// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

// An undefined argument is a GraphError, in all of them.

/// Elementwise with NumPy's broadcasting; operands of one dtype. Throws ShapeError, DTypeError.
[[nodiscard]] FATHOM_EXPORT Variable add(const Variable& a, const Variable& b);
[[nodiscard]] FATHOM_EXPORT Variable sub(const Variable& a, const Variable& b);
[[nodiscard]] FATHOM_EXPORT Variable mul(const Variable& a, const Variable& b);
[[nodiscard]] FATHOM_EXPORT Variable div(const Variable& a, const Variable& b);
[[nodiscard]] FATHOM_EXPORT Variable neg(const Variable& x);

/// With a number, rounded to x's dtype: x + value, x - value, value - x, x * value, x / value, value / x.
[[nodiscard]] FATHOM_EXPORT Variable add_scalar(const Variable& x, double value);
[[nodiscard]] FATHOM_EXPORT Variable sub_scalar(const Variable& x, double value);
[[nodiscard]] FATHOM_EXPORT Variable rsub_scalar(const Variable& x, double value);
[[nodiscard]] FATHOM_EXPORT Variable mul_scalar(const Variable& x, double value);
[[nodiscard]] FATHOM_EXPORT Variable div_scalar(const Variable& x, double value);
[[nodiscard]] FATHOM_EXPORT Variable rdiv_scalar(const Variable& x, double value);

}  // namespace fathom::ops

namespace fathom {

[[nodiscard]] inline Variable operator+(const Variable& a, const Variable& b) { return ops::add(a, b); }
[[nodiscard]] inline Variable operator-(const Variable& a, const Variable& b) { return ops::sub(a, b); }
[[nodiscard]] inline Variable operator*(const Variable& a, const Variable& b) { return ops::mul(a, b); }
[[nodiscard]] inline Variable operator/(const Variable& a, const Variable& b) { return ops::div(a, b); }
[[nodiscard]] inline Variable operator-(const Variable& x) { return ops::neg(x); }
[[nodiscard]] inline Variable operator+(const Variable& x, double value) { return ops::add_scalar(x, value); }
[[nodiscard]] inline Variable operator+(double value, const Variable& x) { return ops::add_scalar(x, value); }
[[nodiscard]] inline Variable operator-(const Variable& x, double value) { return ops::sub_scalar(x, value); }
[[nodiscard]] inline Variable operator-(double value, const Variable& x) {
  return ops::rsub_scalar(x, value);
}
[[nodiscard]] inline Variable operator*(const Variable& x, double value) { return ops::mul_scalar(x, value); }
[[nodiscard]] inline Variable operator*(double value, const Variable& x) { return ops::mul_scalar(x, value); }
[[nodiscard]] inline Variable operator/(const Variable& x, double value) { return ops::div_scalar(x, value); }
[[nodiscard]] inline Variable operator/(double value, const Variable& x) {
  return ops::rdiv_scalar(x, value);
}

}  // namespace fathom
