// SPDX-License-Identifier: BSD-3-Clause
// Internal: what layers do when a batch normalization is folded into them.
#pragma once

#include <string_view>

#include <fathom/core/activation.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>

namespace fathom::nn::detail {

/// Scales W and shifts b, or makes one, so that the layer's result is that of `bn` in evaluation behind it.
/// W has a row for each of its outputs: row m * (outputs / multiplier) + c for output c * multiplier + m. Its
/// handle stays. Returns false, and changes nothing, if channels or types differ. Throws GraphError for a
/// parameter without data.
[[nodiscard]] FATHOM_EXPORT bool fold(const BatchNorm2D& bn, Parameter& W, Parameter& b, std::int64_t outputs,
                                      std::int64_t multiplier = 1);

/// Throws GraphError in the name of `layer` if a layer that a batch normalization was folded into trains.
FATHOM_EXPORT void require_not_training(std::string_view layer, bool is_training);

/// activation(y + residual) of a y that nobody else holds, in place where no graph is recorded. Throws
/// ShapeError, DTypeError in the name of `layer` unless the residual is like y.
[[nodiscard]] FATHOM_EXPORT Variable add_residual(std::string_view layer, const Variable& y,
                                                  const Variable& residual, Activation activation);

}  // namespace fathom::nn::detail
