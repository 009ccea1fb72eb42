// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <fathom/core/random.hpp>
#include <fathom/nn/sequential.hpp>

namespace fathom::nn {

struct EfficientNetB0Options {
  std::int64_t in_channels = 3;
  std::int64_t classes = 1000;
  double width = 1;      ///< all channels are multiplied by it and rounded to a multiple of 8
  double dropout = 0.2;  ///< before the last layer
  /// Stochastic depth: block i of the 16, from 0, drops the share drop * i / 16, if it adds its input.
  double drop = 0.2;
  bool small_images = false;  ///< for images of about 32 x 32: the size is halved twice less
};

/// A convolution of 3 x 3, 16 inverted residuals with kernels of 3 and 5, swish, squeeze-and-excitation and
/// stochastic depth, a pointwise convolution, the mean of each channel, and a linear layer:
/// x (n, in_channels, h, w), y (n, classes), the logits. 5 288 548 parameters and 385.8 million multiply-adds
/// (390 in the paper) for an image of 224 x 224 with the default options; widths as in MobileNetV2, the last
/// 1280 channels too. Source: M. Tan and Q. Le, EfficientNet: Rethinking Model Scaling for Convolutional
/// Neural Networks, 2019.
class FATHOM_EXPORT EfficientNetB0 final : public Module {
 public:
  Sequential features;
  Sequential classify;
  FATHOM_MODULE(features, classify)

  /// Throws ValueError for a width that is not positive, in_channels or classes below 1, a dropout or drop
  /// outside [0, 1).
  EfficientNetB0(const EfficientNetB0Options& options, Random& random);

 protected:
  Variable forward(const Variable& x) override;
};

}  // namespace fathom::nn
