// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/deconvolution_2d/check.hpp>

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
                        .map = {},
                        .kernel = {W.shape()[2], W.shape()[3]},
                        .stride = options.stride,
                        .pad = options.pad,
                        .dilation = options.dilation};
  check_kernel(check, W.shape());
  check_bias(check, b, g.image_channels);
  g.map = checked_plane(check, x.shape());
  const std::optional<Pair2>& wanted = options.output_size;
  g.image.y = size_under_windows(check, 'h', g.map.y, kernel_extent(g.kernel.y, g.dilation.y), g.stride.y,
                                 g.pad.y, wanted ? std::optional(wanted->y) : std::nullopt);
  g.image.x = size_under_windows(check, 'w', g.map.x, kernel_extent(g.kernel.x, g.dilation.x), g.stride.x,
                                 g.pad.x, wanted ? std::optional(wanted->x) : std::nullopt);
  return g;
}

}  // namespace fathom::ops::detail
