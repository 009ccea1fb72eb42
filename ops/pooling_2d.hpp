// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct MaxPooling2DOptions {
  Pair2 kernel = 2;
  std::optional<Pair2> stride = std::nullopt;  ///< nullopt: the kernel's size; a pair is written Pair2{1, 2}
  Pad pad = 0;                                 ///< minus infinity around x, on both sides or `Pad::same`
  bool cover_all =
      true;  ///< round the output size up, so that every pixel is in a window; `same` has its own
};

/// Largest element of each window; at ties the first of the window gets the gradient. A window that lies
/// outside altogether gives minus infinity. NaN wins.
/// @param x (n, c, h, w)   @param indexes if given, becomes int32 (n, c, hO, wO): which of its window's
/// pixels each is, ky*kW + kx, for upsampling_2d; 0 for a window that lies outside
/// @return (n, c, hO, wO), hO = (h + 2*pad - kH) / stride + 1, with cover_all rounded up; with Pad::same
/// h / stride, rounded up   @throws ShapeError, DTypeError, ValueError; GraphError for an undefined x
/// Source: K. Yamaguchi et al., A Neural Network for Speaker-Independent Isolated Word Recognition, 1990.
[[nodiscard]] FATHOM_EXPORT Variable max_pooling_2d(const Variable& x,
                                                    const MaxPooling2DOptions& options = {},
                                                    Array* indexes = nullptr);

struct AveragePooling2DOptions {
  Pair2 kernel = 2;
  std::optional<Pair2> stride = std::nullopt;  ///< nullopt: the kernel's size; a pair is written Pair2{1, 2}
  Pad pad = 0;                                 ///< zeros around x, on both sides or `Pad::same`
  bool count_include_pad = true;               ///< whether these count as elements
};

/// Sum of each window divided by kH*kW or, without count_include_pad, by the number of its pixels that lie in
/// the image: NaN where there are none.
/// @param x (n, c, h, w)   @return (n, c, hO, wO), hO = (h + 2*pad - kH) / stride + 1; with Pad::same
/// h / stride, rounded up   @throws ShapeError, DTypeError, ValueError; GraphError for an undefined x
/// Source: Y. LeCun et al., Handwritten Digit Recognition with a Back-Propagation Network, 1989.
[[nodiscard]] FATHOM_EXPORT Variable average_pooling_2d(const Variable& x,
                                                        const AveragePooling2DOptions& options = {});

/// Means over size.y * size.x bins, whatever the size of x: bin (i, j) has the rows from i*h / hO, rounded
/// down, to (i + 1)*h / hO, rounded up, and the columns likewise, so that neighbours may share a row.
/// @param x (n, c, h, w) with a pixel at least   @param size (hO, wO), also larger than (h, w)
/// @return (n, c, hO, wO)   @throws ShapeError, DTypeError, ValueError; GraphError for an undefined x
/// Source: K. He et al., Spatial Pyramid Pooling in Deep Convolutional Networks, 2014.
[[nodiscard]] FATHOM_EXPORT Variable adaptive_average_pooling_2d(const Variable& x, Pair2 size);

/// Mean over all pixels; NaN where there are none.
/// @param x (n, c, h, w)   @return (n, c)   @throws ShapeError, DTypeError; GraphError for an undefined x
/// Source: M. Lin, Q. Chen and S. Yan, Network In Network, 2013.
[[nodiscard]] FATHOM_EXPORT Variable global_average_pooling_2d(const Variable& x);

}  // namespace fathom::ops
