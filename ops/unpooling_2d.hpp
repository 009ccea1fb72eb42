// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// Those of the pooling that is undone.
struct Unpooling2DOptions {
  Pair2 kernel = 2;
  std::optional<Pair2> stride = std::nullopt;  ///< nullopt: the kernel's size; a pair is written Pair2{1, 2}
  Pair2 pad = 0;                               ///< cut off on both sides
  std::optional<Pair2> output_size = std::nullopt;  ///< (hO, wO); one of those that pool to (h, w)
  bool cover_all = true;                            ///< the pooling's sizes were rounded up
};

/// Each pixel of x in its whole window, added up where windows overlap: the gradient of sums over windows,
///
///     y[n, c, r, t] = sum x[n, c, i, j]   over all windows (i, j) that see the pixel (r, t)
///
/// @param x (n, c, h, w) with a pixel at least
/// @return (n, c, hO, wO), by default the smallest that pools to x's size: hO = (h - 1)*stride + kH - 2*pad,
/// and stride - 1 less with cover_all
/// @throws ShapeError, DTypeError, ValueError; GraphError for an undefined x
/// Differentiable any number of times. Source: A. Dosovitskiy et al., Learning to Generate Chairs with
/// Convolutional Neural Networks, 2015.
[[nodiscard]] FATHOM_EXPORT Variable unpooling_2d(const Variable& x, const Unpooling2DOptions& options = {});

/// Each pixel of x at one place of its window, the others 0, added up where windows meet: the partner of
/// max_pooling_2d, which gives the indexes. What falls outside of y is lost.
/// @param x (n, c, h, w) with a pixel at least
/// @param indexes int32 or int64 of x's shape: ky*kW + kx, in [0, kH*kW)
/// @return (n, c, hO, wO) as unpooling_2d
/// @throws ShapeError, DTypeError, ValueError; GraphError for an undefined argument
/// Differentiable any number of times with respect to x. Source: M. Zeiler, G. Taylor and R. Fergus, Adaptive
/// Deconvolutional Networks for Mid and High Level Feature Learning, 2011.
[[nodiscard]] FATHOM_EXPORT Variable upsampling_2d(const Variable& x, const Array& indexes,
                                                   const Unpooling2DOptions& options = {});

}  // namespace fathom::ops
