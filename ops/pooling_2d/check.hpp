// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string_view>

#include <fathom/core/array.hpp>
#include <fathom/ops/pooling_2d/geometry.hpp>

namespace fathom::ops::pooling {

/// Checks the arguments and works out the output's size; `cover_all` is nullopt where there is no such
/// option. Throws GraphError, ShapeError, DTypeError, ValueError.
[[nodiscard]] Geometry check(std::string_view op, const Array& x, Pair2 kernel,
                             const std::optional<Pair2>& stride, Pad pad, std::optional<bool> cover_all);

}  // namespace fathom::ops::pooling
