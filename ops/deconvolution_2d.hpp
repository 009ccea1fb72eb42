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

/// Two-dimensional transposed convolution: the gradient of convolution_2d with respect to its input.
/// @param x (n, cI, h, w)   @param W (cI, cO/groups, kH, kW)   @param b (cO) or absent
/// @return (n, cO, hO, wO), by default hO = (h - 1)*stride + (kH - 1)*dilation + 1 - 2*pad
/// @throws ShapeError, DTypeError, ValueError with all arguments
/// Differentiable any number of times with respect to x, W and b.
[[nodiscard]] FATHOM_EXPORT Variable deconvolution_2d(const Variable& x, const Variable& W,
                                                      const Variable& b = {},
                                                      const Deconvolution2DOptions& options = {});

}  // namespace fathom::ops
