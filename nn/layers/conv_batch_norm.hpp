// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fathom/core/activation.hpp>
#include <fathom/nn/fold_batch_norm.hpp>
#include <fathom/nn/init.hpp>
#include <fathom/nn/layers/batch_norm2d.hpp>
#include <fathom/nn/layers/conv2d.hpp>
#include <fathom/nn/layers/depthwise_conv2d.hpp>
#include <fathom/nn/module.hpp>

namespace fathom::nn {

namespace detail {

/// A convolution without bias and the batch normalization of its result. nn::fold_batch_norm takes `bn` out
/// and into `conv`, which gets a bias.
template <class Convolution>
class FATHOM_EXPORT BatchNormalized : public Module, public FoldsBatchNorm {
 public:
  Convolution conv;
  std::optional<BatchNorm2D> bn;
  FATHOM_MODULE(conv, bn)

  using Module::operator();
  /// y = activation(normalized convolution + residual), the residual being of the result's shape.
  Variable operator()(const Variable& x, const Variable& residual);
  void fold_batch_norm() override;

 protected:
  BatchNormalized(Convolution convolution, BatchNorm2D batch_norm)
      : conv(std::move(convolution)), bn(std::move(batch_norm)) {}
  Variable forward(const Variable& x) override;
};

}  // namespace detail

struct ConvBatchNormOptions {
  Pair2 kernel = 0;  ///< must be given
  Pair2 stride = 1;
  Pad pad = 0;  ///< as in Conv2DOptions, like the next two
  Pair2 dilation = 1;
  std::int64_t groups = 1;
  Activation activation = Activation::none;  ///< of the result, in the pass of the batch normalization
  double eps = 2e-5;                         ///< as in BatchNorm2DOptions, like decay
  double decay = 0.9;
  Initializer initial_W = init::he_normal();
};

/// Convolution without bias, batch normalization and activation: x (n, in_channels, h, w),
/// y (n, out_channels, hO, wO). `block(x, shortcut)` adds the shortcut before the activation. Left out,
/// in_channels is that of the first x.
class FATHOM_EXPORT ConvBatchNorm final : public detail::BatchNormalized<Conv2D> {
 public:
  /// Throws ValueError for numbers that make no convolution or no batch normalization.
  ConvBatchNorm(std::int64_t in_channels, std::int64_t out_channels, const ConvBatchNormOptions& options,
                Random& random);
  ConvBatchNorm(std::int64_t out_channels, const ConvBatchNormOptions& options, Random& random);
};

struct DepthwiseConvBatchNormOptions {
  std::int64_t multiplier = 1;  ///< outputs for each input channel
  Pair2 kernel = 0;             ///< must be given
  Pair2 stride = 1;
  Pad pad = 0;  ///< as in DepthwiseConv2DOptions, like dilation
  Pair2 dilation = 1;
  Activation activation = Activation::none;  ///< of the result, in the pass of the batch normalization
  double eps = 2e-5;                         ///< as in BatchNorm2DOptions, like decay
  double decay = 0.9;
  Initializer initial_W = init::he_normal();
};

/// Depthwise convolution without bias, batch normalization and activation: x (n, channels, h, w),
/// y (n, channels * multiplier, hO, wO). Otherwise as ConvBatchNorm.
class FATHOM_EXPORT DepthwiseConvBatchNorm final : public detail::BatchNormalized<DepthwiseConv2D> {
 public:
  /// Throws ValueError for numbers that make no convolution or no batch normalization.
  DepthwiseConvBatchNorm(std::int64_t channels, const DepthwiseConvBatchNormOptions& options, Random& random);
  DepthwiseConvBatchNorm(const DepthwiseConvBatchNormOptions& options, Random& random);
};

}  // namespace fathom::nn
