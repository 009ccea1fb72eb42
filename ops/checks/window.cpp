// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/checks/window.hpp>

#include <fmt/format.h>

namespace fathom::ops::detail {
namespace {

/// Larger numbers mean nothing, and sizes computed from them might overflow.
constexpr std::int64_t kLargest = std::int64_t{1} << 20;

void check_option(ArgumentCheck& check, std::string_view name, Pair2 value, std::int64_t least,
                  std::string_view hint) {
  check.at_least(name, value, least, hint);
  FATHOM_CHECK(check.hint("it counts pixels; a number like that often comes from an overflow"),
               value.y <= kLargest && value.x <= kLargest, ValueError, "{} must be at most {} (it is {})",
               name, kLargest, to_string(value));
}

}  // namespace

void check_window(ArgumentCheck& check, const WindowOptions& options) {
  check_option(check, "stride", options.stride, 1, "1 moves the window pixel by pixel; 2 halves the size");
  check_option(check, "pad", options.pad, 0, "0 adds no border; this op does not crop x");
  check_option(check, "dilation", options.dilation, 1, "1 leaves no gap between taps; 2 leaves one pixel");
}

}  // namespace fathom::ops::detail
