// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>
#include <fathom/core/activation.hpp>

namespace fathom::ops {

struct Convolution2DOptions {
  Pair2 stride = 1;
  Pad pad = 0;  ///< zeros around x, on both sides or `Pad::same`
  Pair2 dilation = 1;
  std::int64_t groups = 1;
  bool cover_all = false;                    ///< round the output size up, so that every pixel is covered
  Activation activation = Activation::none;  ///< of the result, in the same pass
};

/// Two-dimensional convolution (correlation: the kernel is not flipped). Output channel o belongs to group
/// g = o / (cO/groups) and sees that group's input channels alone; y is what `activation` makes of
///
///     y[n, o, i, j] = b[o]
///         + sum_{c,p,q} x[n, g*cI/groups + c, i*s + p*d - pad, j*s + q*d - pad] * W[o, c, p, q]
///
/// @param x (n, cI, h, w); n may be 0   @param W (cO, cI/groups, kH, kW)   @param b (cO) or absent
/// @return (n, cO, hO, wO), hO = (h + 2*pad - (kH - 1)*dilation - 1) / stride + 1 (with cover_all rounded
/// up); with Pad::same hO = h / stride, rounded up, whatever the kernel
/// @throws ShapeError, DTypeError, ValueError; GraphError for an undefined x or W
/// Differentiable any number of times with respect to x, W and b; the activation's gradient is 0 at its
/// kinks, where y is 0 or 6.
/// Source: Y. LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998.
[[nodiscard]] FATHOM_EXPORT Variable convolution_2d(const Variable& x, const Variable& W,
                                                    const Variable& b = {},
                                                    const Convolution2DOptions& options = {});

}  // namespace fathom::ops
