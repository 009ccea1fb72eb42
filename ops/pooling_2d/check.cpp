// SPDX-License-Identifier: BSD-3-Clause
#include <fathom/ops/pooling_2d/check.hpp>

#include <fmt/format.h>

#include <limits>

#include <fathom/core/check.hpp>
#include <fathom/ops/checks/window.hpp>

namespace fathom::ops::pooling {

Geometry check(std::string_view op, const Array& x, Pair2 kernel, const std::optional<Pair2>& stride, Pad pad,
               std::optional<bool> cover_all) {
  ArgumentCheck check(op);
  check.argument("x", x, "(n, c, h, w)").rank(4).floating();
  detail::check_pixels(check, "kernel", kernel, 1, "global_average_pooling_2d takes whole images");
  const Pair2 step = stride.value_or(kernel);
  detail::check_window(check, {.stride = step, .pad = pad});
  FATHOM_CHECK(check.hint("cut the image into tiles; positions within one are counted in an int32"),
               x.shape(2) * x.shape(3) <= std::numeric_limits<std::int32_t>::max(), ShapeError,
               "h*w must fit an int32 (it is {})", x.shape(2) * x.shape(3));
  const auto [count, before] =
      detail::place_windows({x.shape(2), x.shape(3)}, kernel, step, pad, cover_all.value_or(false));
  if (count.y <= 0 || count.x <= 0) {
    check.fail<ShapeError>(
        fmt::format("a window must fit the padded image (image [{}, {}], kernel {}, stride {}, pad {}{})",
                    x.shape(2), x.shape(3), to_string(kernel), to_string(step), to_string(pad),
                    cover_all ? fmt::format(", cover_all {}", *cover_all) : ""),
        "make the kernel smaller or the pad larger");
  }
  return {.images = x.shape(0),
          .channels = x.shape(1),
          .height = x.shape(2),
          .width = x.shape(3),
          .out_height = count.y,
          .out_width = count.x,
          .kernel_y = kernel.y,
          .kernel_x = kernel.x,
          .stride_y = step.y,
          .stride_x = step.x,
          .pad_y = before.y,
          .pad_x = before.x};
}

}  // namespace fathom::ops::pooling
