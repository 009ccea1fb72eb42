// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/array.hpp>
#include <fathom/core/export.hpp>
#include <fathom/nn/data/transform.hpp>

namespace fathom::nn {

/// Images of another size, for data (ops::resize_images is differentiable, and skips pixels where images get
/// smaller). Pixels are squares that tile the image. Along each axis a pixel of the result is a weighted mean
/// of those around its centre, with weights that fall linearly to 0 at a distance of one pixel of the larger
/// grid: that is bilinear where images grow, and leaves no pixel out where they shrink, as Pillow's BILINEAR.
/// uint8 is rounded to the nearest. images: uint8 or float32 (..., h, w). Returns (..., size.y, size.x).
/// Throws ShapeError, DTypeError, ValueError.
[[nodiscard]] FATHOM_EXPORT Array resize(const Array& images, Pair2 size);

/// The same for each batch. Throws ValueError for a size below 1.
[[nodiscard]] FATHOM_EXPORT Transform resize(Pair2 size);

}  // namespace fathom::nn
