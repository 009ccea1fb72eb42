// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/checks/window.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace fathom::ops::detail {
namespace {

/// Larger numbers mean nothing, and sizes computed from them might overflow.
constexpr std::int64_t kLargest = std::int64_t{1} << 20;

}  // namespace

void check_pixels(ArgumentCheck& check, std::string_view name, Pair2 value, std::int64_t least,
                  std::string_view hint) {
  check.at_least(name, value, least, hint);
  FATHOM_CHECK(check.hint("it counts pixels; a number like that often comes from an overflow"),
               value.y <= kLargest && value.x <= kLargest, ValueError, "{} must be at most {} (it is {})",
               name, kLargest, to_string(value));
}

Pair2 checked_plane(const ArgumentCheck& check, const Shape& x) {
  const Pair2 plane{x[2], x[3]};
  FATHOM_CHECK(check.hint("only the first two axes of x may be empty; look where x is made"),
               plane.y > 0 && plane.x > 0, ShapeError, "x must have at least one pixel (it has {})",
               to_string(plane));
  return plane;
}

void check_window(ArgumentCheck& check, const WindowOptions& options) {
  check_pixels(check, "stride", options.stride, 1, "1 moves the window pixel by pixel; 2 halves the size");
  check_pixels(check, "pad", options.pad.sides(), 0, "0 adds no border; this op does not crop x");
  check_pixels(check, "dilation", options.dilation, 1, "1 leaves no gap between taps; 2 leaves one pixel");
}

std::int64_t size_under_windows(const ArgumentCheck& check, char axis, std::int64_t size, std::int64_t extent,
                                std::int64_t stride, std::int64_t pad, std::optional<std::int64_t> wanted,
                                bool cover_all) {
  const std::int64_t least = (size - 1) * stride + extent - 2 * pad - (cover_all ? stride - 1 : 0);
  if (!wanted) {
    FATHOM_CHECK(check.hint("use a smaller pad, a larger stride or a larger kernel"), least > 0, ShapeError,
                 "{0}O must be positive (({0} - 1) * stride + extent - 2 * pad{1} is {2}; x has {3}, stride "
                 "is {4}, the "
                 "kernel's extent {5}, pad {6})",
                 axis, cover_all ? " - (stride - 1)" : "", least, size, stride, extent, pad);
    return least;
  }
  const std::int64_t most = least + stride - 1;
  FATHOM_CHECK(check.hint("leave output_size out to have the smallest one"),
               *wanted >= std::max<std::int64_t>(least, 1) && *wanted <= most, ShapeError,
               "output_size must have as many windows as x has pixels: {}O must be in [{}, {}] (it is {})",
               axis, std::max<std::int64_t>(least, 1), most, *wanted);
  return *wanted;
}

}  // namespace fathom::ops::detail
