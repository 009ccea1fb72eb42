// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>
#include <fathom/ops/reduction.hpp>

namespace fathom::ops {

// How far two arrays are apart. x0 and x1 have one shape: nothing is broadcast, since (n) against (n, 1) is a
// mistake. Either may want a gradient, and those of the two are each other's negative. Throws ShapeError,
// DTypeError, and GraphError for an undefined argument. Differentiable any number of times.

/// |x0 - x1|, elementwise. g0 = gy sign(x0 - x1): 0 where they are equal, NaN at NaN.
[[nodiscard]] FATHOM_EXPORT Variable absolute_error(const Variable& x0, const Variable& x1);
/// (x0 - x1)^2, elementwise. g0 = 2 gy (x0 - x1).
[[nodiscard]] FATHOM_EXPORT Variable squared_error(const Variable& x0, const Variable& x1);
/// mean(|x0 - x1|) over all elements, shape (). Of nothing it is NaN, as `mean` is.
[[nodiscard]] FATHOM_EXPORT Variable mean_absolute_error(const Variable& x0, const Variable& x1);
/// mean((x0 - x1)^2) over all elements, shape (). Of nothing it is NaN, as `mean` is.
[[nodiscard]] FATHOM_EXPORT Variable mean_squared_error(const Variable& x0, const Variable& x1);

struct HuberLossOptions {
  double delta = 1;                             ///< where the parabola becomes a line
  std::optional<Reduce> reduce = std::nullopt;  ///< nullopt: the sum along axis 1, Chainer's default
};

/// With d = x0 - x1: d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2). g0 = gy clip(d, -delta,
/// delta), also at infinity; its own derivative at |d| = delta is that of the parabola.
/// @return nullopt: (n, d...) for (n, k, d...); mean and sum: (); no: x0's shape
/// @throws ValueError unless delta is positive; ShapeError when there is no axis 1 to sum along
/// Source: P. Huber, Robust Estimation of a Location Parameter, 1964.
[[nodiscard]] FATHOM_EXPORT Variable huber_loss(const Variable& x0, const Variable& x1,
                                                const HuberLossOptions& options = {});

/// Minus the log likelihood of x under a normal distribution, elementwise with NumPy's broadcasting of all
/// three: (ln_var + log(2 pi) + (x - mean)^2 exp(-ln_var)) / 2. `ln_var` is the logarithm of the variance, so
/// that a network may give any number for it.
/// @return sum and mean: (); no: the shape that the three broadcast to
/// @throws ShapeError when they do not broadcast, DTypeError for mixed types, GraphError for an undefined one
/// Source: D. Nix and A. Weigend, Estimating the Mean and Variance of the Target Probability Distribution,
/// 1994.
[[nodiscard]] FATHOM_EXPORT Variable gaussian_nll(const Variable& x, const Variable& mean,
                                                  const Variable& ln_var, Reduce reduce = Reduce::sum);

}  // namespace fathom::ops
