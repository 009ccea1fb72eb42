// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

// All elementwise: y has x's shape and dtype. NaN stays NaN. An undefined x is a GraphError.

/// max(x, 0). The gradient at 0 and at NaN is 0.
[[nodiscard]] FATHOM_EXPORT Variable relu(const Variable& x);
/// min(max(x, 0), 6). The gradient at 0, at 6 and at NaN is 0.
[[nodiscard]] FATHOM_EXPORT Variable relu6(const Variable& x);
/// min(max(x, 0), z). The gradient at 0, at z and at NaN is 0. Throws ValueError unless z > 0.
[[nodiscard]] FATHOM_EXPORT Variable clipped_relu(const Variable& x, double z = 20);
/// x where x > 0, else slope x. The gradient at 0 and at NaN is slope gy.
[[nodiscard]] FATHOM_EXPORT Variable leaky_relu(const Variable& x, double slope = 0.2);
/// 1 / (1 + exp(-x)), without overflow.
[[nodiscard]] FATHOM_EXPORT Variable sigmoid(const Variable& x);
/// min(max(slope x + 0.5, 0), 1). The gradient is 0 where that is 0 or 1, the kinks included, and at NaN.
/// PyTorch's hardsigmoid has the slope 1 / 6.
[[nodiscard]] FATHOM_EXPORT Variable hard_sigmoid(const Variable& x, double slope = 0.2);
/// Hyperbolic tangent.
[[nodiscard]] FATHOM_EXPORT Variable tanh(const Variable& x);

}  // namespace fathom::ops
