// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/flatten.hpp>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/shape.hpp>

namespace fathom::nn {

Variable Flatten::forward(const Variable& x) {
  ArgumentCheck check("Flatten");
  check.argument("x", ops::detail::array_or_undefined(x), "(n, d...)").defined();
  if (x.rank() == 0)
    check.fail<ShapeError>("x must have an axis of samples (it has no axes)", "reshape it to {1, 1}");
  // Not -1, which means nothing for an empty batch.
  std::int64_t values = 1;
  for (std::size_t axis = 1; axis < x.rank(); ++axis) values *= x.shape()[axis];
  return ops::reshape(x, {x.shape()[0], values});
}

}  // namespace fathom::nn
