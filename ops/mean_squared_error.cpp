// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/mean_squared_error.hpp>

#include <fathom/core/check.hpp>
#include <fathom/ops/arithmetic.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/math.hpp>
#include <fathom/ops/reduction.hpp>

namespace fathom::ops {

Variable mean_squared_error(const Variable& x0, const Variable& x1) {
  ArgumentCheck check("mean_squared_error");
  check.argument("x0", detail::array_or_undefined(x0)).argument("x1", detail::array_or_undefined(x1));
  check.same_dtype().shape(x0.shape(), "that of x0");
  return mean(square(x0 - x1));
}

}  // namespace fathom::ops
