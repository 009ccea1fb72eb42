// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct CumsumOptions {
  std::optional<std::int64_t> axis = std::nullopt;  ///< nullopt: x flattened
  bool reverse = false;                             ///< from the last element to the first
};

/// y[k] = x[0] + ... + x[k] along an axis, added up in double. gx is gy added up in the other direction.
/// @return x's shape, or (size) without an axis
/// @throws ValueError for an axis out of range; DTypeError.
[[nodiscard]] FATHOM_EXPORT Variable cumsum(const Variable& x, const CumsumOptions& options = {});

}  // namespace fathom::ops
