// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// exp(x) / sum(exp(x)) along one axis; negative axes count from the end. x of any shape; large scores do not
/// overflow. Computed in double for either dtype. An infinite score greater than all others, or none but
/// minus infinity, gives NaN for its line. Throws ValueError for an axis out of range.
/// Differentiable any number of times. Source: J. Bridle, Probabilistic Interpretation of Feedforward
/// Classification Network Outputs, 1990.
[[nodiscard]] FATHOM_EXPORT Variable softmax(const Variable& x, std::int64_t axis = 1);

/// log(softmax(x)) = x - log(sum(exp(x))), without the loss of digits that taking the logarithm of softmax
/// has. Otherwise as softmax.
[[nodiscard]] FATHOM_EXPORT Variable log_softmax(const Variable& x, std::int64_t axis = 1);

}  // namespace fathom::ops
