// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/array.hpp>
#include <fathom/ops/depthwise_convolution_2d/geometry.hpp>

/// The definition in plain loops, added up in double: what the kernels are tested against. Arrays fit the
/// geometry.
namespace fathom::ops::depthwise::reference {

[[nodiscard]] Array forward(const Geometry& geometry, const Array& x, const Array& W, const Array& b = {});
[[nodiscard]] Array grad_x(const Geometry& geometry, const Array& gy, const Array& W);
[[nodiscard]] Array grad_w(const Geometry& geometry, const Array& x, const Array& gy);

}  // namespace fathom::ops::depthwise::reference
