// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct MatmulOptions {
  bool transpose_a = false;
  bool transpose_b = false;
};

/// Matrix product with NumPy's rules: axes before the last two are a batch and broadcast; a one-axis `a` is a
/// row, a one-axis `b` a column, and the axis added so is dropped from the result. Transposing swaps the last
/// two axes; it leaves a one-axis operand as it is.
/// @param a (..., m, k), or (..., k, m) with transpose_a   @param b (..., k, n), or (..., n, k) with
/// transpose_b
/// @return (..., m, n)
/// @throws ShapeError, DTypeError; GraphError for an undefined a or b
/// Differentiable any number of times with respect to a and b.
[[nodiscard]] FATHOM_EXPORT Variable matmul(const Variable& a, const Variable& b,
                                            const MatmulOptions& options = {});

}  // namespace fathom::ops
