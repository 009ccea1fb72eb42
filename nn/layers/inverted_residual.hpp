// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>

#include <fathom/nn/layers/conv_batch_norm.hpp>

namespace fathom::nn {

struct InvertedResidualOptions {
  std::int64_t expanded = 0;  ///< channels of the depthwise convolution; as many as in_channels: no expansion
  Pair2 kernel = 3;           ///< of the depthwise convolution, padded by half of it
  Pair2 stride = 1;           ///< of the depthwise convolution
  Activation activation = Activation::relu6;
  double eps = 2e-5;  ///< as in BatchNorm2DOptions, like decay
  double decay = 0.9;
  Initializer initial_W = init::he_normal();
};

/// Pointwise convolution to many channels, depthwise convolution, and pointwise convolution to few, which has
/// no activation: x (n, in_channels, h, w), y (n, out_channels, hO, wO). Where the shapes allow it, stride 1
/// and as many channels out as in, x is added to the result. Source: M. Sandler et al., MobileNetV2: Inverted
/// Residuals and Linear Bottlenecks, 2018.
class FATHOM_EXPORT InvertedResidual final : public Module {
 public:
  std::optional<ConvBatchNorm> expand;
  DepthwiseConvBatchNorm depthwise;
  ConvBatchNorm project;
  FATHOM_MODULE(expand, depthwise, project)

  /// Throws ValueError for numbers that make no convolution.
  InvertedResidual(std::int64_t in_channels, std::int64_t out_channels,
                   const InvertedResidualOptions& options, Random& random);
  /// Whether x is added to the result.
  [[nodiscard]] bool adds_input() const { return adds_input_; }

 protected:
  Variable forward(const Variable& x) override;

 private:
  bool adds_input_;
};

}  // namespace fathom::nn
