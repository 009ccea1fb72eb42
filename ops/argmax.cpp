// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/argmax.hpp>

#include <fathom/core/reduce.hpp>
#include <fathom/ops/checks/argument.hpp>

namespace fathom::ops {

Array argmax(const Variable& x, std::optional<std::int64_t> axis) {
  return fathom::argmax(detail::array_or_undefined(x), axis);
}
Array argmin(const Variable& x, std::optional<std::int64_t> axis) {
  return fathom::argmin(detail::array_or_undefined(x), axis);
}

}  // namespace fathom::ops
