// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fathom/nn/layers/conv_batch_norm.hpp>

namespace fathom::nn {

struct DepthwiseSeparableOptions {
  Pair2 kernel = 3;  ///< of the depthwise convolution, padded by half of it
  Pair2 stride = 1;  ///< of the depthwise convolution
  Activation activation = Activation::relu;
  double eps = 2e-5;  ///< as in BatchNorm2DOptions, like decay
  double decay = 0.9;
  Initializer initial_W = init::he_normal();
};

/// Depthwise convolution, which looks at each channel, then a pointwise one, which mixes them, each followed
/// by batch normalization and activation: x (n, in_channels, h, w), y (n, out_channels, hO, wO). Source: A.
/// Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, 2017.
class FATHOM_EXPORT DepthwiseSeparable final : public Module {
 public:
  DepthwiseConvBatchNorm depthwise;
  ConvBatchNorm pointwise;
  FATHOM_MODULE(depthwise, pointwise)

  /// Throws ValueError for numbers that make no convolution.
  DepthwiseSeparable(std::int64_t in_channels, std::int64_t out_channels,
                     const DepthwiseSeparableOptions& options, Random& random);

 protected:
  Variable forward(const Variable& x) override;
};

}  // namespace fathom::nn
