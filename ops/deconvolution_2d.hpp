// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct Deconvolution2DOptions {
  Pair2 stride = 1;
  Pair2 pad = 0;
  Pair2 dilation = 1;
  std::int64_t groups = 1;
  std::optional<Pair2> output_size = std::nullopt;  ///< (hO, wO); one of those that convolve back to (h, w)
};

/// Two-dimensional transposed convolution: the gradient of convolution_2d with respect to its input. Each
/// pixel of x spreads over the window that convolution_2d would compute it from; in group g
///
///     y[n, o, r, t] = b[o] + sum x[n, g*cI/groups + c, i, j] * W[g*cI/groups + c, o - g*cO/groups, p, q]
///
/// over all c, i, j, p, q with i*s + p*d - pad = r and j*s + q*d - pad = t.
/// @param x (n, cI, h, w); n may be 0   @param W (cI, cO/groups, kH, kW)   @param b (cO) or absent
/// @return (n, cO, hO, wO), by default hO = (h - 1)*stride + (kH - 1)*dilation + 1 - 2*pad
/// @throws ShapeError, DTypeError, ValueError; GraphError for an undefined x or W
/// Differentiable any number of times with respect to x, W and b.
/// Source: M. Zeiler, D. Krishnan, G. Taylor and R. Fergus, Deconvolutional Networks, 2010.
[[nodiscard]] FATHOM_EXPORT Variable deconvolution_2d(const Variable& x, const Variable& W,
                                                      const Variable& b = {},
                                                      const Deconvolution2DOptions& options = {});

}  // namespace fathom::ops
