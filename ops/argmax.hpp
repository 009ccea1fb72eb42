// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// Position of the largest element along `axis`, which disappears, or of all elements row by row; an int64
/// Array, since positions have no gradient. The first of equal ones; the first NaN if there is one.
/// For an Array of any dtype there is `fathom::argmax` (core/reduce.hpp, not in fathom.hpp).
/// @throws ValueError for an axis that is out of range or has no elements.
[[nodiscard]] FATHOM_EXPORT Array argmax(const Variable& x, std::optional<std::int64_t> axis = std::nullopt);
/// Position of the smallest element; the rest as in argmax.
[[nodiscard]] FATHOM_EXPORT Array argmin(const Variable& x, std::optional<std::int64_t> axis = std::nullopt);

}  // namespace fathom::ops
