// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

enum class Interpolation : std::uint8_t { bilinear, nearest };
[[nodiscard]] FATHOM_EXPORT std::string_view to_string(Interpolation mode);

struct ResizeImagesOptions {
  Interpolation mode = Interpolation::bilinear;
  bool align_corners =
      true;  ///< of bilinear: pixels are points and the outer ones stay, not squares that tile
};

/// Images of another size. Along h, and along w likewise, output row i lies at row v of x:
///
///     v = i * (h - 1) / (hO - 1), 0 if hO is 1     bilinear, align_corners
///     v = max(0, (i + 0.5) * h / hO - 0.5)         bilinear
///     v = i * h / hO, rounded down                 nearest
///
/// and is the mean of the rows around v, each weighted with how near it is; beyond the last row that one
/// counts. No weight depends on other pixels than these: when images get smaller, pixels between are skipped.
/// @param x (n, c, h, w) with a pixel at least   @param size (hO, wO)   @return (n, c, hO, wO)
/// @throws ShapeError, DTypeError, ValueError; GraphError for an undefined x
/// Differentiable any number of times. Source: M. Jaderberg et al., Spatial Transformer Networks, 2015.
[[nodiscard]] FATHOM_EXPORT Variable resize_images(const Variable& x, Pair2 size,
                                                   const ResizeImagesOptions& options = {});

}  // namespace fathom::ops
