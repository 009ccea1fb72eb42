// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/convolution_2d/check.hpp>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/convolution.hpp>
#include <fathom/ops/checks/window.hpp>

namespace fathom::ops::detail {
namespace {

void check_channels(const ArgumentCheck& check, const Shape& x, const Shape& W, std::int64_t groups) {
  FATHOM_CHECK(check.hint(kGroupsHint), x[1] % groups == 0, ValueError,
               "groups must divide the channels of x (groups is {}, x has {})", groups, x[1]);
  FATHOM_CHECK(check.hint(kGroupsHint), W[0] % groups == 0, ValueError,
               "groups must divide the output channels of W (groups is {}, W has {})", groups, W[0]);
  if (W[1] == x[1] / groups) return;
  std::string_view hint = "the second axis of W counts the channels of x in one group";
  if (x[3] == W[1] * groups) {
    hint = "x looks like (n, h, w, c); move the channels first with transpose(x, Axes{0, 3, 1, 2})";
  } else if (W[1] == 1 && groups == 1) {
    hint = "W looks like one with groups; for one kernel per channel use depthwise_convolution_2d";
  } else if (W[0] == x[1] / groups) {
    hint = "the first axis of W counts output channels, the second those of x in one group";
  }
  check.fail<ShapeError>(
      fmt::format("W must have cI / groups channels (x has {}, groups is {}, W has {})", x[1], groups, W[1]),
      hint);
}

std::int64_t output_size(const ArgumentCheck& check, char axis, std::int64_t size, std::int64_t kernel,
                         std::int64_t stride, std::int64_t pad, std::int64_t dilation, bool cover_all) {
  const std::int64_t extent = kernel_extent(kernel, dilation);
  const std::int64_t result = window_positions(size, extent, stride, pad, cover_all);
  if (result < 1) {
    check.fail<ShapeError>(
        fmt::format(
            "{}O must be positive: the kernel's extent along {} must fit into the padded x (it is {}, x has "
            "{} and pad is {})",
            axis, axis, extent, size, pad),
        "a larger pad, a smaller kernel or a smaller dilation would fit");
  }
  return result;
}

}  // namespace

ConvolutionGeometry check_convolution_2d(const Variable& x, const Variable& W, const Variable& b,
                                         const Convolution2DOptions& options) {
  ArgumentCheck check = check_convolution("convolution_2d", x, W, "(cO, cI/groups, kH, kW)", b, "(cO)");
  check_window(check, {.stride = options.stride, .pad = options.pad, .dilation = options.dilation});
  check.at_least("groups", options.groups, 1, kGroupsHint);
  check_channels(check, x.shape(), W.shape(), options.groups);
  check_kernel(check, W.shape());
  check_bias(check, b, W.shape()[0]);
  ConvolutionGeometry g{.groups = options.groups,
                        .image_channels = x.shape()[1],
                        .map_channels = W.shape()[0],
                        .image = {x.shape()[2], x.shape()[3]},
                        .map = {},
                        .kernel = {W.shape()[2], W.shape()[3]},
                        .stride = options.stride,
                        .pad = options.pad,
                        .dilation = options.dilation};
  g.map.y =
      output_size(check, 'h', g.image.y, g.kernel.y, g.stride.y, g.pad.y, g.dilation.y, options.cover_all);
  g.map.x =
      output_size(check, 'w', g.image.x, g.kernel.x, g.stride.x, g.pad.x, g.dilation.x, options.cover_all);
  return g;
}

}  // namespace fathom::ops::detail
