// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include <fathom/core/array.hpp>
#include <fathom/ops/batch_normalization/kernel.hpp>

namespace fathom::ops::batch_norm {

/// Per channel, in double whatever the data: rounding a large mean to float would show in the output.
using PerChannel = std::vector<double>;

struct Statistics {
  PerChannel mean;
  PerChannel variance;  ///< biased
  PerChannel inverse;   ///< 1 / sqrt(variance + eps)
};

/// Mean and variance in one pass over memory: each block has its own mean and squared deviations, merged by
/// the rule of Chan, Golub and LeVeque (1979). Nothing averaged gives mean 0 and variance 0.
[[nodiscard]] Statistics statistics(const Geometry& geometry, const Array& x, double eps);

/// 1 / sqrt(variance + eps)
[[nodiscard]] PerChannel inverse_deviation(const PerChannel& variance, double eps);

/// Normalized is (x - center) * scale + shift.
struct Affine {
  PerChannel center;
  PerChannel scale;
  PerChannel shift;
};

/// y = activation(normalized x + residual); the residual may be undefined.
void normalize(const Geometry& geometry, const Array& x, const Array& residual, const Affine& normalization,
               Activation activation, Array& y);

/// The gradient of y, of which gradients see what gets through the activation.
struct OutputGradient {
  Array gy;
  Activation activation = Activation::none;
  Array y =
      {};  ///< the activation's result; undefined where there is none, or where the normalized x tells it
};

/// What every gradient needs: sum(g) and sum(g * (x - center)), where g is gy behind the activation.
struct GradientSums {
  PerChannel g;
  PerChannel g_x;
};
/// Writes g to `through` too, if given, which may be gy.
[[nodiscard]] GradientSums gradient_sums(const Geometry& geometry, const Array& x,
                                         const OutputGradient& gradient, const Affine& normalization,
                                         Array* through = nullptr);

/// gx = (g - shift - (x - center) * slope) * scale of the normalization.
struct InputSlope {
  PerChannel slope;
  PerChannel shift;
};
/// Added to gx when `accumulate`. gx may be gy.
void input_gradient(const Geometry& geometry, const Array& x, const OutputGradient& gradient,
                    const Affine& normalization, const InputSlope& input, bool accumulate, Array& gx);

[[nodiscard]] PerChannel to_channels(const Array& array);
[[nodiscard]] Array from_channels(const PerChannel& values, const Shape& shape, DType dtype);

}  // namespace fathom::ops::batch_norm
