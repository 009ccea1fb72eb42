// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace fathom::ops::pooling {

/// Windows over the planes of x (n, c, h, w): plain data for the kernels.
struct Geometry {
  std::int64_t images, channels;
  std::int64_t height, width;          ///< of x
  std::int64_t out_height, out_width;  ///< of y
  std::int64_t kernel_y, kernel_x;
  std::int64_t stride_y, stride_x;
  std::int64_t pad_y, pad_x;  ///< above and to the left

  [[nodiscard]] constexpr std::int64_t planes() const { return images * channels; }
  [[nodiscard]] constexpr std::int64_t in_plane() const { return height * width; }
  [[nodiscard]] constexpr std::int64_t out_plane() const { return out_height * out_width; }
  [[nodiscard]] constexpr std::int64_t window() const { return kernel_y * kernel_x; }
  /// Windows of 2 x 2 pixels side by side inside the image, of which vectors can be made.
  [[nodiscard]] constexpr bool are_squares() const {
    return kernel_y == 2 && kernel_x == 2 && stride_y == 2 && stride_x == 2 && pad_y == 0 && pad_x == 0 &&
           2 * out_height <= height && 2 * out_width <= width && out_width >= 2;
  }
};

}  // namespace fathom::ops::pooling
