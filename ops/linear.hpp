// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>
#include <fathom/core/activation.hpp>

namespace fathom::ops {

struct LinearOptions {
  std::int64_t n_batch_axes = 1;             ///< leading axes of x that stay; the rest is flattened
  Activation activation = Activation::none;  ///< of the result, in the same pass
};

/// y = activation(x W^T + b), x as a matrix (prod(n), in).
/// @param x (n..., d...), at least one axis more than n_batch_axes   @param W (out, in), in = prod(d)
/// @param b (out) or absent
/// @return (n..., out)
/// @throws ShapeError, DTypeError, ValueError; GraphError for an undefined x or W
/// The activation's gradient is 0 at its kinks, where y is 0 or 6. Differentiable any number of times with
/// respect to x, W and b.
[[nodiscard]] FATHOM_EXPORT Variable linear(const Variable& x, const Variable& W, const Variable& b = {},
                                            const LinearOptions& options = {});

}  // namespace fathom::ops
