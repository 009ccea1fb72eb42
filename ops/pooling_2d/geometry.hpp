// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fathom/core/array.hpp>

namespace fathom::ops::pooling {

/// Windows over the planes of x (n, c, h, w).
struct Geometry {
  Shape x;
  Shape y;
  Pair2 kernel;
  Pair2 stride;
  Pair2 pad;

  [[nodiscard]] std::int64_t planes() const { return x[0] * x[1]; }
  [[nodiscard]] std::int64_t in_plane() const { return x[2] * x[3]; }
  [[nodiscard]] std::int64_t out_plane() const { return y[2] * y[3]; }
};

/// A window's pixels inside the image: rows [top, bottom), columns [left, right); empty when it lies outside.
struct Window {
  std::int64_t top, bottom, left, right;
  [[nodiscard]] bool empty() const { return top >= bottom || left >= right; }
};

[[nodiscard]] inline Window window(const Geometry& g, std::int64_t row, std::int64_t column) {
  const std::int64_t top = row * g.stride.y - g.pad.y;
  const std::int64_t left = column * g.stride.x - g.pad.x;
  return {std::max<std::int64_t>(0, top), std::min(g.x[2], top + g.kernel.y), std::max<std::int64_t>(0, left),
          std::min(g.x[3], left + g.kernel.x)};
}

/// The windows of an output row whose column `column` lies inside the image: [begin, end).
[[nodiscard]] inline std::pair<std::int64_t, std::int64_t> inside(const Geometry& g, std::int64_t column) {
  const std::int64_t first = g.pad.x - column;              // the window's start that puts it at pixel 0
  const std::int64_t last = g.x[3] - 1 - column + g.pad.x;  // and at the last pixel
  const std::int64_t begin = first <= 0 ? 0 : (first + g.stride.x - 1) / g.stride.x;
  const std::int64_t end = last < 0 ? 0 : last / g.stride.x + 1;
  return {begin, std::min(end, g.y[3])};
}

/// Checks the arguments and works out the output's size; `cover_all` is nullopt where there is no such
/// option. Throws GraphError, ShapeError, DTypeError, ValueError.
[[nodiscard]] Geometry check(std::string_view op, const Array& x, Pair2 kernel,
                             const std::optional<Pair2>& stride, Pair2 pad, std::optional<bool> cover_all);

}  // namespace fathom::ops::pooling
