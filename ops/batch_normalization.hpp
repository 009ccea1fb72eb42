// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>
#include <fathom/core/activation.hpp>

namespace fathom::ops {

struct BatchNormalizationOptions {
  double eps = 2e-5;
  double decay = 0.9;  ///< running = decay * running + (1 - decay) * batch
  /// Axes averaged over; nullopt: all but those of gamma, which are axis 1, or for a gamma of more axes 1, 2,
  /// ...
  std::optional<Axes> axis = std::nullopt;
  Activation activation = Activation::none;  ///< of the result, in the same pass
  Variable residual = {};                    ///< added before the activation, x's shape; undefined: nothing
  /// Functions that keep the result for their backward do not keep its memory: it is computed again from x,
  /// which is kept anyway. Half the memory for two passes more; without effect where there is a residual.
  bool recompute = false;
};

/// Running mean and variance that a training call updates in place; undefined Arrays are left alone.
struct RunningStatistics {
  Array mean;      ///< shape of gamma
  Array variance;  ///< unbiased: batch variance * m / max(m - 1, 1) for m averaged elements
};

/// Batch normalization with the batch's own mean and (biased) variance, and what often follows it:
/// y = activation(gamma * (x - mean) / sqrt(variance + eps) + beta + residual).
/// The activation's gradient is 0 at its kinks, where y is 0 or 6.
/// @param x any shape, (n, c, h, w) by default   @param gamma, beta the shape that is left of x without
/// `axis`
/// @param running updated after everything has been checked, if given
/// @throws ShapeError, DTypeError, ValueError; GraphError for an undefined argument
/// Source: S. Ioffe and C. Szegedy, Batch Normalization, 2015.
[[nodiscard]] FATHOM_EXPORT Variable batch_normalization(const Variable& x, const Variable& gamma,
                                                         const Variable& beta,
                                                         RunningStatistics* running = nullptr,
                                                         const BatchNormalizationOptions& options = {});

struct FixedBatchNormalizationOptions {
  double eps = 2e-5;
  std::optional<Axes> axis = std::nullopt;   ///< as in BatchNormalizationOptions
  Activation activation = Activation::none;  ///< as there
  Variable residual = {};                    ///< as there
};

/// Batch normalization with given statistics, as in evaluation:
/// y = activation(gamma * (x - mean) / sqrt(variance + eps) + beta + residual). Differentiable in all inputs.
/// @param x any shape   @param gamma, beta, mean, variance the shape that is left of x without `axis`
/// @throws ShapeError, DTypeError; ValueError for a negative eps or a wrong axis; GraphError for an undefined
/// argument
[[nodiscard]] FATHOM_EXPORT Variable fixed_batch_normalization(
    const Variable& x, const Variable& gamma, const Variable& beta, const Variable& mean,
    const Variable& variance, const FixedBatchNormalizationOptions& options = {});

}  // namespace fathom::ops
