// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// Elements put before and after an axis.
struct PadWidth {
  std::int64_t before, after;
};

struct PadOptions {
  double value = 0;  ///< of the new elements
};

/// `value` put around x: `widths` has a pair for each axis, or one for all. Of `{.value = v}`, y has v
/// rounded to its dtype. gx is gy without the border.
/// @throws ValueError for a negative width or a number of pairs that is neither 1 nor that of the axes.
[[nodiscard]] FATHOM_EXPORT Variable pad(const Variable& x, const std::vector<PadWidth>& widths,
                                         const PadOptions& options = {});
/// One pair for all axes.
[[nodiscard]] inline Variable pad(const Variable& x, PadWidth width, const PadOptions& options = {}) {
  return pad(x, std::vector{width}, options);
}
/// As many before as after, for all axes.
[[nodiscard]] inline Variable pad(const Variable& x, std::int64_t width, const PadOptions& options = {}) {
  return pad(x, PadWidth{width, width}, options);
}

}  // namespace fathom::ops
