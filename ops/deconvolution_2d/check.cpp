// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/deconvolution_2d/check.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/convolution.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/convolution_2d/check.hpp>

namespace fathom::ops::detail {
namespace {

void check_channels(const ArgumentCheck& check, const Shape& x, const Shape& W, std::int64_t groups) {
  if (W[0] != x[1]) {
    check.fail<ShapeError>(
        fmt::format("W must have as many input channels as x (x has {}, W has {})", x[1], W[0]),
        W[1] == x[1] || W[1] * groups == x[1]
            ? "W is (cI, cO/groups, kH, kW) as in PyTorch's ConvTranspose2d: the channels of x "
              "come first, unlike in convolution_2d"
            : "W is (cI, cO/groups, kH, kW); its first axis counts the channels of x");
  }
  FATHOM_CHECK(check.hint(kGroupsHint), x[1] % groups == 0, ValueError,
               "groups must divide the channels of x (groups is {}, x has {})", groups, x[1]);
}

std::int64_t output_size(const ArgumentCheck& check, char axis, std::int64_t size, std::int64_t extent,
                         std::int64_t stride, std::int64_t pad, const std::int64_t* wanted) {
  const std::int64_t least = (size - 1) * stride + extent - 2 * pad;
  if (wanted == nullptr) {
    FATHOM_CHECK(
        check.hint("use a smaller pad, a larger stride or a larger kernel"), least > 0, ShapeError,
        "{0}O must be positive (({0} - 1) * stride + extent - 2 * pad is {1}; x has {2}, stride is {3}, the "
        "kernel's extent {4}, pad {5})",
        axis, least, size, stride, extent, pad);
    return least;
  }
  const std::int64_t most = least + stride - 1;
  FATHOM_CHECK(check.hint("leave output_size out to have the smallest one"),
               *wanted >= std::max<std::int64_t>(least, 1) && *wanted <= most, ShapeError,
               "output_size must convolve back to x: {}O must be in [{}, {}] (it is {})", axis,
               std::max<std::int64_t>(least, 1), most, *wanted);
  return *wanted;
}

}  // namespace

ConvolutionGeometry check_deconvolution_2d(const Variable& x, const Variable& W, const Variable& b,
                                           const Deconvolution2DOptions& options) {
  ArgumentCheck check = check_convolution("deconvolution_2d", x, W, "(cI, cO/groups, kH, kW)", b, "(cO)");
  check_window(check, {.stride = options.stride, .pad = options.pad, .dilation = options.dilation});
  check.at_least("groups", options.groups, 1, kGroupsHint);
  check_channels(check, x.shape(), W.shape(), options.groups);
  ConvolutionGeometry g{.groups = options.groups,
                        .image_channels = W.shape()[1] * options.groups,
                        .map_channels = x.shape()[1],
                        .image = {},
                        .map = {x.shape()[2], x.shape()[3]},
                        .kernel = {W.shape()[2], W.shape()[3]},
                        .stride = options.stride,
                        .pad = options.pad,
                        .dilation = options.dilation};
  check_kernel(check, W.shape());
  check_bias(check, b, g.image_channels);
  FATHOM_CHECK(check.hint("only the axes n and cI of x may be empty; look where x is made"),
               g.map.y > 0 && g.map.x > 0, ShapeError, "x must have at least one pixel (it has {})",
               to_string(g.map));
  const Pair2* const wanted = options.output_size ? &*options.output_size : nullptr;
  g.image.y = output_size(check, 'h', g.map.y, kernel_extent(g.kernel.y, g.dilation.y), g.stride.y, g.pad.y,
                          wanted != nullptr ? &wanted->y : nullptr);
  g.image.x = output_size(check, 'w', g.map.x, kernel_extent(g.kernel.x, g.dilation.x), g.stride.x, g.pad.x,
                          wanted != nullptr ? &wanted->x : nullptr);
  return g;
}

}  // namespace fathom::ops::detail
