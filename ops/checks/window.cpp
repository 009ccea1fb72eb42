// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/checks/window.hpp>

#include <fmt/format.h>

namespace fathom::ops::detail {
namespace {

/// Larger numbers mean nothing, and sizes computed from them might overflow.
constexpr std::int64_t kLargest = std::int64_t{1} << 20;

void check_option(ArgumentCheck& check, std::string_view name, Pair2 value, std::int64_t least) {
  check.at_least(name, value, least);
  FATHOM_CHECK(check, value.y <= kLargest && value.x <= kLargest, ValueError,
               "{} must be at most {} (it is {})", name, kLargest, to_string(value));
}

}  // namespace

void check_window(ArgumentCheck& check, const WindowOptions& options) {
  check_option(check, "stride", options.stride, 1);
  check_option(check, "pad", options.pad, 0);
  check_option(check, "dilation", options.dilation, 1);
}

}  // namespace fathom::ops::detail
