// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct BatchNormalizationOptions {
  double eps = 2e-5;
  double decay = 0.9;  ///< running = decay * running + (1 - decay) * batch
  std::optional<Axes> axis =
      std::nullopt;  ///< axes averaged over; nullopt: all but axis 1 ((0) for two axes)
};

/// Running mean and variance that a training call updates in place; undefined Arrays are left alone.
struct RunningStatistics {
  Array mean;      ///< shape of gamma
  Array variance;  ///< unbiased: batch variance * m / max(m - 1, 1) for m averaged elements
};

/// Batch normalization with the batch's own mean and (biased) variance:
/// y = gamma * (x - mean) / sqrt(variance + eps) + beta.
/// @param x any shape   @param gamma, beta the shape that is left of x without `axis`
/// @param running updated after everything has been checked, if given
/// @throws ShapeError, DTypeError, ValueError; GraphError for an undefined argument
/// Source: S. Ioffe and C. Szegedy, Batch Normalization, 2015.
[[nodiscard]] FATHOM_EXPORT Variable batch_normalization(const Variable& x, const Variable& gamma,
                                                         const Variable& beta,
                                                         RunningStatistics* running = nullptr,
                                                         const BatchNormalizationOptions& options = {});

struct FixedBatchNormalizationOptions {
  double eps = 2e-5;
  std::optional<Axes> axis = std::nullopt;  ///< as in BatchNormalizationOptions
};

/// Batch normalization with given statistics, as in evaluation:
/// y = gamma * (x - mean) / sqrt(variance + eps) + beta. Differentiable in all five inputs.
/// @param x any shape   @param gamma, beta, mean, variance the shape that is left of x without `axis`
/// @throws ShapeError, DTypeError; ValueError for a negative eps or a wrong axis; GraphError for an undefined
/// argument
[[nodiscard]] FATHOM_EXPORT Variable fixed_batch_normalization(
    const Variable& x, const Variable& gamma, const Variable& beta, const Variable& mean,
    const Variable& variance, const FixedBatchNormalizationOptions& options = {});

}  // namespace fathom::ops
