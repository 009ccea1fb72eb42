// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include <fathom/autograd/variable.hpp>

namespace fathom::nn {

// What may be done to gradients between backward and an optimiser's step, in the order one likes (Chainer's
// optimizer hooks). Parameters without data or gradient are passed over.

/// The L2 norm of all gradients taken together, in double.
[[nodiscard]] FATHOM_EXPORT double gradient_norm(std::span<const Variable> parameters);

/// g *= min(1, threshold / gradient_norm). Returns the norm before. Throws ValueError unless the threshold is
/// positive.
FATHOM_EXPORT double clip_gradient_norm(std::span<const Variable> parameters, double threshold);

/// g = min(max(g, low), high), each element by itself: Chainer's GradientHardClipping. NaN stays. Throws
/// ValueError unless low < high.
FATHOM_EXPORT void clip_gradient_value(std::span<const Variable> parameters, double low, double high);

/// g += rate * p: what an optimiser's `weight_decay` does, for those who clip afterwards.
/// Throws ValueError when the rate is negative or NaN.
FATHOM_EXPORT void add_weight_decay(std::span<const Variable> parameters, double rate);

/// g += rate * sign(p), the gradient of rate * sum |p|. Throws ValueError when the rate is negative or NaN.
FATHOM_EXPORT void add_lasso(std::span<const Variable> parameters, double rate);

}  // namespace fathom::nn
