// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// The same elements in another shape; one size may be -1. Shares the buffer. Throws ShapeError.
[[nodiscard]] FATHOM_EXPORT Variable reshape(const Variable& x, std::span<const std::int64_t> sizes);
[[nodiscard]] inline Variable reshape(const Variable& x, std::initializer_list<std::int64_t> sizes) {
  return reshape(x, std::span(sizes.begin(), sizes.size()));
}
[[nodiscard]] inline Variable reshape(const Variable& x, const Shape& shape) {
  return reshape(x, shape.span());
}

/// All elements along one axis, row by row: (size). Shares the buffer. Throws GraphError for an undefined x.
[[nodiscard]] FATHOM_EXPORT Variable flatten(const Variable& x);

/// A new axis of size 1 before `axis`, which is y's and goes from -(rank + 1) to rank. Throws ValueError.
[[nodiscard]] FATHOM_EXPORT Variable expand_dims(const Variable& x, std::int64_t axis);

/// Without the `axes`, which must have size 1; nullopt drops all such axes. Throws ValueError for an axis out
/// of range or named twice, ShapeError for another size.
[[nodiscard]] FATHOM_EXPORT Variable squeeze(const Variable& x,
                                             const std::optional<Axes>& axes = std::nullopt);

/// Axes permuted: y's axis i is x's axis `axes[i]`; nullopt reverses them. Throws ValueError.
[[nodiscard]] FATHOM_EXPORT Variable transpose(const Variable& x,
                                               const std::optional<Axes>& axes = std::nullopt);

/// The axes `source` of x come to stand where `destination` says, y's axes; the others follow in their order.
/// Throws ValueError for an axis out of range or named twice, and unless there are as many of both.
[[nodiscard]] FATHOM_EXPORT Variable moveaxis(const Variable& x, const Axes& source, const Axes& destination);
[[nodiscard]] inline Variable moveaxis(const Variable& x, std::int64_t source, std::int64_t destination) {
  return moveaxis(x, Axes{source}, Axes{destination});
}

/// `axis` put before the axis `start`, both x's; a start equal to the rank puts it last. Throws ValueError.
[[nodiscard]] FATHOM_EXPORT Variable rollaxis(const Variable& x, std::int64_t axis, std::int64_t start = 0);

/// Two axes in each other's place. Throws ValueError.
[[nodiscard]] FATHOM_EXPORT Variable swapaxes(const Variable& x, std::int64_t axis1, std::int64_t axis2);

/// The elements along `axis` in reverse order; gx is gy so reversed. Throws ValueError.
[[nodiscard]] FATHOM_EXPORT Variable flip(const Variable& x, std::int64_t axis);

/// Stretched to `shape` by NumPy's broadcasting. Throws ShapeError.
[[nodiscard]] FATHOM_EXPORT Variable broadcast_to(const Variable& x, const Shape& shape);

/// Summed down to `shape`, which must broadcast to x's: the adjoint of broadcast_to. Throws ShapeError.
[[nodiscard]] FATHOM_EXPORT Variable sum_to(const Variable& x, const Shape& shape);

}  // namespace fathom::ops
