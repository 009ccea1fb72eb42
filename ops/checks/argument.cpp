// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/checks/argument.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fathom::ops::detail {

ArgumentCheck check_defined(std::string_view op, const Variable& x) {
  ArgumentCheck check(op);
  check.argument("x", array_or_undefined(x)).defined();
  return check;
}

std::int64_t checked_sum(const ArgumentCheck& check, std::size_t axis,
                         std::initializer_list<std::int64_t> sizes) {
  std::int64_t sum = 0;
  for (const std::int64_t size : sizes) {
    FATHOM_CHECK(check.hint("look for a wrong size"), !__builtin_add_overflow(sum, size, &sum), ValueError,
                 "axis {} of the result must fit 64 bits (it is {})", axis, fmt::join(sizes, " + "));
  }
  return sum;
}

void check_broadcast(std::string_view op, const Variable& a, const Variable& b) {
  ArgumentCheck check(op);
  check.argument("a", array_or_undefined(a)).argument("b", array_or_undefined(b)).same_dtype().broadcast();
}

}  // namespace fathom::ops::detail
