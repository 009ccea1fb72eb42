// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/nn/layers/linear.hpp>
#include <fathom/nn/sequential.hpp>

namespace fathom::nn {

struct MobileNetV2Options {
  std::int64_t in_channels = 3;
  std::int64_t classes = 1000;
  double width = 1;           ///< channels are multiplied by it and rounded to a multiple of 8
  bool small_images = false;  ///< for images of about 32 x 32: the size is halved twice less
};

/// A convolution of 3 x 3, 17 inverted residuals, a pointwise convolution to 1280 channels (more with a width
/// above 1, never fewer), the mean of each channel, and a linear layer: x (n, in_channels, h, w),
/// y (n, classes), the logits. 3 504 872 parameters and 300.8 million multiply-adds (300 in the paper) for an
/// image of 224 x 224 with the default options. A multiple of 8 is never less than 90 % of what it stands
/// for. Source: M. Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018.
class FATHOM_EXPORT MobileNetV2 final : public Module {
 public:
  Sequential features;
  Linear classify;
  FATHOM_MODULE(features, classify)

  /// Throws ValueError for a width that is not positive, in_channels or classes below 1.
  MobileNetV2(const MobileNetV2Options& options, Random& random);

 protected:
  Variable forward(const Variable& x) override;
};

}  // namespace fathom::nn
