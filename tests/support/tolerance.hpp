// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <fathom/core/dtype.hpp>

namespace fathom::test {

/// How far a sum of `terms` products, computed in `dtype` in any order, may lie from the exact value, as a
/// share of the sum of the absolute products. Any order of summation errs by at most (terms + 1) * u with u =
/// epsilon / 2 the rounding unit (Higham, Accuracy and Stability of Numerical Algorithms, 3.1). Rounding
/// errors of random data add up like sqrt(terms); 4 standard deviations of that, and never less than 4 u for
/// the last additions, are allowed here, so that a wrong or missing product is seen even in long sums.
inline double sum_tolerance(DType dtype, std::int64_t terms) {
  const double u = dtype == DType::float32 ? std::numeric_limits<float>::epsilon() / 2.0
                                           : std::numeric_limits<double>::epsilon() / 2.0;
  return 4.0 * u * std::max(1.0, std::sqrt(static_cast<double>(terms)));
}

/// For one or two rounded operations on single elements: 4 units in the last place.
inline double element_tolerance(DType dtype) { return sum_tolerance(dtype, 1); }

}  // namespace fathom::test
