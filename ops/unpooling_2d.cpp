// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/unpooling_2d.hpp>

#include <fmt/format.h>

#include <limits>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/argument.hpp>
#include <fathom/ops/checks/labels.hpp>
#include <fathom/ops/checks/window.hpp>
#include <fathom/ops/pooling_2d/positions.hpp>
#include <fathom/ops/rules/separable.hpp>

namespace fathom::ops {
namespace {

using pooling::Geometry;

/// The pooling whose output has the size of x.
Geometry check_unpooling(ArgumentCheck& check, const Shape& x, const Unpooling2DOptions& options) {
  const Pair2 plane = detail::checked_plane(check, x);
  const Pair2 kernel = options.kernel;
  const Pair2 stride = options.stride.value_or(kernel);
  const std::optional<Pair2>& wanted = options.output_size;
  detail::check_pixels(check, "kernel", kernel, 1, "1 is a window of one pixel");
  detail::check_window(check, {.stride = stride, .pad = options.pad});
  const std::int64_t height =
      detail::size_under_windows(check, 'h', plane.y, kernel.y, stride.y, options.pad.y,
                                 wanted ? std::optional(wanted->y) : std::nullopt, options.cover_all);
  const std::int64_t width =
      detail::size_under_windows(check, 'w', plane.x, kernel.x, stride.x, options.pad.x,
                                 wanted ? std::optional(wanted->x) : std::nullopt, options.cover_all);
  FATHOM_CHECK(check.hint("cut x into tiles; positions within a plane are counted in an int32"),
               height * width <= std::numeric_limits<std::int32_t>::max(), ShapeError,
               "hO*wO must fit an int32 (it is {})", height * width);
  return {.images = x[0],
          .channels = x[1],
          .height = height,
          .width = width,
          .out_height = plane.y,
          .out_width = plane.x,
          .kernel_y = kernel.y,
          .kernel_x = kernel.x,
          .stride_y = stride.y,
          .stride_x = stride.x,
          .pad_y = options.pad.y,
          .pad_x = options.pad.x};
}

void check_indexes(const ArgumentCheck& check, const Array& indexes, std::int64_t window) {
  dispatch_index(indexes.dtype(), "upsampling_2d", [&]<class I>() {
    for (std::int64_t i = 0; i < indexes.size(); ++i) {
      const std::int64_t index = indexes.data<I>()[i];
      FATHOM_CHECK(check.hint("they are ky*kW + kx, as max_pooling_2d gives them for the same kernel"),
                   index >= 0 && index < window, ValueError, "indexes must lie in [0, {}) ({} is {})", window,
                   detail::element_of("indexes", indexes.shape(), i), index);
    }
  });
}

}  // namespace

Variable unpooling_2d(const Variable& x, const Unpooling2DOptions& options) {
  ArgumentCheck check("unpooling_2d");
  check.argument("x", detail::array_or_undefined(x), "(n, c, h, w)").rank(4).floating();
  const Geometry g = check_unpooling(check, x.shape(), options);
  using enum detail::WindowWeight;
  return detail::linear_map(
      x,
      detail::Separable{
          "unpooling_2d",
          "unpooling_2d_grad",
          {detail::window_matrix(g.height, g.out_height, g.kernel_y, g.stride_y, g.pad_y, one).transposed(),
           detail::window_matrix(g.width, g.out_width, g.kernel_x, g.stride_x, g.pad_x, one).transposed()},
          pooling::attributes(g)});
}

Variable upsampling_2d(const Variable& x, const Array& indexes, const Unpooling2DOptions& options) {
  ArgumentCheck check("upsampling_2d");
  check.argument("x", detail::array_or_undefined(x), "(n, c, h, w)").argument("indexes", indexes);
  check.select("x").rank(4).floating().select("indexes").index().shape(x.shape(), "that of x");
  const Geometry g = check_unpooling(check, x.shape(), options);
  check_indexes(check, indexes, g.window());
  return detail::linear_map(x, pooling::AtPositions{"upsampling_2d", "upsampling_2d_grad", true, g,
                                                    pooling::positions_of(g, indexes)});
}

}  // namespace fathom::ops
