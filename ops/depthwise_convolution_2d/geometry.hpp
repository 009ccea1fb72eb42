// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace fathom::ops::depthwise {

/// All sizes of one depthwise convolution: checked, positive but for `images`, and plain data for the
/// kernels. The forward map y(x, W) and its two adjoints gx(gy, W), gW(x, gy) share it.
struct Geometry {
  std::int64_t images, channels, multiplier;
  std::int64_t height, width;          ///< of x
  std::int64_t kernel_y, kernel_x;     ///< of W
  std::int64_t out_height, out_width;  ///< of y
  std::int64_t stride_y, stride_x;
  std::int64_t pad_y, pad_x;  ///< above and to the left
  std::int64_t dilation_y, dilation_x;

  [[nodiscard]] constexpr std::int64_t out_channels() const { return channels * multiplier; }
  /// Elements of one plane of x, W and y.
  [[nodiscard]] constexpr std::int64_t plane() const { return height * width; }
  [[nodiscard]] constexpr std::int64_t kernel_plane() const { return kernel_y * kernel_x; }
  [[nodiscard]] constexpr std::int64_t out_plane() const { return out_height * out_width; }
  /// Where the kernel of output channel c*cM + m begins in W (cM, cI, kH, kW).
  [[nodiscard]] constexpr std::int64_t kernel_offset(std::int64_t out_channel) const {
    return ((out_channel % multiplier) * channels + out_channel / multiplier) * kernel_plane();
  }
};

}  // namespace fathom::ops::depthwise
