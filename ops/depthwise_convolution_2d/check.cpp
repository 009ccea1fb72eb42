// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/depthwise_convolution_2d/check.hpp>

#include <fmt/format.h>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/convolution.hpp>
#include <fathom/ops/checks/window.hpp>

namespace fathom::ops::depthwise {
namespace {

/// Why W's channels may differ from x's: the layouts that people bring along.
std::string_view layout_hint(const Variable& x, const Variable& W) {
  const std::int64_t channels = x.shape(1);
  if (W.shape(1) == 1 && W.shape(0) % channels == 0) {
    return "W is (cM, cI, kH, kW); a PyTorch weight (cI*cM, 1, kH, kW) becomes that by reshape to "
           "(cI, cM, kH, kW) and transpose {1, 0, 2, 3}";
  }
  if (W.shape(0) == channels) {
    return "W is (cM, cI, kH, kW); its first two axes look swapped: transpose {1, 0, 2, 3}";
  }
  return "W is (cM, cI, kH, kW) with cM kernels for each of the cI channels of x";
}

void require_elements(const ArgumentCheck& check, std::string_view name, const Shape& shape,
                      std::size_t from_axis) {
  for (std::size_t axis = from_axis; axis < shape.rank(); ++axis) {
    FATHOM_CHECK(check.hint("only the axis n may be empty; look where the array is made"), shape[axis] > 0,
                 ShapeError, "axis {} of {} must not be empty", axis, name);
  }
}

}  // namespace

Geometry check(const Variable& x, const Variable& W, const Variable& b,
               const DepthwiseConvolution2DOptions& options) {
  ArgumentCheck check =
      detail::check_convolution("depthwise_convolution_2d", x, W, "(cM, cI, kH, kW)", b, "(cM*cI)");
  detail::check_window(check, {.stride = options.stride, .pad = options.pad, .dilation = options.dilation});
  require_elements(check, "x", x.shape(), 1);
  require_elements(check, "W", W.shape(), 0);

  if (W.shape(1) != x.shape(1)) {
    check.fail<ShapeError>(
        fmt::format("W must have as many channels as x (x has {}, W has {})", x.shape(1), W.shape(1)),
        layout_hint(x, W));
  }
  detail::check_bias(check, b, W.shape(0) * W.shape(1));

  const Pair2 extent{detail::kernel_extent(W.shape(2), options.dilation.y),
                     detail::kernel_extent(W.shape(3), options.dilation.x)};
  const detail::Windows windows =
      detail::place_windows({x.shape(2), x.shape(3)}, extent, options.stride, options.pad);
  const Geometry geometry{.images = x.shape(0),
                          .channels = x.shape(1),
                          .multiplier = W.shape(0),
                          .height = x.shape(2),
                          .width = x.shape(3),
                          .kernel_y = W.shape(2),
                          .kernel_x = W.shape(3),
                          .out_height = windows.count.y,
                          .out_width = windows.count.x,
                          .stride_y = options.stride.y,
                          .stride_x = options.stride.x,
                          .pad_y = windows.before.y,
                          .pad_x = windows.before.x,
                          .dilation_y = options.dilation.y,
                          .dilation_x = options.dilation.x};
  if (geometry.out_height < 1 || geometry.out_width < 1) {
    const bool too_high = geometry.out_height < 1;
    check.fail<ShapeError>(
        fmt::format(
            "the kernel must not be {} than the padded image ({} + 2*{} pixels, {} taps with dilation {})",
            too_high ? "higher" : "wider", too_high ? geometry.height : geometry.width,
            too_high ? geometry.pad_y : geometry.pad_x, too_high ? geometry.kernel_y : geometry.kernel_x,
            too_high ? geometry.dilation_y : geometry.dilation_x),
        "raise pad, or use a smaller kernel or dilation");
  }
  return geometry;
}

}  // namespace fathom::ops::depthwise
