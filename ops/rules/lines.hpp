// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

namespace fathom {
class Shape;
}

namespace fathom::ops::detail {

/// An array seen as (outer, length, inner): a line of `length` elements at each of outer * inner positions.
struct Lines {
  std::int64_t outer = 1;
  std::int64_t length = 1;
  std::int64_t inner = 1;
  [[nodiscard]] std::int64_t positions() const { return outer * inner; }
  /// Where the line of a position begins; its elements are `inner` apart.
  [[nodiscard]] std::int64_t first(std::int64_t position) const {
    return position / inner * length * inner + position % inner;
  }
};

/// The lines along `axis`, in [0, rank).
[[nodiscard]] Lines lines_along(const Shape& shape, std::size_t axis);

}  // namespace fathom::ops::detail
