// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct LayerNormalizationOptions {
  double eps = 1e-5;  ///< added to the variance
};

/// Each sample by itself to mean 0 and (biased) variance 1 over its last axes, then a scale and an offset for
/// each element: y = gamma * (x - mean) / sqrt(variance + eps) + beta.
/// @param x (n..., d...)   @param gamma, beta (d...), at least one axis
/// One element in a sample gives y = beta and gx = 0; no element, or no sample, an empty y.
/// @throws ShapeError, DTypeError; ValueError for a negative eps; GraphError for an undefined argument
/// Source: J. L. Ba, J. R. Kiros and G. E. Hinton, Layer Normalization, 2016.
[[nodiscard]] FATHOM_EXPORT Variable layer_normalization(const Variable& x, const Variable& gamma,
                                                         const Variable& beta,
                                                         const LayerNormalizationOptions& options = {});

struct GroupNormalizationOptions {
  double eps = 1e-5;  ///< added to the variance
};

/// Each group of neighbouring channels of a sample to mean 0 and (biased) variance 1, then a scale and an
/// offset for each channel: y = gamma * (x - mean) / sqrt(variance + eps) + beta. One group is layer
/// normalization over the channels too; as many groups as channels is instance normalization.
/// @param x (n, c, d...)   @param groups divides c   @param gamma, beta (c)
/// One element in a group gives y = beta and gx = 0; no element, or no sample, an empty y.
/// @throws ShapeError, DTypeError; ValueError for a negative eps, or for groups that do not divide the
/// channels; GraphError for an undefined argument
/// Source: Y. Wu and K. He, Group Normalization, 2018.
[[nodiscard]] FATHOM_EXPORT Variable group_normalization(const Variable& x, std::int64_t groups,
                                                         const Variable& gamma, const Variable& beta,
                                                         const GroupNormalizationOptions& options = {});

/// What alpha multiplies in local_response_normalization.
enum class ResponseScale : std::uint8_t {
  sum,  ///< the sum of squares over the channels c - n / 2, ..., c + n / 2: the paper, Chainer
  mean  ///< their sum over c - n / 2, ..., c + (n - 1) / 2, divided by n: PyTorch
};

struct LocalResponseNormalizationOptions {
  std::int64_t n = 5;  ///< width of the window of channels, of which those outside count as 0
  double k = 2;
  double alpha = 1e-4;
  double beta = 0.75;
  ResponseScale scale = ResponseScale::sum;
};

/// Each element divided by what its neighbours in other channels say: y = x / (k + alpha S)^beta, S being the
/// sum of x^2 over the window of channels around it. NaN where k + alpha S is negative, or 0 as x is.
/// Differentiable any number of times.
/// @param x (n, c, d...)
/// @throws ShapeError for fewer than 2 axes; ValueError for a window below 1; GraphError for an undefined x
/// Source: A. Krizhevsky, I. Sutskever and G. E. Hinton, ImageNet Classification with Deep Convolutional
/// Neural Networks, 2012, section 3.3.
[[nodiscard]] FATHOM_EXPORT Variable
local_response_normalization(const Variable& x, const LocalResponseNormalizationOptions& options = {});

struct NormalizeOptions {
  std::optional<Axes> axis = Axes{1};  ///< of the vectors; nullopt: all, negative counts from the end
  double eps = 1e-5;                   ///< added to the norm
};

/// Vectors of length one: y = x / (|x| + eps), |x| being the Euclidean norm along `axis`. Where all of a
/// vector is 0, y is 0 and gx = gy / eps, the true derivative; a second one does not exist there, and the
/// norm counts as constant. With eps = 0, NaN there.
/// @param x any shape
/// @throws ValueError for an axis out of range or named twice, or a negative eps; GraphError for an undefined
/// x
[[nodiscard]] FATHOM_EXPORT Variable normalize(const Variable& x, const NormalizeOptions& options = {});

}  // namespace fathom::ops
