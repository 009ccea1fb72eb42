// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// Products of a and b added up over pairs of axes, `a_axes[i]` of a with `b_axes[i]` of b, which must have
/// equal sizes; without a pair the outer product.
/// @return a's other axes, then b's, in their order
/// @throws ValueError for an axis out of range or named twice, and unless there are as many of both;
/// ShapeError for unequal sizes, DTypeError for mixed types.
[[nodiscard]] FATHOM_EXPORT Variable tensordot(const Variable& a, const Variable& b, const Axes& a_axes,
                                               const Axes& b_axes);
/// Over the last `axes` axes of a and the first ones of b. Throws ValueError also when there are fewer.
[[nodiscard]] FATHOM_EXPORT Variable tensordot(const Variable& a, const Variable& b, std::int64_t axes = 2);

}  // namespace fathom::ops
