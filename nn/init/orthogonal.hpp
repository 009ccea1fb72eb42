// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/random.hpp>

namespace fathom::nn::detail {

/// The values of init::orthogonal. Throws ShapeError for less than two axes, DTypeError.
[[nodiscard]] Array orthogonal(RandomKey key, const Shape& shape, double scale, DType dtype);

}  // namespace fathom::nn::detail
