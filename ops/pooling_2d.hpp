// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct MaxPooling2DOptions {
  Pair2 kernel = 2;
  std::optional<Pair2> stride = std::nullopt;  ///< nullopt: the kernel's size; a pair is written Pair2{1, 2}
  Pair2 pad = 0;                               ///< minus infinity on both sides
  bool cover_all = true;  ///< round the output size up, so that every pixel is in a window
};

/// Largest element of each window; at ties the first of the window gets the gradient. A window that lies
/// outside altogether gives minus infinity. NaN wins.
/// @param x (n, c, h, w)   @return (n, c, hO, wO)   @throws ShapeError, DTypeError, ValueError;
/// GraphError for an undefined x
[[nodiscard]] FATHOM_EXPORT Variable max_pooling_2d(const Variable& x,
                                                    const MaxPooling2DOptions& options = {});

struct AveragePooling2DOptions {
  Pair2 kernel = 2;
  std::optional<Pair2> stride = std::nullopt;  ///< nullopt: the kernel's size; a pair is written Pair2{1, 2}
  Pair2 pad = 0;                               ///< zeros, which count as elements
};

/// Sum of each window divided by kH*kW.
/// @param x (n, c, h, w)   @return (n, c, hO, wO)   @throws ShapeError, ValueError; GraphError
/// for an undefined x
[[nodiscard]] FATHOM_EXPORT Variable average_pooling_2d(const Variable& x,
                                                        const AveragePooling2DOptions& options = {});

/// Mean over all pixels; NaN where there are none.
/// @param x (n, c, h, w)   @return (n, c)   @throws ShapeError; GraphError for an undefined x
[[nodiscard]] FATHOM_EXPORT Variable global_average_pooling_2d(const Variable& x);

}  // namespace fathom::ops
