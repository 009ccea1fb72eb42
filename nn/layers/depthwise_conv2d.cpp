// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/depthwise_conv2d.hpp>

#include <optional>

#include <fathom/core/check.hpp>
#include <fathom/nn/fold_batch_norm/layers.hpp>
#include <fathom/nn/initialization.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>

namespace fathom::nn {

DepthwiseConv2D::DepthwiseConv2D(const DepthwiseConv2DOptions& options, Random& random)
    : options_(options), key_W_(random.key()), key_b_(random.key()) {
  ArgumentCheck check{"DepthwiseConv2D"};
  check.at_least("multiplier", options.multiplier, 1, "it is the number of kernels for each channel");
  check.at_least("kernel", options.kernel, 1, "1 is a kernel of one pixel");
  ops::detail::check_window(check,
                            {.stride = options.stride, .pad = options.pad, .dilation = options.dilation});
  W = Parameter::deferred(
      {.sizes = {{options.multiplier, -1, options.kernel.y, options.kernel.x}}, .dtype = DType::float32});
  if (options.bias) b = Parameter::deferred({.sizes = {{-1}}, .dtype = DType::float32});
}

DepthwiseConv2D::DepthwiseConv2D(std::int64_t channels, const DepthwiseConv2DOptions& options, Random& random)
    : DepthwiseConv2D(options, random) {
  ArgumentCheck{"DepthwiseConv2D"}.at_least("channels", channels, 1, "it is the size of axis 1 of x");
  initialize(channels);
}

void DepthwiseConv2D::initialize(std::int64_t channels) {
  const auto [multiplier, kernel] = std::pair(options_.multiplier, options_.kernel);
  const Fans fans{.in = kernel.y * kernel.x, .out = multiplier * kernel.y * kernel.x};
  nn::initialize(W, options_.initial_W, key_W_, {multiplier, channels, kernel.y, kernel.x}, fans);
  nn::initialize(b, options_.initial_b, key_b_, {channels * multiplier}, fans);
}

Variable DepthwiseConv2D::forward(const Variable& x) { return run(x, {}); }

Variable DepthwiseConv2D::operator()(const Variable& x, const Variable& residual) {
  ArgumentCheck{"DepthwiseConv2D"}
      .argument("residual", residual.defined() ? residual.data() : Array{})
      .defined();
  const ModuleScope scope{*this};
  return run(x, residual);
}

Variable DepthwiseConv2D::run(const Variable& x, const Variable& residual) {
  if (is_folded_) detail::require_not_training("DepthwiseConv2D", is_training());
  std::optional<InitializationGuard> first;
  if (W.is_waiting() || b.is_waiting()) {
    first.emplace(*this);
    initialize(size_or_one(x, 1));
  }
  const Activation activation = residual.defined() ? Activation::none : options_.activation;
  const Variable y = ops::depthwise_convolution_2d(x, W, b,
                                                   {.stride = options_.stride,
                                                    .pad = options_.pad,
                                                    .dilation = options_.dilation,
                                                    .activation = activation});
  return residual.defined() ? detail::add_residual("DepthwiseConv2D", y, residual, options_.activation) : y;
}

bool DepthwiseConv2D::fold(const BatchNorm2D& bn) {
  require_initialized("fold", *this);
  if (options_.activation != Activation::none ||
      !detail::fold(bn, W, b, W.size() / (W.shape(2) * W.shape(3)), options_.multiplier))
    return false;
  options_.bias = true;
  options_.activation = bn.options().activation;
  is_folded_ = true;
  return true;
}

}  // namespace fathom::nn
