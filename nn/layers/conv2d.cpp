// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/nn/layers/conv2d.hpp>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/convolution_2d.hpp>

namespace fathom::nn {

Conv2D::Conv2D(std::int64_t in_channels, std::int64_t out_channels, const Conv2DOptions& options,
               Random& random)
    : options_(options), key_W_(random.key()), key_b_(random.key()) {
  ArgumentCheck check{"Conv2D"};
  check.at_least("in_channels", in_channels, 1, "it is the size of axis 1 of x");
  check.at_least("out_channels", out_channels, 1, "it is the size of axis 1 of the output");
  check.at_least("kernel", options.kernel, 1, "1 is a kernel of one pixel");
  ops::detail::check_window(check,
                            {.stride = options.stride, .pad = options.pad, .dilation = options.dilation});
  check.at_least("groups", options.groups, 1, ops::detail::kGroupsHint);
  FATHOM_CHECK(
      check.hint(ops::detail::kGroupsHint),
      in_channels % options.groups == 0 && out_channels % options.groups == 0, ValueError,
      "groups must divide in_channels and out_channels (groups is {}, in_channels {}, out_channels {})",
      options.groups, in_channels, out_channels);

  const Shape shape{out_channels, in_channels / options.groups, options.kernel.y, options.kernel.x};
  const std::int64_t kernel_size = options.kernel.y * options.kernel.x;
  const Fans fans{.in = shape[1] * kernel_size, .out = out_channels / options.groups * kernel_size};
  W = Parameter{options.initial_W(key_W_, shape, fans, DType::float32)};
  if (options.bias) b = Parameter{options.initial_b(key_b_, {out_channels}, fans, DType::float32)};
}

Variable Conv2D::forward(const Variable& x) {
  return ops::convolution_2d(x, W, b,
                             {.stride = options_.stride,
                              .pad = options_.pad,
                              .dilation = options_.dilation,
                              .groups = options_.groups});
}

}  // namespace fathom::nn
