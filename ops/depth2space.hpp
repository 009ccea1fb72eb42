// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/autograd/variable.hpp>

namespace fathom::ops {

/// Which channel of the deep side holds channel k of the pixel (ry, rx) in a block of r x r.
enum class DepthOrder : std::uint8_t {
  pixels_first,   ///< (ry * r + rx) * c + k: Chainer's and TensorFlow's
  channels_first  ///< k * r * r + ry * r + rx: PyTorch's pixel_shuffle
};

struct DepthOptions {
  DepthOrder order = DepthOrder::pixels_first;
};

/// Channels laid out as blocks of r x r pixels: y[n, k, h r + ry, w r + rx] = x[n, deep, h, w], `deep` as in
/// DepthOrder. The gradient moves back; the inverse is space2depth.
/// @param x (n, r*r*c, h, w)   @return (n, c, h*r, w*r)
/// @throws ShapeError unless x has four axes and r*r divides the channels; ValueError for r below 1.
/// Source: W. Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
/// Convolutional Neural Network, 2016.
[[nodiscard]] FATHOM_EXPORT Variable depth2space(const Variable& x, std::int64_t r,
                                                 const DepthOptions& options = {});

/// Blocks of r x r pixels laid out as channels: the inverse of depth2space.
/// @param x (n, c, h*r, w*r)   @return (n, r*r*c, h, w)
/// @throws ShapeError unless x has four axes and r divides the last two; ValueError for r below 1.
[[nodiscard]] FATHOM_EXPORT Variable space2depth(const Variable& x, std::int64_t r,
                                                 const DepthOptions& options = {});

}  // namespace fathom::ops
