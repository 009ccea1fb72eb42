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

void check_fits(const ArgumentCheck& check, char axis, std::int64_t size, std::int64_t extent,
                std::int64_t pad, std::int64_t positions) {
  if (positions >= 1) return;
  check.fail<ShapeError>(
      fmt::format(
          "{}O must be positive: the kernel's extent along {} must fit into the padded x (it is {}, x has "
          "{} and pad is {})",
          axis, axis, extent, size, pad),
      "a larger pad, a smaller kernel or a smaller dilation would fit");
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
                        .pad = {},
                        .dilation = options.dilation};
  const Pair2 extent{kernel_extent(g.kernel.y, g.dilation.y), kernel_extent(g.kernel.x, g.dilation.x)};
  const Windows windows = place_windows(g.image, extent, g.stride, options.pad, options.cover_all);
  g.map = windows.count;
  g.pad = windows.before;
  check_fits(check, 'h', g.image.y, extent.y, g.pad.y, g.map.y);
  check_fits(check, 'w', g.image.x, extent.x, g.pad.x, g.map.x);
  return g;
}

}  // namespace fathom::ops::detail
