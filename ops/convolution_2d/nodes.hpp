// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/ops/convolution_2d/geometry.hpp>

namespace fathom::ops::detail {

/// The three nodes of a geometry on checked Variables: each one's derivatives are the other two, so that they
/// can be differentiated any number of times.
[[nodiscard]] Variable convolution(const ConvolutionGeometry& geometry, const Variable& image,
                                   const Variable& W, const Variable& b = {});
[[nodiscard]] Variable deconvolution(const ConvolutionGeometry& geometry, const Variable& map,
                                     const Variable& W, const Variable& b = {});
[[nodiscard]] Variable convolution_grad_w(const ConvolutionGeometry& geometry, const Variable& image,
                                          const Variable& map);

}  // namespace fathom::ops::detail
