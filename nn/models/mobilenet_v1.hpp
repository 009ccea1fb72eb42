// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/sequential.hpp>

namespace fathom::nn {

struct MobileNetV1Options {
  std::int64_t in_channels = 3;
  std::int64_t classes = 1000;
  double width = 1;           ///< all channels are multiplied by it and rounded down, to 8 at least
  bool small_images = false;  ///< for images of about 32 x 32: the first convolution keeps their size
};

/// A convolution of 3 x 3, 13 depthwise separable ones, the mean of each channel, and a linear layer:
/// x (n, in_channels, h, w), y (n, classes), the logits. 4 231 976 parameters and 569 million multiply-adds
/// for an image of 224 x 224 with the default options. Source: A. Howard et al., MobileNets: Efficient
/// Convolutional Neural Networks for Mobile Vision Applications, 2017.
class FATHOM_EXPORT MobileNetV1 final : public Module {
 public:
  Sequential features;
  Linear classify;
  FATHOM_MODULE(features, classify)

  /// Throws ValueError for a width that is not positive, in_channels or classes below 1.
  MobileNetV1(const MobileNetV1Options& options, Random& random);

 protected:
  Variable forward(const Variable& x) override;
};

}  // namespace fathom::nn
