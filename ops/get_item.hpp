// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>
#include <fathom/core/index.hpp>

namespace fathom::ops {

/// NumPy's x[indices] (a copy): `get_item(x, {1, Slice{0, 4, 2}, newaxis, ellipsis, positions})`. Integers
/// take their axis away, slices keep it, `newaxis` makes one of size 1, `ellipsis` stands for the axes not
/// named, which axes left out at the end are too. Index arrays, int32 or int64 of any shape, are broadcast
/// together and put their axes in place of theirs, or first when others stand between them. Negative
/// positions count from the end.
/// The gradient is put back where y came from and is 0 elsewhere; positions taken repeatedly add up.
/// @throws ShapeError, ValueError and DTypeError as `index_view`.
[[nodiscard]] FATHOM_EXPORT Variable get_item(const Variable& x, const Indices& indices);
/// The same for an Array of any dtype.
[[nodiscard]] FATHOM_EXPORT Array get_item(const Array& x, const Indices& indices);

/// y[i] = x[i, t[i]]: of each row the element that its label names. gx is gy there and 0 elsewhere.
/// @param x (n, classes)   @param t labels, int32 or int64 (n), in [0, classes)
/// @return (n)
/// @throws ShapeError, DTypeError, ValueError (label out of range, naming it and its position)
[[nodiscard]] FATHOM_EXPORT Variable select_item(const Variable& x, const Array& t);

/// a copy of a, with b added to a[indices], which are get_item's; b is broadcast, and what meets one element
/// adds up. ga is gy, gb is gy[indices].
/// @throws as get_item; ShapeError when b does not broadcast to a[indices]; DTypeError for mixed types.
[[nodiscard]] FATHOM_EXPORT Variable scatter_add(const Variable& a, const Indices& indices,
                                                 const Variable& b);

}  // namespace fathom::ops
