// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/rules/lines.hpp>

#include <fathom/core/shape.hpp>

namespace fathom::ops::detail {

Lines lines_along(const Shape& shape, std::size_t axis) {
  Lines lines{.length = shape[axis]};
  for (std::size_t a = 0; a < axis; ++a) lines.outer *= shape[a];
  for (std::size_t a = axis + 1; a < shape.rank(); ++a) lines.inner *= shape[a];
  return lines;
}

}  // namespace fathom::ops::detail
