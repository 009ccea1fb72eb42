// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/checks/argument.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <fathom/core/check.hpp>

namespace fathom::ops::detail {

void check_defined(std::string_view op, const Variable& x) {
  ArgumentCheck(op).argument("x", array_or_undefined(x)).defined();
}

void check_broadcast(std::string_view op, const Variable& a, const Variable& b) {
  ArgumentCheck check(op);
  check.argument("a", array_or_undefined(a)).argument("b", array_or_undefined(b)).same_dtype();
  const std::size_t common = std::min(a.rank(), b.rank());
  for (std::size_t i = 1; i <= common; ++i) {
    const std::int64_t in_a = a.shape()[a.rank() - i];
    const std::int64_t in_b = b.shape()[b.rank() - i];
    if (in_a == in_b || in_a == 1 || in_b == 1) continue;
    check.fail<ShapeError>(
        fmt::format("a and b must broadcast (axis -{}: a has {}, b has {})", i, in_a, in_b),
        "axes are aligned at the last one; sizes must be equal or 1, so reshape the smaller one with axes of "
        "size 1");
  }
}

}  // namespace fathom::ops::detail
