// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/depthwise_conv2d.hpp>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/depthwise_convolution_2d.hpp>

namespace fathom::nn {

DepthwiseConv2D::DepthwiseConv2D(std::int64_t channels, const DepthwiseConv2DOptions& options, Random& random)
    : options_(options), key_W_(random.key()), key_b_(random.key()) {
  ArgumentCheck check{"DepthwiseConv2D"};
  check.at_least("channels", channels, 1, "it is the size of axis 1 of x");
  check.at_least("multiplier", options.multiplier, 1, "it is the number of kernels for each channel");
  check.at_least("kernel", options.kernel, 1, "1 is a kernel of one pixel");
  ops::detail::check_window(check,
                            {.stride = options.stride, .pad = options.pad, .dilation = options.dilation});

  const Shape shape{options.multiplier, channels, options.kernel.y, options.kernel.x};
  const std::int64_t kernel_size = options.kernel.y * options.kernel.x;
  const Fans fans{.in = kernel_size, .out = options.multiplier * kernel_size};
  W = Parameter{options.initial_W(key_W_, shape, fans, DType::float32)};
  if (options.bias) {
    b = Parameter{options.initial_b(key_b_, {channels * options.multiplier}, fans, DType::float32)};
  }
}

Variable DepthwiseConv2D::forward(const Variable& x) {
  return ops::depthwise_convolution_2d(
      x, W, b, {.stride = options_.stride, .pad = options_.pad, .dilation = options_.dilation});
}

}  // namespace fathom::nn
