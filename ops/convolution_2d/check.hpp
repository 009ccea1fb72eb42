// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/convolution_2d/geometry.hpp>

namespace fathom::ops::detail {

/// Everything that convolution_2d refuses; b is undefined or checked too.
[[nodiscard]] ConvolutionGeometry check_convolution_2d(const Variable& x, const Variable& W,
                                                       const Variable& b,
                                                       const Convolution2DOptions& options);

}  // namespace fathom::ops::detail
