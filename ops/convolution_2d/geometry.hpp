// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/core/shape.hpp>

namespace fathom::ops::detail {

/// What convolution, deconvolution and the gradient of W have in common: an image (n, image_channels, h, w),
/// a map (n, map_channels, hO, wO) and W (map_channels, image_channels / groups, kH, kW). Map pixel (y, x)
/// meets image pixel (y * stride - pad + ky * dilation, x * stride - pad + kx * dilation) through W[ky, kx];
/// `pad` counts pixels above and to the left.
struct ConvolutionGeometry {
  std::int64_t groups = 1;
  std::int64_t image_channels = 0;
  std::int64_t map_channels = 0;
  Pair2 image, map, kernel, stride, pad, dilation;

  [[nodiscard]] Shape image_shape(std::int64_t n) const { return {n, image_channels, image.y, image.x}; }
  [[nodiscard]] Shape map_shape(std::int64_t n) const { return {n, map_channels, map.y, map.x}; }
  [[nodiscard]] Shape weight_shape() const {
    return {map_channels, image_channels / groups, kernel.y, kernel.x};
  }
};

}  // namespace fathom::ops::detail
