// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// xs one after the other along `axis` (negative counts from the end); all other axes must have equal sizes.
/// Any number of them; empty ones are legal. The gradient of each is its part of gy.
/// @throws ValueError when there is none or the axis is out of range; ShapeError, DTypeError when they
/// differ.
[[nodiscard]] FATHOM_EXPORT Variable concat(const Variables& xs, std::int64_t axis = 1);
/// The same for Arrays of any dtype.
[[nodiscard]] FATHOM_EXPORT Array concat(const Arrays& xs, std::int64_t axis = 1);

/// xs, of one shape, along a new axis: y[..., k, ...] is xs[k]. `axis` is y's, negative counts from the end.
/// @throws as concat.
[[nodiscard]] FATHOM_EXPORT Variable stack(const Variables& xs, std::int64_t axis = 0);
/// The same for Arrays of any dtype.
[[nodiscard]] FATHOM_EXPORT Array stack(const Arrays& xs, std::int64_t axis = 0);

/// xs, of one rank, one beside the other: concat along axis 1; along axis 0 if they have one axis, and (n) of
/// n numbers without axes.
/// @throws as concat.
[[nodiscard]] FATHOM_EXPORT Variable hstack(const Variables& xs);

/// xs, of one rank, one below the other: concat along axis 0; (n, size) if they have one axis, each a row,
/// and (n, 1) of n numbers without axes.
/// @throws as concat.
[[nodiscard]] FATHOM_EXPORT Variable vstack(const Variables& xs);

/// x cut along `axis` before each of `indices`: {1, 4} gives x[:1], x[1:4], x[4:]. Parts may be empty. Parts
/// that no gradient reaches count as 0.
/// @throws ValueError for an axis out of range, and for indices that descend or leave [0, size].
[[nodiscard]] FATHOM_EXPORT Variables split_axis(const Variable& x, const std::vector<std::int64_t>& indices,
                                                 std::int64_t axis);
/// The same for an Array of any dtype.
[[nodiscard]] FATHOM_EXPORT Arrays split_axis(const Array& x, const std::vector<std::int64_t>& indices,
                                              std::int64_t axis);

namespace detail {
[[nodiscard]] FATHOM_EXPORT Variables split_sections(const Variable& x, std::int64_t sections,
                                                     std::int64_t axis);
[[nodiscard]] FATHOM_EXPORT Arrays split_sections(const Array& x, std::int64_t sections, std::int64_t axis);
}  // namespace detail

/// x, a Variable or an Array, cut along `axis` into `sections` equal parts.
/// @throws ValueError for an axis out of range, or unless `sections` divides its size.
template <class X, std::integral I>
[[nodiscard]] auto split_axis(const X& x, I sections, std::int64_t axis) {
  return detail::split_sections(x, static_cast<std::int64_t>(sections), axis);
}

/// The elements of x along `axis`, which disappears, one by one: y[k] is x[..., k, ...]. Parts that no
/// gradient reaches count as 0.
/// @throws ValueError for an axis that is out of range or has no elements.
[[nodiscard]] FATHOM_EXPORT Variables separate(const Variable& x, std::int64_t axis = 0);

}  // namespace fathom::ops
