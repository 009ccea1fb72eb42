// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/ops/depthwise_convolution_2d.hpp>
#include <fathom/ops/depthwise_convolution_2d/geometry.hpp>

namespace fathom::ops::depthwise {

/// The sizes that the arguments mean. Every axis but the batch must have at least one element. The only place
/// of this op that throws: GraphError, DTypeError, ShapeError, ValueError.
[[nodiscard]] Geometry check(const Variable& x, const Variable& W, const Variable& b,
                             const DepthwiseConvolution2DOptions& options);

}  // namespace fathom::ops::depthwise
