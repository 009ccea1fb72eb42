// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <optional>

#include <fathom/nn/layers/conv_batch_norm.hpp>
#include <fathom/nn/layers/dropout.hpp>
#include <fathom/nn/layers/squeeze_excite.hpp>

namespace fathom::nn {

struct InvertedResidualOptions {
  std::int64_t expanded = 0;  ///< channels of the depthwise convolution; as many as in_channels: no expansion
  Pair2 kernel = 3;           ///< of the depthwise convolution, padded by half of it
  Pair2 stride = 1;           ///< of the depthwise convolution
  Activation activation = Activation::relu6;
  /// Used in place of `activation` where it is given: swish, hard_swish, whatever batch normalization has no
  /// pass for.
  std::function<Variable(const Variable&)> function = {};
  std::optional<SqueezeExciteOptions> squeeze = {};  ///< a gate for each channel behind the depthwise part
  double drop = 0;    ///< share of the samples that the block leaves as they are while training
  double eps = 2e-5;  ///< as in BatchNorm2DOptions, like decay
  double decay = 0.9;
  Initializer initial_W = init::he_normal();
};

/// Pointwise convolution to many channels, depthwise convolution, squeeze-and-excitation if it is wanted, and
/// pointwise convolution to few channels, which has no activation: x (n, in_channels, h, w),
/// y (n, out_channels, hO, wO). Where the shapes allow it, stride 1 and as many channels out as in, x is
/// added to the result, and stochastic depth may drop the rest. Sources: M. Sandler et al., MobileNetV2:
/// Inverted Residuals and Linear Bottlenecks, 2018; A. Howard et al., Searching for MobileNetV3, 2019.
class FATHOM_EXPORT InvertedResidual final : public Module {
 public:
  std::optional<ConvBatchNorm> expand;
  DepthwiseConvBatchNorm depthwise;
  std::optional<SqueezeExcite> squeeze;
  ConvBatchNorm project;
  std::optional<StochasticDepth> drop;
  FATHOM_MODULE(expand, depthwise, squeeze, project, drop)

  /// Throws ValueError for numbers that make no convolution, and for a `drop` outside [0, 1).
  InvertedResidual(std::int64_t in_channels, std::int64_t out_channels,
                   const InvertedResidualOptions& options, Random& random);
  /// Whether x is added to the result.
  [[nodiscard]] bool adds_input() const { return adds_input_; }

 protected:
  Variable forward(const Variable& x) override;

 private:
  [[nodiscard]] Variable activated(const Variable& x) const { return function_ ? function_(x) : x; }

  bool adds_input_;
  std::function<Variable(const Variable&)> function_;
};

}  // namespace fathom::nn
