// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/extrema.hpp>

#include <fathom/core/check.hpp>
#include <fathom/ops/extrema/rules.hpp>
#include <fathom/ops/rules/elementwise.hpp>

namespace fathom::ops {

using rules::elementwise;

Variable maximum(const Variable& a, const Variable& b) { return elementwise(a, b, rules::Maximum{}); }
Variable minimum(const Variable& a, const Variable& b) { return elementwise(a, b, rules::Minimum{}); }
Variable maximum_scalar(const Variable& x, double value) {
  return elementwise(x, rules::MaximumScalar{{value}});
}
Variable minimum_scalar(const Variable& x, double value) {
  return elementwise(x, rules::MinimumScalar{{value}});
}

Variable clip(const Variable& x, double x_min, double x_max) {
  ArgumentCheck check("clip");
  check.argument("x", detail::array_or_undefined(x)).defined();
  FATHOM_CHECK(check.hint("give the lower bound first"), x_min <= x_max, ValueError,
               "x_min must not be above x_max (x_min is {}, x_max is {})", x_min, x_max);
  return elementwise(x, rules::Clip{x_min, x_max});
}

}  // namespace fathom::ops
