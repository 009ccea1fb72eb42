// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// max(x, 0), elementwise; NaN stays NaN; the gradient at 0 is 0.
[[nodiscard]] FATHOM_EXPORT Variable relu(const Variable& x);
/// 1 / (1 + exp(-x)), elementwise, without overflow.
[[nodiscard]] FATHOM_EXPORT Variable sigmoid(const Variable& x);
/// Hyperbolic tangent, elementwise.
[[nodiscard]] FATHOM_EXPORT Variable tanh(const Variable& x);

}  // namespace fathom::ops
