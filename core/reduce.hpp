// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/core/array.hpp>
#include <fathom/core/check.hpp>

namespace fathom {

/// The shape left after reducing `axes` (all of them when nullopt) of `shape`. Throws ValueError with the
/// check's text.
[[nodiscard]] FATHOM_EXPORT Shape reduced_shape(const ArgumentCheck& check, const Shape& shape,
                                                const std::optional<Axes>& axes, bool keepdims);

/// Sum over `axes` (all when nullopt) of a float32 or float64 array, added up in double. The sum of nothing
/// is 0. Throws DTypeError, ValueError (axis out of range or named twice).
[[nodiscard]] FATHOM_EXPORT Array sum(const Array& x, const std::optional<Axes>& axes = std::nullopt,
                                      bool keepdims = false);

/// The largest or smallest element over `axes` (all when nullopt) of a float32 or float64 array; NaN if there
/// is one. Throws ValueError when there is an element of the result to find among none, and as sum.
[[nodiscard]] FATHOM_EXPORT Array max(const Array& x, const std::optional<Axes>& axes = std::nullopt,
                                      bool keepdims = false);
[[nodiscard]] FATHOM_EXPORT Array min(const Array& x, const std::optional<Axes>& axes = std::nullopt,
                                      bool keepdims = false);

/// Position of the largest or smallest element along `axis` (of all elements, row by row, when nullopt) as
/// int64; the axis disappears. The first of equal ones, the first NaN if there is one. Any dtype. Throws
/// ValueError for an axis that is out of range or has no elements.
[[nodiscard]] FATHOM_EXPORT Array argmax(const Array& x, std::optional<std::int64_t> axis = std::nullopt);
[[nodiscard]] FATHOM_EXPORT Array argmin(const Array& x, std::optional<std::int64_t> axis = std::nullopt);

/// Sums `x` down to `shape`, which must broadcast to x's (ShapeError): what broadcasting's gradient needs.
[[nodiscard]] FATHOM_EXPORT Array sum_to(const Array& x, const Shape& shape);

}  // namespace fathom
