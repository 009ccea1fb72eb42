// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/ops/convolution_2d/geometry.hpp>
#include <fathom/ops/deconvolution_2d.hpp>

namespace fathom::ops::detail {

/// Everything that deconvolution_2d refuses. Its x is the geometry's map, its y the image.
[[nodiscard]] ConvolutionGeometry check_deconvolution_2d(const Variable& x, const Variable& W,
                                                         const Variable& b,
                                                         const Deconvolution2DOptions& options);

}  // namespace fathom::ops::detail
