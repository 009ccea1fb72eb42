// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>
#include <fathom/core/activation.hpp>

namespace fathom::ops {

/// `.stride = 2` means {2, 2}; each is a number or {vertical, horizontal}.
struct DepthwiseConvolution2DOptions {
  Pair2 stride = 1;                          ///< at least 1
  Pad pad = 0;                               ///< zeros around x, on both sides or `Pad::same`
  Pair2 dilation = 1;                        ///< pixels from one tap to the next, at least 1
  Activation activation = Activation::none;  ///< of the result
};

/// Two-dimensional depthwise convolution (correlation, as convolution_2d): every input channel is filtered by
/// its own kernels and the results are concatenated, not added up; y is what `activation` makes of
///
///     y[n, c*cM + m, i, j] = b[c*cM + m]
///                            + sum_{p,q} x[n, c, i*s + p*d - pad, j*s + q*d - pad] * W[m, c, p, q]
///
/// @param x (n, cI, h, w); n may be 0   @param W (cM, cI, kH, kW); cM is the channel multiplier
/// @param b (cM*cI) or absent
/// @return (n, cI*cM, hO, wO), hO = (h + 2*pad - (kH - 1)*dilation - 1) / stride + 1, likewise wO;
/// with Pad::same hO = h / stride, rounded up
/// @throws ShapeError, DTypeError, ValueError; GraphError for an undefined x or W
///
/// Differentiable any number of times with respect to x, W and b; the activation's gradient is 0 at its
/// kinks, where y is 0 or 6. A NaN or infinity reaches exactly the results whose windows see it.
/// Example: examples/030_depthwise.cpp.
/// Source: L. Sifre, Rigid-motion scattering for image classification, 2014.
[[nodiscard]] FATHOM_EXPORT Variable
depthwise_convolution_2d(const Variable& x, const Variable& W, const Variable& b = {},
                         const DepthwiseConvolution2DOptions& options = {});

}  // namespace fathom::ops
