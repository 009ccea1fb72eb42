// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <fathom/core/check.hpp>

namespace fathom::ops::detail {

/// How a kernel or window moves over an image: what convolutions and pooling have in common.
struct WindowOptions {
  Pair2 stride = 1;
  Pad pad = 0;
  Pair2 dilation = 1;
};

/// What to do about a wrong number of groups.
inline constexpr std::string_view kGroupsHint =
    "choose a common divisor of both channel counts; 1 connects all channels";

/// Throws ValueError unless both numbers of the option are at least `least`, and small enough for sizes made
/// of them.
void check_pixels(ArgumentCheck& check, std::string_view name, Pair2 value, std::int64_t least,
                  std::string_view hint);

/// Height and width of x (n, c, h, w); ShapeError when there is no pixel.
[[nodiscard]] Pair2 checked_plane(const ArgumentCheck& check, const Shape& x);

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

/// Where windows of `extent` pixels lie over an image: `count` of them along each axis, the first one
/// `before` pixels outside. What lies behind the image follows from these.
struct Windows {
  Pair2 count, before;
};
[[nodiscard]] constexpr Windows place_windows(Pair2 size, Pair2 extent, Pair2 stride, Pad pad,
                                              bool cover_all = false) {
  if (!pad.is_same()) {
    const Pair2 before = pad.sides();
    return {{window_positions(size.y, extent.y, stride.y, before.y, cover_all),
             window_positions(size.x, extent.x, stride.x, before.x, cover_all)},
            before};
  }
  const Pair2 count{(size.y + stride.y - 1) / stride.y, (size.x + stride.x - 1) / stride.x};
  const auto before = [](std::int64_t pixels, std::int64_t seen) {
    return seen > pixels ? (seen - pixels) / 2 : 0;
  };
  return {count,
          {before(size.y, (count.y - 1) * stride.y + extent.y),
           before(size.x, (count.x - 1) * stride.x + extent.x)}};
}

/// The size of what has `size` windows of `extent` pixels along one axis, called `axis` in errors. By default
/// it is the smallest one, `wanted` another one that has as many; else ShapeError.
[[nodiscard]] std::int64_t size_under_windows(const ArgumentCheck& check, char axis, std::int64_t size,
                                              std::int64_t extent, std::int64_t stride, std::int64_t pad,
                                              std::optional<std::int64_t> wanted, bool cover_all = false);

}  // namespace fathom::ops::detail
