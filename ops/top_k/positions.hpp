// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/array.hpp>

namespace fathom::ops::detail {

/// Where along `axis` the k largest or smallest elements of a float32 or float64 array stand, int64, in the
/// order that top_k has. The arguments are checked.
[[nodiscard]] Array top_positions(const Array& x, std::int64_t k, std::size_t axis, bool largest);

}  // namespace fathom::ops::detail
