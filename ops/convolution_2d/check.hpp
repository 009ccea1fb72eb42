// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/ops/convolution_2d.hpp>
#include <fathom/ops/convolution_2d/geometry.hpp>

namespace fathom::ops::detail {

/// Everything that convolution_2d refuses; b is undefined or checked too.
[[nodiscard]] ConvolutionGeometry check_convolution_2d(const Variable& x, const Variable& W,
                                                       const Variable& b,
                                                       const Convolution2DOptions& options);

/// Pixels between the first and the last that a dilated kernel covers, both included.
[[nodiscard]] constexpr std::int64_t kernel_extent(std::int64_t kernel, std::int64_t dilation) {
  return (kernel - 1) * dilation + 1;
}

}  // namespace fathom::ops::detail
