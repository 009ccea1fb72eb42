// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/conv_batch_norm.hpp>

#include <fathom/nn/initialization.hpp>

namespace fathom::nn {

namespace detail {

template <class Convolution>
Variable BatchNormalized<Convolution>::forward(const Variable& x) {
  return bn ? (*bn)(conv(x)) : conv(x);
}

template <class Convolution>
Variable BatchNormalized<Convolution>::operator()(const Variable& x, const Variable& residual) {
  const ModuleScope scope{*this};
  const InitializationGuard guard{*this};
  return bn ? (*bn)(conv(x), residual) : conv(x, residual);
}

template <class Convolution>
void BatchNormalized<Convolution>::fold_batch_norm() {
  if (bn && conv.fold(*bn)) bn.reset();
}

template class BatchNormalized<Conv2D>;
template class BatchNormalized<DepthwiseConv2D>;

}  // namespace detail

namespace {

Conv2DOptions convolution(const ConvBatchNormOptions& options) {
  return {.kernel = options.kernel,
          .stride = options.stride,
          .pad = options.pad,
          .dilation = options.dilation,
          .groups = options.groups,
          .bias = false,
          .initial_W = options.initial_W};
}

DepthwiseConv2DOptions convolution(const DepthwiseConvBatchNormOptions& options) {
  return {.multiplier = options.multiplier,
          .kernel = options.kernel,
          .stride = options.stride,
          .pad = options.pad,
          .dilation = options.dilation,
          .bias = false,
          .initial_W = options.initial_W};
}

template <class Options>
BatchNorm2DOptions batch_norm(const Options& options) {
  return {.eps = options.eps, .decay = options.decay, .activation = options.activation};
}

}  // namespace

ConvBatchNorm::ConvBatchNorm(std::int64_t in_channels, std::int64_t out_channels,
                             const ConvBatchNormOptions& options, Random& random)
    : BatchNormalized(Conv2D(in_channels, out_channels, convolution(options), random),
                      BatchNorm2D(out_channels, batch_norm(options))) {}

ConvBatchNorm::ConvBatchNorm(std::int64_t out_channels, const ConvBatchNormOptions& options, Random& random)
    : BatchNormalized(Conv2D(out_channels, convolution(options), random),
                      BatchNorm2D(out_channels, batch_norm(options))) {}

DepthwiseConvBatchNorm::DepthwiseConvBatchNorm(std::int64_t channels,
                                               const DepthwiseConvBatchNormOptions& options, Random& random)
    : BatchNormalized(DepthwiseConv2D(channels, convolution(options), random),
                      BatchNorm2D(channels * options.multiplier, batch_norm(options))) {}

DepthwiseConvBatchNorm::DepthwiseConvBatchNorm(const DepthwiseConvBatchNormOptions& options, Random& random)
    : BatchNormalized(DepthwiseConv2D(convolution(options), random), BatchNorm2D(batch_norm(options))) {}

}  // namespace fathom::nn
