// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <fathom/core/array.hpp>

namespace fathom {

/// What is in an array, as one looks at it when a NaN has turned up.
struct ValueStatistics {
  std::int64_t finite = 0, nan = 0, infinite = 0;    ///< counts
  double least = 0, greatest = 0;                    ///< of the finite ones; 0 when there is none
  std::int64_t first_nan = -1, first_infinite = -1;  ///< element numbers, -1 for none
};

/// Elements of other types than float32 and float64 are all finite.
[[nodiscard]] FATHOM_EXPORT ValueStatistics value_statistics(const Array& array);

/// Whether no element is NaN or infinite: in one pass that vectors make.
[[nodiscard]] FATHOM_EXPORT bool all_finite(const Array& array);

/// "all finite, from -1 to 2.5", or "3 nan, 1 inf, 60 finite from 0 to 1"
[[nodiscard]] FATHOM_EXPORT std::string to_string(const ValueStatistics& statistics);

}  // namespace fathom
