// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/ops/batch_normalization/kernel.hpp>

/// Both drivers take groups of channels, small enough that what is read twice stays in a core's cache.
namespace fathom::ops::batch_norm {

/// Per channel, in double whatever the data: rounding a large mean to float would show in the output.
using PerChannel = std::vector<double>;

struct Statistics {
  PerChannel mean;
  PerChannel variance;  ///< biased
  PerChannel inverse;   ///< 1 / sqrt(variance + eps)
};

[[nodiscard]] Statistics statistics_of(PerChannel mean, PerChannel variance, double eps);

/// Normalized is (x - mean) * inverse * gamma + beta.
struct Affine {
  PerChannel gamma;
  PerChannel beta;
};

/// y = activation(normalized x + residual); the residual may be undefined.
void normalize(const Geometry& geometry, const Array& x, const Array& residual, const Statistics& statistics,
               const Affine& affine, Activation activation, Array& y);

/// The same by the statistics of x, which it returns. Each block has its own mean and squared deviations,
/// merged by the rule of Chan, Golub and LeVeque (1979). Nothing averaged gives mean 0 and variance 0.
[[nodiscard]] Statistics normalize_by_own(const Geometry& geometry, const Array& x, const Array& residual,
                                          double eps, const Affine& affine, Activation activation, Array& y);

/// The gradient of y, of which gradients see what gets through the activation.
struct OutputGradient {
  Array gy;
  Activation activation = Activation::none;
  Array y =
      {};  ///< the activation's result; undefined where there is none, or where the normalized x tells it
};

/// What is written on the way; each may be null, and one of them may be gy.
struct InputGradients {
  Array* gx = nullptr;
  bool accumulate = false;   ///< adds to gx
  Array* through = nullptr;  ///< g, gy behind the activation: the gradient of a residual; needs the sums
  bool sums = true;          ///< wanted; the statistics of x need them
};

/// What gradients of single channels need: sum(g) and sum(g * (x - mean)).
struct GradientSums {
  PerChannel g;
  PerChannel g_x;
};

/// With given statistics gx = g * inverse * gamma. If they are those of x,
/// gx = (g - mean(g) - (x - mean) * inverse^2 * mean(g * (x - mean))) * inverse * gamma.
enum class StatisticsFrom : bool { elsewhere, x };
[[nodiscard]] GradientSums gradients(const Geometry& geometry, const Array& x, const OutputGradient& gradient,
                                     const Statistics& statistics, StatisticsFrom from, const Affine& affine,
                                     const InputGradients& to);

[[nodiscard]] PerChannel to_channels(const Array& array);
[[nodiscard]] Array from_channels(const PerChannel& values, const Shape& shape, DType dtype);

}  // namespace fathom::ops::batch_norm
