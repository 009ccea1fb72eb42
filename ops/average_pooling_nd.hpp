// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// One number for each spatial axis, or one for all.
struct AveragePoolingNDOptions {
  std::vector<std::int64_t> kernel = {2};
  std::vector<std::int64_t> stride = {};  ///< empty: the kernel's size
  std::vector<std::int64_t> pad = {0};    ///< zeros on both sides
  bool count_include_pad = true;          ///< whether these count as elements
};

/// average_pooling_2d over any number of spatial axes: the sum of each window divided by the product of the
/// kernel's sizes or, without count_include_pad, by the number of its elements that lie in x: NaN where there
/// are none.
/// @param x (n, c, d1, ..., dk), 1 <= k <= 6   @return (n, c, o1, ..., ok), o = (d + 2*pad - kernel) / stride
/// + 1
/// @throws ShapeError, DTypeError, ValueError; GraphError for an undefined x
/// Differentiable any number of times. Source: as average_pooling_2d.
[[nodiscard]] FATHOM_EXPORT Variable average_pooling_nd(const Variable& x,
                                                        const AveragePoolingNDOptions& options = {});

}  // namespace fathom::ops
