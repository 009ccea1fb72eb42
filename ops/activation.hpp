// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

// All elementwise: y has x's shape and dtype, but for crelu and maxout. NaN stays NaN. An undefined x is a
// GraphError. What is a product with x that tends to 0 for x towards -infinity, as swish, is NaN there.

/// max(x, 0). The gradient at 0 and at NaN is 0. Nair and Hinton, Rectified linear units improve restricted
/// Boltzmann machines, 2010.
[[nodiscard]] FATHOM_EXPORT Variable relu(const Variable& x);
/// min(max(x, 0), 6). The gradient at 0, at 6 and at NaN is 0. Krizhevsky, Convolutional deep belief networks
/// on CIFAR-10, 2010.
[[nodiscard]] FATHOM_EXPORT Variable relu6(const Variable& x);
/// min(max(x, 0), z). The gradient at 0, at z and at NaN is 0. Throws ValueError unless z > 0.
[[nodiscard]] FATHOM_EXPORT Variable clipped_relu(const Variable& x, double z = 20);
/// x where x > 0, else slope x. The gradient at 0 is slope gy, at NaN gy. PyTorch's slope is 0.01.
/// Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, 2013.
[[nodiscard]] FATHOM_EXPORT Variable leaky_relu(const Variable& x, double slope = 0.2);
/// 1 / (1 + exp(-x)), without overflow. gx = gy y (1 - y).
[[nodiscard]] FATHOM_EXPORT Variable sigmoid(const Variable& x);
/// min(max(slope x + 0.5, 0), 1). The gradient is 0 where that is 0 or 1, the kinks included, and at NaN.
/// PyTorch's hardsigmoid has the slope 1 / 6. Courbariaux, Bengio and David, BinaryConnect, 2015.
[[nodiscard]] FATHOM_EXPORT Variable hard_sigmoid(const Variable& x, double slope = 0.2);
/// Hyperbolic tangent. gx = gy (1 - y^2).
[[nodiscard]] FATHOM_EXPORT Variable tanh(const Variable& x);

/// x where x > 0, else alpha (exp(x) - 1). gx = gy where x > 0, else gy alpha exp(x): gy alpha at 0.
/// Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by exponential linear units,
/// 2016.
[[nodiscard]] FATHOM_EXPORT Variable elu(const Variable& x, double alpha = 1);
/// scale elu(x, alpha). The defaults keep mean 0 and variance 1 from layer to layer; the gradient at 0 is
/// gy scale alpha. Klambauer et al., Self-normalizing neural networks, 2017.
[[nodiscard]] FATHOM_EXPORT Variable selu(const Variable& x, double alpha = 1.6732632423543772,
                                          double scale = 1.0507009873554805);
/// log(1 + exp(beta x)) / beta, without overflow. gx = gy sigmoid(beta x). Throws ValueError for a beta of 0.
/// Dugas et al., Incorporating second-order functional knowledge for better option pricing, 2001.
[[nodiscard]] FATHOM_EXPORT Variable softplus(const Variable& x, double beta = 1);
/// x sigmoid(beta x); with s the sigmoid, gx = gy s (1 + beta x (1 - s)). With a beta of 1 it is also called
/// SiLU. Ramachandran, Zoph and Le, Searching for activation functions, 2017.
[[nodiscard]] FATHOM_EXPORT Variable swish(const Variable& x, double beta = 1);
/// The same with a beta to be learnt: x (n, d..., e...), beta (d...), or () for one number;
/// gbeta = sum of gy x^2 s (1 - s). Throws ShapeError, DTypeError.
[[nodiscard]] FATHOM_EXPORT Variable swish(const Variable& x, const Variable& beta);
/// x relu6(x + 3) / 6. gx is 0 for x <= -3, gy for x >= 3, else gy (2 x + 3) / 6; for the kinks' sake at
/// x = -3 and x = 3 relu6's gradient of 0 counts. Howard et al., Searching for MobileNetV3, 2019.
[[nodiscard]] FATHOM_EXPORT Variable hard_swish(const Variable& x);

/// How the share Phi(x) of a normal distribution is computed.
enum class GeluForm : std::uint8_t {
  exact,  ///< (1 + erf(x / sqrt(2))) / 2
  tanh,   ///< (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, within 5e-4 of the exact one
};
/// x Phi(x), Phi the cumulative normal distribution. gx = gy (Phi(x) + x Phi'(x)) of the same form.
/// Hendrycks and Gimpel, Gaussian error linear units, 2016.
[[nodiscard]] FATHOM_EXPORT Variable gelu(const Variable& x, GeluForm form = GeluForm::exact);
/// x tanh(softplus(x)); with t the tanh, gx = gy (t + x (1 - t^2) sigmoid(x)).
/// Misra, Mish: a self regularized non-monotonic activation function, 2019.
[[nodiscard]] FATHOM_EXPORT Variable mish(const Variable& x);
/// x where x >= 0, else W x: x (n, d..., e...), W (d...), or () for one number. gx = gy where x >= 0, else
/// gy W; gW = sum of gy x over x < 0. At 0 gx is gy, unlike leaky_relu's. Throws ShapeError, DTypeError.
/// He et al., Delving deep into rectifiers, 2015.
[[nodiscard]] FATHOM_EXPORT Variable prelu(const Variable& x, const Variable& W);

/// relu(x) and relu(-x) one after the other along `axis` (negative counts from the end), which becomes twice
/// as long. The gradient at 0 is 0. Throws ValueError for an axis out of range.
/// Shang et al., Understanding and improving convolutional neural networks via concatenated rectified linear
/// units, 2016.
[[nodiscard]] FATHOM_EXPORT Variable crelu(const Variable& x, std::int64_t axis = 1);
/// The largest of each `pool_size` neighbours along `axis` (negative counts from the end), which becomes
/// shorter by that factor: y[c] = max x[pool_size c + k] over k. At ties each of the largest gets the whole
/// gradient, as by max. Throws ShapeError unless pool_size divides the size, ValueError for an axis out of
/// range and a pool_size below 1. Goodfellow et al., Maxout networks, 2013.
[[nodiscard]] FATHOM_EXPORT Variable maxout(const Variable& x, std::int64_t pool_size, std::int64_t axis = 1);

}  // namespace fathom::ops
