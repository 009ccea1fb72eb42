// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

struct TopKOptions {
  std::int64_t axis = -1;  ///< negative counts from the end
  bool largest = true;     ///< false: the smallest
};

struct TopK {
  Variable values;
  Array indices;  ///< int64: where along the axis they stood
};

/// The k largest elements along an axis, the largest first; with `largest` false the k smallest, the smallest
/// first. Of equal ones the first comes first; NaN is larger than all numbers, as in argmax. Each element
/// chosen gets its value's gradient, the others 0; which are chosen is locally constant, and at ties those
/// that the indices name.
/// @return both of x's shape with k elements along the axis
/// @throws ValueError for an axis out of range, and unless k lies in [0, its size].
[[nodiscard]] FATHOM_EXPORT TopK top_k(const Variable& x, std::int64_t k, const TopKOptions& options = {});

}  // namespace fathom::ops
