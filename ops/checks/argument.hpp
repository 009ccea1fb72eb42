// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include <fathom/autograd/variable.hpp>
#include <fathom/core/check.hpp>

namespace fathom::ops::detail {

/// The Array of a Variable that may be undefined, so that ArgumentCheck can name op and argument.
[[nodiscard]] inline const Array& array_or_undefined(const Variable& variable) {
  static const Array undefined;
  return variable.defined() ? variable.data() : undefined;
}

/// Throws GraphError when `x` is undefined. What it returns words further errors, as long as x lives.
ArgumentCheck check_defined(std::string_view op, const Variable& x);

/// The sum of the sizes, each at least 0, that come together along `axis`; throws ValueError with the check's
/// text when it does not fit 64 bits.
[[nodiscard]] std::int64_t checked_sum(const ArgumentCheck& check, std::size_t axis,
                                       std::initializer_list<std::int64_t> sizes);

/// Throws GraphError for an undefined argument, DTypeError for mixed types, ShapeError when the shapes do not
/// broadcast.
void check_broadcast(std::string_view op, const Variable& a, const Variable& b);

}  // namespace fathom::ops::detail
