// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/check.hpp>

namespace fathom::ops::detail {

/// How a kernel or window moves over an image: what convolutions and pooling have in common.
struct WindowOptions {
  Pair2 stride = 1;
  Pair2 pad = 0;
  Pair2 dilation = 1;
};

/// What to do about a wrong number of groups.
inline constexpr std::string_view kGroupsHint =
    "choose a common divisor of both channel counts; 1 connects all channels";

/// Throws ValueError for a stride or dilation below 1, a negative pad, or a number so large that sizes could
/// overflow.
void check_window(ArgumentCheck& check, const WindowOptions& options);

/// Pixels from the first to the last tap of a kernel, along one axis.
[[nodiscard]] constexpr std::int64_t kernel_extent(std::int64_t kernel, std::int64_t dilation) {
  return (kernel - 1) * dilation + 1;
}

/// Positions of a window of `extent` pixels along an axis of `size` pixels, with cover_all so many that every
/// pixel is in one; 0 when the window does not fit.
[[nodiscard]] constexpr std::int64_t window_positions(std::int64_t size, std::int64_t extent,
                                                      std::int64_t stride, std::int64_t pad,
                                                      bool cover_all = false) {
  const std::int64_t room = size + 2 * pad - extent + (cover_all ? stride - 1 : 0);
  return room < 0 ? 0 : room / stride + 1;
}

}  // namespace fathom::ops::detail
