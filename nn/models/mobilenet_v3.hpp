// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/random.hpp>
#include <fathom/nn/sequential.hpp>

namespace fathom::nn {

enum class MobileNetV3Size : std::uint8_t { large, small };

struct MobileNetV3Options {
  MobileNetV3Size size = MobileNetV3Size::large;
  std::int64_t in_channels = 3;
  std::int64_t classes = 1000;
  double width = 1;           ///< all channels are multiplied by it and rounded to a multiple of 8
  double dropout = 0.2;       ///< before the last layer
  bool small_images = false;  ///< for images of about 32 x 32: the size is halved twice less
};

/// A convolution of 3 x 3, inverted residuals (15 of the large net, 11 of the small one) with kernels of 3
/// and 5, squeeze-and-excitation in some and hard-swish in the later ones, a pointwise convolution, the mean
/// of each channel, and two linear layers: x (n, in_channels, h, w), y (n, classes), the logits. With the
/// default options 5 483 032 parameters and 216.6 million multiply-adds for an image of 224 x 224 (219 in the
/// paper), the small net 2 542 856 and 56.5 million (56); widths as in MobileNetV2, the last 1280 or 1024
/// channels too. Source: A. Howard et al., Searching for MobileNetV3, 2019.
class FATHOM_EXPORT MobileNetV3 final : public Module {
 public:
  Sequential features;
  Sequential classify;
  FATHOM_MODULE(features, classify)

  /// Throws ValueError for a width that is not positive, in_channels or classes below 1, a dropout outside
  /// [0, 1).
  MobileNetV3(const MobileNetV3Options& options, Random& random);

 protected:
  Variable forward(const Variable& x) override;
};

}  // namespace fathom::nn
